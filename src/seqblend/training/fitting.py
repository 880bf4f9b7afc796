"""Training of one model on one fold, epoch after epoch, and its predictions in file order."""

from __future__ import annotations

import copy
import logging
import time
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from seqblend.core import fault_injection
from seqblend.core.config import TrainConfig
from seqblend.core.seeds import seed_for
from seqblend.tasks.objective import Objective
from seqblend.tasks.task import Task, Temperature
from seqblend.training.batching import DeviceSequences, in_file_order, plan_even
from seqblend.training.halving import falls_behind
from seqblend.training.micro_batches import MicroBatcher
from seqblend.training.optimisation import autocast
from seqblend.training.trainer import FitSetting, TargetRows, Trainer

_MANY_ROWS = 1_000, 3_000  # validation rows from which on a patience of 2, and of 1, suffices
_FEW_EPOCHS, _PILOT_TOKENS = 10, 10_000_000  # a pilot has so many epochs, or reads so many tokens
PREDICT_TOKENS = 32_768  # padded tokens in a batch without gradients, at most
CALIBRATED_LOSS = "valid_calibrated_loss"  # in a history: after the best temperature
History = dict[str, list[float]]
_LOG = logging.getLogger(__name__)


@dataclass
class FitRecord:
    """What a fit cost and how it went.

    history: one value per epoch under each name
    recoveries: what had to be changed during the fit, each with a `sentence` for people
    epochs: how many the weights were trained for; of a pilot, what it recommends to the folds
    temperature: what a pilot recommends to the folds, or what predictions are scaled by
    chosen: options that the fit itself chose
    pilot_loss: of a pilot, the validation loss of the epoch that it recommends
    is_pruned: whether a pilot ended since it fell behind its rival
    """

    history: History = field(default_factory=dict)
    recoveries: list[dict[str, Any]] = field(default_factory=list)
    padding: float | None = None
    tokens_per_second: float | None = None
    parameters: int = 0
    epochs: int = 0
    temperature: Temperature = 1.0
    chosen: dict[str, Any] = field(default_factory=dict)
    pilot_loss: float | None = None
    is_pruned: bool = False

    def add(self, values: dict[str, float | None]) -> None:
        """Record one epoch."""
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)


def fit_module(
    build: Callable[[], nn.Module],
    train: TargetRows,
    valid: TargetRows,
    setting: FitSetting,
    should_stop: Callable[[History], bool] | None = None,
) -> tuple[nn.Module, FitRecord]:
    """Train a module and return its averaged weights with what was recorded.

    `should_stop(history)` ends after an epoch (the pilot, early stopping): then the weights are
    those of the best epoch. Validation rows, if any, are scored each epoch and choose nothing
    otherwise.
    raises: DivergenceError where loss or gradients are not finite and no recovery helps;
        UnitError where a batch does not fit into memory
    """
    torch.manual_seed(seed_for(setting.seed, "torch", setting.place))
    trainer = Trainer(build().to(setting.device), train, setting)
    predict = partial(
        predict_module,
        objective=trainer.objective,
        precision=setting.config.precision,
        device=setting.device,
    )
    return fit_epochs(trainer, predict, valid, setting, should_stop)


class EpochTrainer(Protocol):
    """What fit_epochs trains with. trained: the model that is scored and returned."""

    trained: Any
    objective: Objective
    parameters: int
    tokens_seen: int
    padding: float
    recoveries: list[dict[str, Any]]

    def run_epoch(self, epoch: int) -> dict[str, float | None]:
        """One pass over the training rows; the epoch's figures."""


def fit_epochs(
    trainer: EpochTrainer,
    predict: Callable[[Any, DeviceSequences], np.ndarray],
    valid: TargetRows,
    setting: FitSetting,
    should_stop: Callable[[History], bool] | None = None,
) -> tuple[Any, FitRecord]:
    """The trained model and what was recorded, as fit_module describes it.

    predict: from (model, sequences) to predictions float32 [n, c]
    """
    record, best = FitRecord(parameters=trainer.parameters), None
    loss = pilot_loss_key(setting.config)
    keeps_best = setting.config.early_stopping or should_stop is not None
    for epoch in range(setting.epochs):
        began, seen = time.perf_counter(), trainer.tokens_seen
        values = {"epoch": epoch + 1, **trainer.run_epoch(epoch)}
        seconds = time.perf_counter() - began
        speed = (trainer.tokens_seen - seen) / seconds
        values |= {"train_seconds": seconds, "tokens_per_second": speed}
        if len(valid.targets):
            array = predict(trainer.trained, valid.sequences)
            scored = setting.task, trainer.objective, valid.targets, array
            values |= describe_validation(*scored, began + seconds)
        record.add(values)
        setting.report(values)
        if keeps_best and first_best(record.history[loss]) == epoch + 1:
            best = copy.deepcopy(trainer.trained.state_dict())
        fault_injection.visit("epoch.end")
        if should_stop and should_stop(record.history):
            break
    seconds = sum(record.history.get("train_seconds", []))
    record.tokens_per_second = trainer.tokens_seen / max(seconds, 1e-9)
    record.padding, record.recoveries = trainer.padding, trainer.recoveries
    if best is not None:
        trainer.trained.load_state_dict(best)
    return trainer.trained, record


def describe_validation(
    task: Task, objective: Objective, targets: np.ndarray, array: np.ndarray, began: float
) -> dict[str, Any]:
    """Scores of an epoch, prefixed `valid_`, also with the best temperature.

    targets: of the validation rows; array: their predictions float32 [n, c]
    began: time.perf_counter() before the predictions were computed
    """
    scores: dict[str, Any] = {
        f"valid_{name}": value for name, value in task.summarise(targets, array).items()
    }
    scores.pop(f"valid_{task.loss_metric}")
    scores["valid_loss"] = objective.measure(targets, array) if np.isfinite(array).all() else None
    temperature, loss = 1.0, None
    if scores["valid_loss"] is not None:
        temperature, loss = task.fit_temperature(array, targets)
    loss = scores["valid_loss"] if loss is None else loss
    calibrated = {CALIBRATED_LOSS: loss, "valid_temperature": temperature}
    return scores | calibrated | {"valid_seconds": time.perf_counter() - began}


@torch.no_grad()
def predict_module(
    model: nn.Module,
    sequences: DeviceSequences,
    objective: Objective,
    precision: str,
    device: torch.device,
) -> np.ndarray:
    """Predictions, float32 [n, c], in the order of the rows; those of the objective, in float32.

    A row's are the same, bit by bit, among whichever other rows it is.
    """
    model.eval()
    batcher = MicroBatcher(lambda why, parts: _LOG.warning("%s: predicted in %d parts", why, parts))

    def answer(parts: list[np.ndarray], width: int) -> torch.Tensor:
        """float32 [b, c] for the parts of a batch."""
        answers = []
        for rows in parts:
            tokens, lengths = sequences.gather(rows, width)
            with autocast(precision, device):
                outputs = model(tokens, lengths)
            answers.append(objective.predict(outputs.float()))
        return torch.cat(answers)

    batches = list(plan_even(sequences.lengths, PREDICT_TOKENS))
    found = [
        batcher.run(partial(answer, width=each.width), each.rows)[: each.count] for each in batches
    ]
    return in_file_order(batches, torch.cat(found).cpu().numpy())


def stops_after_patience(
    patience: int, prior_loss: float, loss: str = "valid_loss", rival: Sequence[float] = ()
) -> Callable[[History], bool]:
    """Stop once a validation loss of the history has not improved for `patience` epochs.

    Also where it falls behind that of a rival. Else nothing stops on the plateau before learning
    begins: while the training loss is within 5 % of that of a constant prediction, a loss that does
    not fall says nothing.
    """

    def should_stop(history: History) -> bool:
        losses = history[loss]
        if falls_behind(losses, rival):
            return True
        is_learning = min(history["train_loss"]) < 0.95 * prior_loss
        return is_learning and len(losses) - first_best(losses, prior_loss) >= patience

    return should_stop


def most_epochs(config: TrainConfig, tokens: int) -> int:
    """The most epochs of a pilot whose epochs have so many tokens: long ones are fewer."""
    return min(config.max_epochs, max(_FEW_EPOCHS, _PILOT_TOKENS // max(tokens, 1)))


def patience_of(config: TrainConfig, rows: int) -> int:
    """The patience of a pilot scored on `rows` rows: on few rows the loss is noisy."""
    return config.patience or (4, 2, 1)[bisect(_MANY_ROWS, rows)]


def pilot_loss_key(config: TrainConfig) -> str:
    """The validation loss in the history by which pilots choose epochs and are compared.

    After temperature scaling where the folds predict with the pilot's temperature, since that is
    how they are scored; else the plain one.
    """
    is_calibrated = config.calibrate and not config.early_stopping
    return CALIBRATED_LOSS if is_calibrated else "valid_loss"


def first_best(losses: ArrayLike, prior_loss: float = 0.0) -> int:
    """The first epoch, from 1, whose loss is within 0.2 % of `prior_loss` of the least."""
    losses = np.asarray(losses)
    return 1 + int(np.argmax(losses <= losses.min() + 0.002 * prior_loss))


def epochs_for_folds(losses: list[float], prior_loss: float) -> int:
    """How many epochs a pilot's losses advise for the folds, which are not quite in step with it.

    Before its least value a loss falls fast, behind it it rises slowly: an epoch too few costs more
    than one too many. So an epoch counts with its neighbours, as the mean of the three.
    """
    padded = np.pad(losses, 1, mode="edge")
    return first_best((padded[:-2] + padded[1:-1] + padded[2:]) / 3, prior_loss)
