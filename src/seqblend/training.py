"""Fit one torch model on one fold, and predict with it in file order."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from seqblend import faults
from seqblend.batching import DeviceSequences, padding_share, plan_batches, tokens_per_batch
from seqblend.config import TrainConfig
from seqblend.errors import UnitError
from seqblend.metrics import summarise
from seqblend.optimise import AveragedWeights, autocast, make_loss, make_optimiser, rate_at
from seqblend.seeds import rng_for, seed_for

PREDICT_TOKENS = 32_768  # padded tokens in a batch without gradients
History = dict[str, list[float]]


@dataclass(frozen=True)
class Rows:
    """Sequences on the device with their labels: int64 [n]."""

    sequences: DeviceSequences
    labels: np.ndarray


@dataclass(frozen=True)
class Setting:
    """What a fit depends on besides its rows."""

    config: TrainConfig
    classes: int
    epochs: int
    seed: int
    place: int
    precision: str
    device: torch.device
    report: Callable[[dict], None]


@dataclass
class Trace:
    """What was recorded while fitting; `history` has one value per epoch."""

    history: History = field(default_factory=dict)
    padding: float = 0.0
    tokens_per_second: float = 0.0

    def add(self, values: dict[str, float | None]) -> None:
        """Record one epoch."""
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)


def fit_module(
    build: Callable[[], nn.Module],
    train: Rows,
    valid: Rows,
    setting: Setting,
    should_stop: Callable[[History], bool] | None = None,
) -> tuple[nn.Module, Trace]:
    """Train a module and return its averaged weights with what was recorded.

    `should_stop(history)` ends after an epoch (the pilot, early stopping). Validation rows are
    scored each epoch and choose nothing otherwise; early stopping returns its best epoch.
    raises: UnitError where the loss is no longer finite
    """
    torch.manual_seed(seed_for(setting.seed, "torch", setting.place))
    model = build().to(setting.device)
    trainer = _Trainer(model, train, setting)
    trace, best = Trace(), None
    for epoch in range(setting.epochs):
        values = trainer.run_epoch(epoch)
        values |= _validate(trainer.averaged.model, valid, setting)
        trace.add(values)
        setting.report(values)
        if setting.config.early_stopping and _is_best(trace.history):
            best = copy.deepcopy(trainer.averaged.model)
        faults.visit("epoch.end")
        if should_stop and should_stop(trace.history):
            break
    seconds = sum(trace.history.get("train_seconds", []))
    trace.tokens_per_second = trainer.tokens_seen / max(seconds, 1e-9)
    trace.padding = trainer.padding
    return best or trainer.averaged.model, trace


def _is_best(history: History) -> bool:
    return history["valid_loss"][-1] == min(history["valid_loss"])


class _Trainer:
    """Model, optimiser and averaged weights of one fit."""

    def __init__(self, model: nn.Module, train: Rows, setting: Setting) -> None:
        config = setting.config
        self.model, self.train, self.setting = model, train, setting
        self.budget = tokens_per_batch(
            train.sequences.lengths, config.steps_per_epoch, config.tokens_per_batch
        )
        self.optimiser = make_optimiser(model, config)
        self.averaged = AveragedWeights(model, config.half_life)
        self.loss = make_loss(train.labels, setting.classes, config, setting.device)
        self.scaler = torch.amp.GradScaler("cuda", enabled=setting.precision == "float16")
        self.labels = torch.from_numpy(train.labels).to(setting.device)
        self.step, self.tokens_seen, self.padding = 0, 0, 0.0

    def run_epoch(self, epoch: int) -> dict[str, float | None]:
        """One pass over the training rows; the epoch's running figures."""
        setting, began = self.setting, time.perf_counter()
        rng = rng_for(setting.seed, "batches", setting.place, epoch)
        lengths = self.train.sequences.lengths
        batches = plan_batches(lengths, self.budget, rng)
        self.padding = padding_share(lengths, batches)
        totals = torch.zeros(3, device=setting.device)  # loss, correct, gradient norm
        reported, seen = began, 0
        self.model.train()
        for part in self.model.modules():
            if hasattr(part, "begin_epoch"):
                part.begin_epoch(epoch)
        for i, rows in enumerate(batches):
            totals += self._step(rows, len(batches) * setting.epochs)
            seen += int(lengths[rows].sum())
            now = time.perf_counter()
            if now - reported > 1.0:
                reported = now
                share = (epoch + (i + 1) / len(batches)) / setting.epochs
                setting.report({"share": share, "tokens_per_second": seen / (now - began)})
        self.tokens_seen += seen
        seconds = time.perf_counter() - began
        loss, correct, norm = (totals / len(lengths)).tolist()
        if not np.isfinite(loss):
            raise UnitError(
                f"the training loss is no longer finite in epoch {epoch + 1} (rate "
                f"{setting.config.lr}): lower train.lr or train.clip_norm"
            )
        return {
            "epoch": epoch + 1,
            "train_loss": loss,
            "train_accuracy": correct,
            "gradient_norm": norm,
            "rate": rate_at(self.step - 1, setting.config, len(batches) * setting.epochs),
            "train_seconds": seconds,
            "tokens_per_second": seen / seconds,
        }

    def _step(self, rows: np.ndarray, steps: int) -> torch.Tensor:
        """One optimiser step: float32 [3], row-weighted loss, correct rows, gradient norm."""
        setting = self.setting
        tokens, lengths = self.train.sequences.gather(rows)
        labels = self.labels[torch.from_numpy(rows).to(setting.device)]
        with autocast(setting.precision, setting.device):
            logits = self.model(tokens, lengths)
        logits = logits.float()
        loss = self.loss(logits, labels)
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.step, setting.config, steps)
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimiser)
        most = setting.config.clip_norm or float("inf")
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), most)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.averaged.update(self.model)
        self.step += 1
        correct = (logits.detach().argmax(1) == labels).sum()
        return torch.stack([loss.detach() * len(rows), correct.float(), norm * len(rows)])


def _validate(model: nn.Module, valid: Rows, setting: Setting) -> dict[str, float | None]:
    """The averaged model's scores on the validation rows; metrics are prefixed `valid_`."""
    began = time.perf_counter()
    probabilities = predict_module(model, valid.sequences, setting.precision, setting.device)
    scores = {f"valid_{k}": v for k, v in summarise(valid.labels, probabilities).items()}
    scores["valid_loss"] = scores.pop("valid_log_loss")
    return scores | {"valid_seconds": time.perf_counter() - began}


@torch.no_grad()
def predict_module(
    model: nn.Module, sequences: DeviceSequences, precision: str, device: torch.device
) -> np.ndarray:
    """Class probabilities, float32 [n, c], in the order of the rows; softmax in float32."""
    model.eval()
    budget = max(PREDICT_TOKENS, int(sequences.lengths.max()))
    batches = plan_batches(sequences.lengths, budget)
    parts = []
    for rows in batches:
        tokens, lengths = sequences.gather(rows)
        with autocast(precision, device):
            logits = model(tokens, lengths)
        parts.append(torch.softmax(logits.float(), dim=1))
    stacked = torch.cat(parts).cpu().numpy()
    out = np.empty_like(stacked)
    out[np.concatenate(batches)] = stacked
    return out


def stops_after_patience(patience: int, prior_entropy: float) -> Callable[[History], bool]:
    """Stop once the validation loss has not improved for `patience` epochs.

    Nothing stops on the plateau before learning begins: while the training loss is within 5 % of
    the labels' entropy (nats), a loss that does not fall says nothing.
    """

    def should_stop(history: History) -> bool:
        losses = history["valid_loss"]
        is_learning = min(history["train_loss"]) < 0.95 * prior_entropy
        return is_learning and len(losses) - best_epoch(losses, prior_entropy) >= patience

    return should_stop


def best_epoch(losses: list[float], prior_entropy: float) -> int:
    """The first epoch, from 1, whose loss is within 0.2 % of the labels' entropy of the least."""
    return 1 + int(np.argmax(np.array(losses) <= min(losses) + 0.002 * prior_entropy))


def entropy_of(labels: np.ndarray, classes: int) -> float:
    """The labels' entropy in nats: the loss of a model that knows their frequencies alone."""
    shares = np.bincount(labels, minlength=classes) / len(labels)
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())
