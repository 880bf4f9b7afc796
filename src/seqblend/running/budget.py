"""What units will take: a few training steps measured beforehand, then the units that are done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from seqblend.core.seeds import rng_for
from seqblend.data.folds import HOLD_OUT_PARTS
from seqblend.data.sequences import Competition, SequenceSet
from seqblend.models.registry import entry_for
from seqblend.models.scratch_models import Network
from seqblend.running.runs import PILOT, Run, Unit
from seqblend.training.batching import DeviceSequences, plan_epoch
from seqblend.training.fitting import patience_of
from seqblend.training.optimisation import autocast
from seqblend.training.scratch_fitting import gather

_GUESSED_EPOCHS = 8  # before a pilot has chosen them, for at most a million tokens per epoch
_START_UP = 4.0  # seconds until a worker has imported torch and mapped its data
_SCORING = 1.15  # training time with validation after each epoch and the test rows at the end
_PROBE_STEPS = 3
_TOKEN, _TOKEN_CLASS = 8.5e-7, 1.5e-7  # seconds of a linear model before one of them is done


class Estimator:
    """Seconds and bytes of units, better known with every unit that is done."""

    def __init__(self, train: SequenceSet, test: SequenceSet, classes: int, folds: int) -> None:
        self._train, self._n_test = train, len(test)
        self._classes = classes
        self._problems = 1 if classes == 2 else classes  # binary problems of a linear model
        self._share = 1 - 1 / (folds if folds > 1 else HOLD_OUT_PARTS)
        self._linear_factor = 1.0  # of the last linear unit: its seconds over those guessed
        self._rates: dict[tuple, float] = {}
        self._seconds: dict[Run, list[float]] = {}
        self._epochs: dict[Run, int] = {}

    @classmethod
    def of(cls, competition: Competition, folds: int) -> Estimator:
        """The estimator of a competition's rows before anything is done."""
        return cls(competition.train, competition.test, len(competition.classes), folds)

    def observe(self, unit: Unit, manifest: dict[str, Any]) -> None:
        """Learn from a unit that is done."""
        if unit.fold == PILOT:
            self._epochs[unit.run] = manifest["epochs"]
            self._rates[_pace_of(unit.run)] = manifest["tokens_per_second"]
            return
        self._seconds.setdefault(unit.run, []).append(manifest["seconds"])
        if unit.run.kind == "linear":
            self._linear_factor = manifest["seconds"] / self._guess_linear()

    def seconds(self, unit: Unit) -> float:
        """Estimated seconds of a unit."""
        run, known = unit.run, self._seconds.get(unit.run)
        if known and unit.fold != PILOT:
            return float(np.mean(known))
        if run.pseudo:
            return self._growth(run) * self.seconds(Unit(run.base, unit.seed, unit.fold))
        if run.kind == "linear":
            return _START_UP + self._linear_factor * self._guess_linear()
        tokens = self._share * float(np.minimum(self._train.lengths, run.vocabulary.max_len).sum())
        epochs = run.train.epochs or self._epochs.get(run, _guess_epochs(tokens))
        if unit.fold == PILOT:  # scored on a fifth of the fold's training rows
            epochs += patience_of(run.train, int(self._share * len(self._train)) // HOLD_OUT_PARTS)
            epochs *= 1 - 1 / HOLD_OUT_PARTS
        return _START_UP + _SCORING * epochs * tokens / self._rate(run)

    def megabytes(self, unit: Unit) -> float:
        """Estimated size of a unit's folder on disk."""
        rows = len(self._train) * (1 - self._share) + self._n_test
        if unit.run.kind == "linear":
            tokens = self._growth(unit.run) * float(self._train.lengths.sum())
            return 0.4e-6 * tokens * (12 + 4 * self._problems)
        width = getattr(unit.run.options, "width", 128)
        return 4e-6 * (unit.run.vocabulary.size * width + rows * self._classes) + 1

    def _guess_linear(self) -> float:
        """Seconds of a linear model's fit at the default price."""
        tokens = self._share * float(self._train.lengths.sum())
        return tokens * (_TOKEN + self._problems * _TOKEN_CLASS)

    def _growth(self, run: Run) -> float:
        """Rows that a unit learns from relative to its training rows, at most."""
        if run.pseudo is None:
            return 1.0
        rows = self._share * len(self._train)
        return 1 + min(run.pseudo.share, self._n_test / rows)

    def _rate(self, run: Run) -> float:
        """Tokens per second that one worker trains on."""
        pace = _pace_of(run)
        if pace not in self._rates:
            self._rates[pace] = _probe(run, self._train, self._classes)
        return self._rates[pace]


def _pace_of(run: Run) -> tuple:
    """What a run's tokens per second depend on: one of the runs that agree in it is measured."""
    train = run.train
    batches = train.batch_rows, train.steps_per_epoch, train.tokens_per_batch
    return run.model, run.options, run.vocabulary, train.precision, batches


def _guess_epochs(tokens: float) -> float:
    """Epochs that a pilot may choose: fewer where an epoch has more tokens."""
    return max(_GUESSED_EPOCHS / max(tokens / 1e6, 1.0) ** 0.5, 2.0)


def _probe(run: Run, train: SequenceSet, classes: int) -> float:
    """Tokens per second over a few training steps on the CPU, the first one not counted."""
    device = torch.device("cpu")
    torch.set_num_threads(1)
    size = min(run.vocabulary.size, int(train.tokens.max()) + 1) + 2
    remap = (np.arange(int(train.tokens.max()) + 1) % (size - 2) + 2).astype(np.int32)
    rows = DeviceSequences(train, remap, run.vocabulary, device)
    batches = plan_epoch(rows.lengths, run.train)
    batch = batches[len(batches) // 2]  # rows of middling length
    model = entry_for(run.model).build(run.options, size, classes)
    make_step = _network_step if run.kind == "scratch" else _module_step
    step = make_step(model, run.train.precision)
    step(rows, batch)
    began = time.perf_counter()
    for _ in range(_PROBE_STEPS):
        step(rows, batch)
    return _PROBE_STEPS * float(rows.lengths[batch].sum()) / (time.perf_counter() - began)


def _module_step(model: nn.Module, precision: str) -> Callable[[DeviceSequences, np.ndarray], None]:
    """One training step of a torch module on given rows."""
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
    precision = "float32" if precision == "float16" else precision  # not on a CPU

    def train_batch(sequences: DeviceSequences, rows: np.ndarray) -> None:
        """A step on these rows with any loss: only its time matters."""
        tokens, lengths = sequences.gather(rows)
        with autocast(precision, sequences.device):
            loss = model(tokens, lengths).float().square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return train_batch


def _network_step(network: Network, _: str) -> Callable[[DeviceSequences, np.ndarray], None]:
    """One training step of a NumPy network on given rows."""
    network.initialise(rng_for(0, "probe"))

    def train_batch(sequences: DeviceSequences, rows: np.ndarray) -> None:
        """A step on these rows towards class 0."""
        tokens, lengths = gather(sequences, rows)
        network.step(tokens, lengths, np.zeros(len(rows), np.int64), 1e-3, 1.0)

    return train_batch
