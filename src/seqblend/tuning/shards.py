"""The paired-shard test: is a trial worse than the best one, after a few folds already?"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtr

from seqblend.core.seeds import rng_for

SHARDS = 8
LEVEL = 0.005  # the test's level: looked at after every fold, so far below 0.05
_NOISY = 0.7  # a fold's training noise in shard standard deviations; beyond it, three folds


def shard_means(losses: np.ndarray, fold: int) -> np.ndarray:
    """float64 [8]: the mean of row losses float64 [n] in each of the fold's fixed shards.

    Which row is in which shard depends on the fold and the number of rows alone; with fewer rows
    than shards there are as many shards as rows.
    """
    order = rng_for(0, "shards", fold).permutation(len(losses))
    return np.array([losses[part].mean() for part in np.array_split(order, SHARDS) if len(part)])


def p_worse(differences: np.ndarray) -> float:
    """The one-sided p-value of a paired t-test that the mean difference is above 0.

    differences: float64 [n], loss of the trial less that of the best; 1 where it cannot be told
    """
    n = len(differences)
    if n < 2:
        return 1.0
    mean, spread = float(differences.mean()), float(differences.std(ddof=1))
    if spread == 0:
        return 0.0 if mean > 0 else 1.0
    return float(stdtr(n - 1, -mean / spread * math.sqrt(n)))


def is_hopeless(trial: list[list[float]], best: list[list[float]], least: int) -> bool:
    """Whether a trial may be given up: worse than the best on the folds that it has seen.

    trial, best: shard means of each fold, in the order of the folds; least: folds to see first
    """
    if not least <= len(trial) < len(best):
        return False  # with every fold seen there is nothing left to save
    pairs = zip(trial, best, strict=False)
    return p_worse(np.concatenate([np.subtract(a, b) for a, b in pairs])) < LEVEL


def fold_noise(one: list[list[float]], other: list[list[float]]) -> tuple[float, float]:
    """(a fold's training noise, the shards' standard deviation) of two fits that differ in seed.

    Both of the difference in loss. Its variance over folds holds the training noise and an eighth
    of that over shards; the expected difference is 0.
    """
    rows = [np.subtract(a, b) for a, b in zip(one, other, strict=True)]
    shard = _within(rows)
    fold = float(np.mean([row.mean() ** 2 for row in rows]))
    within = float(np.mean([1 / len(row) for row in rows])) * shard
    return math.sqrt(max(fold - within, 0.0)), math.sqrt(shard)


def least_folds(noise: float | None, trial: list[list[float]], best: list[list[float]]) -> int:
    """How many folds to see before a trial may be given up: two, or three where folds are noisy.

    noise: a fold's training noise, None until it is measured; it counts against the standard
    deviation of the shards' differences between these two
    """
    if noise is None:
        return 3
    rows = [np.subtract(a, b) for a, b in zip(trial, best, strict=False)]
    return 3 if noise > _NOISY * math.sqrt(_within(rows)) else 2


def _within(rows: list[np.ndarray]) -> float:
    """The mean over folds of the variance over a fold's shards."""
    return float(np.mean([row.var(ddof=1) if len(row) > 1 else 0.0 for row in rows]))
