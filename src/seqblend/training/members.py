"""The kinds of members: torch modules, NumPy networks and linear models under one contract."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from torch import nn

from seqblend.core.config import TrainConfig
from seqblend.core.seeds import rng_for
from seqblend.data.sequences import UNK, SequenceSet
from seqblend.data.vocabulary import fit_vocabulary
from seqblend.models.layers import Embed
from seqblend.tasks.objective import Objective
from seqblend.tasks.task import Temperature, as_temperature
from seqblend.training.batching import DeviceSequences
from seqblend.training.contract import Context, Fitted, Rows
from seqblend.training.fitting import (
    CALIBRATED_LOSS,
    FitRecord,
    FitSetting,
    TargetRows,
    epochs_for_folds,
    first_best,
    fit_module,
    most_epochs,
    patience_of,
    pilot_loss_key,
    predict_module,
    stops_after_patience,
)
from seqblend.training.halving import falls_behind
from seqblend.training.option_paths import ChosenOptions, choose_options, fit_model
from seqblend.training.scratch_fitting import fit_network, predict_network


def fit_member(train: Rows, valid: Rows, context: Context) -> Fitted:
    """Fit the context's model on the training rows; validation rows are scored."""
    return _KINDS[context.entry.kind].fit(train, valid, context)


def member_from_arrays(arrays: dict[str, np.ndarray], context: Context) -> Fitted:
    """The member that gave these arrays.

    The context's lexicon may be longer than the one that the member was fitted on: what follows is
    read as unknown. A linear member on characters within words reads a new word by its parts.
    """
    return _KINDS[context.entry.kind].from_arrays(arrays, context)


class TorchMember:
    """A torch module with the vocabulary it was trained with."""

    _train: Callable = staticmethod(fit_module)

    def __init__(
        self,
        model: Any,
        remap: np.ndarray,
        context: Context,
        objective: Objective,
        record: FitRecord | None = None,
    ) -> None:
        self.model, self.remap, self.context = model, remap, context
        self.objective, self.record = objective, record or FitRecord()

    @classmethod
    def fit(cls, train: Rows, valid: Rows, context: Context) -> Self:
        """Fit vocabulary and weights on the training rows."""
        remap, size = fit_vocabulary(train.sequences, len(context.view.lexicon), context.vocabulary)
        if context.embedding:
            remap, size = context.embedding.extend(remap, size)
        rate = context.train.lr * context.options.lr_scale
        config = dataclasses.replace(context.train, lr=rate)
        load = partial(
            DeviceSequences, remap=remap, config=context.vocabulary, device=context.device
        )
        rows = [TargetRows(load(part.sequences), part.targets) for part in (train, valid)]
        tokens = int(rows[0].sequences.lengths.sum())
        setting = FitSetting(
            config,
            task=context.task,
            epochs=context.epochs or most_epochs(config, tokens),
            seed=context.seed,
            place=context.place,
            device=context.device,
            report=context.report,
        )
        objective, should_stop = context.task.objective(train.targets, config), None
        if not context.epochs:
            patience = patience_of(config, len(valid.targets))
            loss = pilot_loss_key(config)
            should_stop = stops_after_patience(patience, objective.prior_loss, loss, context.rival)
        build = partial(_build_module, context, remap, size)
        model, record = cls._train(build, *rows, setting, should_stop)
        _advise_folds(record, config, context, objective.prior_loss)
        return cls(model, remap, context, objective, record)

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], as the task's arrays are."""
        context = self.context
        on_device = DeviceSequences(sequences, self.remap, context.vocabulary, context.device)
        precision = context.train.precision
        array = predict_module(self.model, on_device, self.objective, precision, context.device)
        return context.task.apply_temperature(array, context.temperature)

    def arrays(self) -> dict[str, np.ndarray]:
        """The vocabulary's remap, the state dict, and what the objective predicts with."""
        state = {
            f"state/{name}": value.cpu().numpy() if isinstance(value, torch.Tensor) else value
            for name, value in self.model.state_dict().items()
        }
        return {"vocabulary": self.remap} | state | self.objective.arrays()

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], context: Context) -> Self:
        """The member that gave these arrays."""
        remap = arrays["vocabulary"]
        new = len(context.view.lexicon) - len(remap)
        remap = np.append(remap, np.full(new, UNK, dtype=np.int32))
        size, columns = max(int(remap.max()) + 1, 2), len(context.task.columns)
        model = context.entry.build(context.options, size, columns)
        is_module = isinstance(model, nn.Module)
        model.load_state_dict(
            {
                name.removeprefix("state/"): torch.from_numpy(array) if is_module else array
                for name, array in arrays.items()
                if name.startswith("state/")
            }
        )
        objective = context.task.objective_from_arrays(arrays)
        return cls(model.to(context.device) if is_module else model, remap, context, objective)


class ScratchMember(TorchMember):
    """A NumPy network with its vocabulary: the same fit around another loop."""

    _train = staticmethod(fit_network)

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], as the task's arrays are."""
        cpu = torch.device("cpu")
        rows = DeviceSequences(sequences, self.remap, self.context.vocabulary, cpu)
        array = predict_network(self.model, rows)
        return self.context.task.apply_temperature(array, self.context.temperature)


def _advise_folds(
    record: FitRecord, config: TrainConfig, context: Context, prior_loss: float
) -> None:
    """Set the record's epochs and temperature: of a pilot, what it recommends to the folds.

    config: that of the context, with the model's own learning rate
    """
    loss = pilot_loss_key(config)
    if config.early_stopping:  # also of a fixed number of epochs the best one is kept
        record.epochs = first_best(record.history[loss])
    else:
        record.epochs = context.epochs or epochs_for_folds(record.history[loss], prior_loss)
    if context.epochs:
        record.temperature = context.temperature
        return
    record.pilot_loss = record.history[loss][record.epochs - 1]
    record.is_pruned = falls_behind(record.history[loss], context.rival)
    if loss == CALIBRATED_LOSS:
        record.temperature = record.history["valid_temperature"][record.epochs - 1]


def _build_module(context: Context, remap: np.ndarray, size: int) -> nn.Module:
    """The context's model, its token embeddings beginning with the given vectors, if any."""
    model = context.entry.build(context.options, size, len(context.task.columns))
    if context.embedding:
        rng = rng_for(context.seed, "embedding", context.place)
        table = torch.from_numpy(context.embedding.rows_of(remap, size, rng))
        for part in model.modules():
            if isinstance(part, Embed):
                part.start_from(table, context.embedding.use.mode)
    return model


def describe_raised_count(model: Any, context: Context) -> list[dict[str, Any]]:
    """The manifest's entry where n-grams had to occur more often than asked; else nothing."""
    index = getattr(model, "index", None)  # an NgramIndex, of models that count n-grams
    if index is None or index.min_count == context.options.min_count:
        return []
    wanted, used, most = context.options.min_count, index.min_count, context.options.most_weights
    sentence = (
        f"n-grams are kept from {used} occurrences on, not from {wanted} (min_count): more would "
        f"need over {most:,} weights (most_weights)"
    )
    return [{"sentence": sentence, "min_count": used, "min_count_wanted": wanted}]


class LinearMember:
    """A model that is fitted in one go, such as a linear one, with its predictions' temperature."""

    def __init__(
        self, model: Any, temperature: Temperature = 1.0, record: FitRecord | None = None
    ) -> None:
        self.model, self.temperature = model, temperature
        self.record = record or FitRecord()

    @classmethod
    def fit(cls, train: Rows, valid: Rows, context: Context) -> LinearMember:
        """Choose options on inner splits, then fit; validation rows are not read.

        An n-gram model that left out more than options.min_count asks for says so.
        """
        found = ChosenOptions(context.options, 1.0)
        if context.train.adapt:
            found = choose_options(train, context)
        context = dataclasses.replace(context, options=found.options)
        model = fit_model(train, context)
        recoveries = describe_raised_count(model, context)
        for recovery in recoveries:
            context.report({"recovery": recovery["sentence"]})
        record = FitRecord(
            parameters=model.parameters,
            recoveries=recoveries,
            temperature=found.temperature,
            chosen=dataclasses.asdict(found.options) if context.train.adapt else {},
        )
        return cls(model, found.temperature, record)

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], as the task's arrays are."""
        return self.model.task.apply_temperature(self.model.predict(sequences), self.temperature)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that from_arrays needs."""
        return self.model.arrays() | {"temperature": np.array(self.temperature)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], context: Context) -> LinearMember:
        """The member that gave these arrays."""
        model = context.entry.build.from_arrays(arrays, context.view, context.task)
        return cls(model, as_temperature(arrays["temperature"]))


_KINDS = {"module": TorchMember, "scratch": ScratchMember, "linear": LinearMember}
