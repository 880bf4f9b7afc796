"""Variance components of fold scores: folds, seeds, models, sampled rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.diagnosis.holdouts import HoldOut
from seqblend.evaluation.bootstrap import bootstrap
from seqblend.evaluation.metrics import score

RESAMPLES = 400


@dataclass(frozen=True)
class VarianceComponents:
    """Standard deviation of a fold's score by source, in the metric's units.

    fold, model: the same for all models, all folds; rest: model by fold
    seed: None with one seed; rows: bootstrap of one fold's rows
    """

    fold: float
    model: float
    seed: float | None
    rest: float
    rows: float


def split_variance(scores: np.ndarray, rows: float) -> VarianceComponents:
    """Components of a table of unit scores, by the method of moments for a crossed design.

    scores: float64 [m, s, k] of models, seeds, folds; rows: see VarianceComponents

    A score is mean + model + fold + (model x fold) + seed's noise, all independent (Searle,
    Casella & McCulloch 1992, chapter 4). Seeds are nested in models and folds: their
    variance is within cells. Negative estimates count as 0.
    """
    m, s, k = scores.shape
    cells = scores.mean(axis=1)  # [m, k]
    within = float(scores.var(axis=1, ddof=1).mean()) if s > 1 else None
    left = cells - cells.mean(1, keepdims=True) - cells.mean(0) + cells.mean()
    rest = float(np.square(left).sum()) / max((m - 1) * (k - 1), 1)
    fold = (cells.mean(0).var(ddof=1) if k > 1 else 0.0) - rest / m
    model = (cells.mean(1).var(ddof=1) if m > 1 else 0.0) - rest / k
    crossed = rest - (within or 0.0) / s
    root = [float(np.sqrt(max(value, 0.0))) for value in (fold, model, crossed)]
    seed = None if within is None else float(np.sqrt(within))
    return VarianceComponents(root[0], root[1], seed, root[2], rows)


def measure_variance(
    parts: list[list[HoldOut]], metric: str, folds: int
) -> VarianceComponents | None:
    """The components of runs' fits, ordered by seed, then fold; None without two folds or a score.

    Seeds that some run lacks are left out.
    """
    if not parts or folds < 2:
        return None
    seeds = min(len(run) for run in parts) // folds
    table = [
        [score(metric, one.labels, one.valid) for one in run[: seeds * folds]] for run in parts
    ]
    if any(value is None for row in table for value in row):
        return None
    one = parts[0][0]
    rows = float(np.nanstd(bootstrap(metric, one.labels, [one.valid], RESAMPLES)))
    return split_variance(np.array(table).reshape(len(parts), seeds, folds), rows)
