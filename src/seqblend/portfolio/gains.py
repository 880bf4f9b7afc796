"""What members bring to a blend, by their pilots' predictions of the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from seqblend.blending.methods import fit_convex
from seqblend.evaluation.paired import compare_losses
from seqblend.running.runs import Run
from seqblend.tasks.task import Task

LEAST_SPREAD = 0.5  # standard deviation of a row's gain, as a share of the mean loss


@dataclass
class PilotBlends:
    """Blends of pilots, fitted and scored on the rows that validated them.

    targets: of these rows, as the task has them; arrays: a pilot's predictions, float32 [n, c]
    """

    task: Task
    targets: np.ndarray
    arrays: dict[Run, np.ndarray]
    _fitted: dict[frozenset[Run], tuple[np.ndarray, dict[Run, float]]] = field(default_factory=dict)

    def weights(self, runs: list[Run]) -> dict[Run, float]:
        """Each run's weight in their blend."""
        return self._fit(runs)[1]

    def loss(self, runs: list[Run]) -> float:
        """The mean loss of their blend."""
        return float(self._losses(runs).mean())

    def gain(self, runs: list[Run], another: Run) -> tuple[float, float]:
        """(share of the loss that another run takes off the blend of these, its standard error).

        A run without a weight changes no row: rows of that kind say little, not that it is useless.
        So rows are taken to differ by at least LEAST_SPREAD.
        """
        before, after = self._losses(runs), self._losses([*runs, another])
        found, mean = compare_losses(after, before), float(before.mean())
        return found.mean / mean, max(found.error / mean, LEAST_SPREAD / math.sqrt(found.n))

    def _losses(self, runs: list[Run]) -> np.ndarray:
        """float64 [n]: each row's loss by the blend; without a run by the constant prediction."""
        return self._fit(runs)[0] if runs else self.task.prior_losses(self.targets)

    def _fit(self, runs: list[Run]) -> tuple[np.ndarray, dict[Run, float]]:
        """(losses float64 [n], weights) of the convex blend; each set of runs is fitted once."""
        key = frozenset(runs)
        if key not in self._fitted:
            members = sorted(key, key=lambda run: run.name)
            stack = np.stack([self.arrays[run] for run in members])
            names = tuple(run.name for run in members)
            blend = fit_convex(stack, self.targets, names, self.task)
            losses = self.task.losses(self.targets, blend.apply(stack))
            self._fitted[key] = losses, dict(zip(members, blend.weights.tolist(), strict=True))
        return self._fitted[key]
