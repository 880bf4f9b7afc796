"""Which trials go on: successive halving over a pilot's epochs, then a paired test on folds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from scipy.special import stdtr

from seqblend.core.seeds import rng_for
from seqblend.training.halving import FACTOR, best_so_far, is_rung

_MIN_OTHERS = 4  # trials that must have reached a rung before it prunes any
SHARDS = 8
LEVEL = 0.005  # of the test; it is repeated after every fold, so far below 0.05
_NOISY = 0.7  # a fold's training noise in shard standard deviations; above, three folds are needed


def survives(own: Mapping[int, float], others: Iterable[Mapping[int, float]]) -> bool:
    """Whether a trial goes on after its latest epoch, against all that reached this one.

    Asynchronous successive halving (Li et al. 2020).
    own, others: validation losses {epoch: loss}; the least so far is compared
    """
    epoch = max(own)
    if not is_rung(epoch):
        return True
    return is_in_better_half(
        best_so_far(own, epoch),
        [best for losses in others if (best := best_so_far(losses, epoch)) is not None],
    )


def is_in_better_half(own: float, others: list[float]) -> bool:
    """Whether a loss is in the better half of itself and the others; True with few others."""
    if len(others) < _MIN_OTHERS:
        return True
    better = sum(other < own for other in others)
    return better < math.ceil((len(others) + 1) / FACTOR)


def shard_means(losses: np.ndarray, fold: int) -> np.ndarray:
    """float64 [8]: the mean of row losses float64 [n] in each of the fold's fixed shards.

    Which row is in which shard depends on the fold and the number of rows alone; with fewer rows
    than shards there are as many shards as rows.
    """
    order = rng_for(0, "shards", fold).permutation(len(losses))
    return np.array([losses[part].mean() for part in np.array_split(order, SHARDS) if len(part)])


def p_worse(differences: np.ndarray) -> float:
    """One-sided p-value of the paired t-test whether the mean difference is above 0.

    differences: float64 [n], loss of the trial minus that of the best; p is 1 for fewer than two
    """
    n = len(differences)
    if n < 2:
        return 1.0
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if spread == 0:
        return 0.0 if mean > 0 else 1.0
    return float(stdtr(n - 1, -mean / spread * math.sqrt(n)))


def is_significantly_worse(trial: list[list[float]], best: list[list[float]], fewest: int) -> bool:
    """Whether a trial may be pruned: significantly worse than the best on the folds it has.

    trial, best: shard means of each fold, in the order of the folds; fewest: folds needed
    """
    if not fewest <= len(trial) < len(best):
        return False  # a trial with every fold leaves nothing to save
    pairs = zip(trial, best, strict=False)
    return p_worse(np.concatenate([np.subtract(a, b) for a, b in pairs])) < LEVEL


def fold_noise(one: list[list[float]], other: list[list[float]]) -> tuple[float, float]:
    """(training noise of a fold, std of a shard) of two fits that differ in their seed alone.

    Both are standard deviations of the difference in loss, whose mean is 0. For a fold of n
    shards: E[difference^2] = noise^2 + shard^2 / n.
    """
    rows = [np.subtract(a, b) for a, b in zip(one, other, strict=True)]
    shard = _within(rows)
    fold = float(np.mean([row.mean() ** 2 for row in rows]))
    within = float(np.mean([1 / len(row) for row in rows])) * shard
    return math.sqrt(max(fold - within, 0.0)), math.sqrt(shard)


def min_folds(noise: float | None, trial: list[list[float]], best: list[list[float]]) -> int:
    """Folds a trial must have before it may be pruned: two, or three where folds are noisy.

    noise: training noise of a fold, None until it is measured; it is compared with the standard
        deviation of the shards' differences between trial and best
    """
    if noise is None:
        return 3
    rows = [np.subtract(a, b) for a, b in zip(trial, best, strict=False)]
    return 3 if noise > _NOISY * math.sqrt(_within(rows)) else 2


def _within(rows: list[np.ndarray]) -> float:
    """The mean over folds of the variance over a fold's shards."""
    return float(np.mean([row.var(ddof=1) if len(row) > 1 else 0.0 for row in rows]))
