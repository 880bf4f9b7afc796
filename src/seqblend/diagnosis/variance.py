"""Where the spread of scores comes from, and the smallest gain that is not noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.diagnosis.holdouts import HoldOut
from seqblend.metrics import METRICS, score
from seqblend.resampling import CERTAIN, bootstrap, difference_error

RESAMPLES = 400


@dataclass(frozen=True)
class VarianceLedger:
    """Variance components of unit scores, in the metric's units squared.

    scores: the units' standard deviation; fold, seed, model: standard deviations of each source
    (seed: None where there is one); rows: what drawing a fold's rows alone would give
    """

    fold: float
    model: float
    seed: float | None
    rest: float
    rows: float


@dataclass(frozen=True)
class Gain:
    """Two runs' scores out of fold side by side.

    gain: by how much the first is better; error: its standard error, of rows and of fits;
    smallest: a gain is no noise from here on (1.96 errors)
    """

    first: str
    second: str
    gain: float
    error: float
    smallest: float

    @property
    def is_noise(self) -> bool:
        """Whether the gain may well be chance."""
        return abs(self.gain) <= self.smallest


def split_variance(scores: np.ndarray, rows: float) -> VarianceLedger:
    """Components of a table of unit scores, by the method of moments for a crossed design.

    scores: float64 [m, s, k] of models, seeds, folds; rows: see VarianceLedger

    A score is mean + model + fold + (model x fold) + seed's noise, all independent (Searle,
    Casella & McCulloch 1992, chapter 4). Seeds are fits of their own in every model and fold: their
    variance is within cells. What is negative by chance counts as 0.
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
    return VarianceLedger(root[0], root[1], seed, root[2], rows)


def measure_variance(parts: list[list[HoldOut]], metric: str, folds: int) -> VarianceLedger | None:
    """The ledger of runs' fits, in the order of seeds, then folds; None where it cannot be told.

    Seeds that not all runs have are left out.
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


def compare_runs(
    first: tuple[str, np.ndarray],
    second: tuple[str, np.ndarray],
    labels: np.ndarray,
    fold: np.ndarray,
    metric: str,
) -> Gain | None:
    """By how much the first run is better out of fold, and what gain chance explains.

    first, second: (name, oof float [n, c]); labels, fold: int64 [n]
    None where the metric is undefined.
    """
    rows = fold >= 0
    mine, own_fold = labels[rows], fold[rows]
    pair = [oof[rows].astype(np.float64) for _, oof in (first, second)]
    values = [score(metric, mine, p) for p in pair]
    if None in values:
        return None
    sign = 1 if METRICS[metric].higher_is_better else -1
    drawn = np.subtract(*bootstrap(metric, mine, pair, RESAMPLES))
    error = difference_error(drawn, _differences(pair, mine, own_fold, metric))
    gain = sign * (values[0] - values[1])
    return Gain(first[0], second[0], gain, error, CERTAIN * error)


def _differences(
    pair: list[np.ndarray], labels: np.ndarray, fold: np.ndarray, metric: str
) -> np.ndarray:
    """float64 [k]: the first's score less the second's in each fold where both are defined."""
    scores = [
        [score(metric, labels[fold == k], p[fold == k]) for p in pair] for k in np.unique(fold)
    ]
    return np.array([one - other for one, other in scores if None not in (one, other)])
