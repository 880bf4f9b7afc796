"""What units will take: a default price for each kind of model, then a rate from finished units."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from seqblend.core.storage import read_finished
from seqblend.data.folds import HOLD_OUT_PARTS
from seqblend.data.sequences import SequenceSet
from seqblend.models.registry import entry_for
from seqblend.running.project import Project
from seqblend.running.runs import PILOT, REFIT, Run, Unit
from seqblend.training.option_paths import PROBLEM, share_tried

# Seconds for a token, of networks in each epoch, on one core of 2026; the first unit corrects them.
PRICES = {"linear": 8.5e-7, "module": 1e-5, "scratch": 4e-5}
_STEP = 0.03  # seconds of an optimiser's step, whatever its tokens
_TRIED = 12  # options that a linear member tries on inner splits
_START_UP = 4.0  # seconds until a worker has imported torch and mapped its data
_GUESSED_EPOCHS = 8  # before a pilot has chosen them, for at most a million tokens per epoch


class Estimator:
    """Seconds and bytes of units, better known with every unit that is done."""

    def __init__(self, train: SequenceSet, test: SequenceSet, classes: int, folds: int) -> None:
        self._train, self._n_test = train, len(test)
        self._classes = classes
        self._problems = 1 if classes == 2 else classes  # binary problems of a linear model
        self._share = 1 - 1 / (folds if folds > 1 else HOLD_OUT_PARTS)
        self._rates: dict[Run | str, float] = {}  # of a run or a kind: seconds over those guessed
        self._epochs: dict[Run, int] = {}

    def observe(self, unit: Unit, manifest: dict[str, Any]) -> None:
        """Learn from a unit that is done: of a run the last one counts, of a kind the slowest."""
        run, trained = unit.run, manifest["epochs_trained"]
        self._epochs[run] = manifest["epochs"] if unit.fold == PILOT else trained
        self._rates[run] = manifest["seconds"] / self._guess(run, trained) / self._size(unit)
        self._rates[run.kind] = max(self._rates.get(run.kind, 0.0), self._rates[run])

    def seconds(self, unit: Unit) -> float:
        """Estimated seconds of a unit."""
        run = unit.run
        guessed = self._guess(run, run.train.epochs or self._epochs.get(run)) * self._size(unit)
        if run in self._rates:
            return self._rates[run] * guessed
        return _START_UP + self._rates.get(run.kind, 1.0) * guessed

    def megabytes(self, unit: Unit) -> float:
        """Estimated size of a unit's folder on disk."""
        rows = len(self._train) * (1 - self._share) + self._n_test
        if unit.run.kind == "linear":
            return 0.4e-6 * float(self._train.lengths.sum()) * (12 + 4 * self._problems)
        width = getattr(unit.run.options, "width", 128)
        return 4e-6 * (unit.run.vocabulary.size * width + rows * self._classes) + 1

    def _size(self, unit: Unit) -> float:
        """A unit's training rows, as a multiple of a fold's."""
        if unit.fold == PILOT:
            return 1 - 1 / HOLD_OUT_PARTS
        return 1 / self._share if unit.fold == REFIT else 1.0

    def _guess(self, run: Run, epochs: int | None) -> float:
        """Seconds at the default price; without a number of epochs they are guessed too."""
        if run.kind == "linear":
            entry, tokens = entry_for(run.model), self._share * float(self._train.lengths.sum())
            problems = self._problems if entry.fits_each_class else 1
            if run.train.adapt:
                rows = int(self._share * len(self._train))
                tokens *= 1 + _TRIED * min(share_tried(rows, int(tokens), self._problems), 1.0)
            return PRICES[run.kind] * entry.cost * tokens * (1 + PROBLEM * problems)
        tokens = self._share * float(np.minimum(self._train.lengths, run.vocabulary.max_len).sum())
        # a pilot chooses fewer epochs where one has more tokens
        guessed = max(_GUESSED_EPOCHS / max(tokens / 1e6, 1.0) ** 0.5, 2.0)
        steps = max(run.train.steps_per_epoch, tokens / run.train.tokens_per_batch)
        steps = min(steps, self._share * len(self._train))
        price = PRICES[run.kind] * entry_for(run.model).cost
        return (price * tokens + _STEP * steps) * (epochs or guessed)


def make_estimator(project: Project) -> Estimator:
    """An estimator that knows nothing but the size of the rows."""
    rows = project.competition
    return Estimator(rows.train, rows.test, len(rows.classes), project.folds.count)


def find_finished(
    project: Project, units: Iterable[Unit], estimator: Estimator, note: Callable[[str], None]
) -> dict[Unit, dict[str, Any]]:
    """{unit: manifest} of the units that are done; the estimator learns from them."""
    done = {}
    for unit in units:
        folder, sets_aside = project.job(unit).folder, project.workspace.refusal is None
        manifest = read_finished(folder, note, sets_aside=sets_aside)
        if manifest is not None:
            done[unit] = manifest
            estimator.observe(unit, manifest)
    return done
