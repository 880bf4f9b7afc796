"""How often a training and a test row share tokens, relative to two training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seqblend.core.seeds import rng_for
from seqblend.data.sequences import SequenceSet
from seqblend.evaluation.intervals import Z_95, Estimate

BLOCKS = 20  # row blocks that the jackknife leaves out one by one
SPLITS = 39  # random splits that the actual one is compared with


@dataclass(frozen=True)
class PairRatio(Estimate):
    """Rate of train-test pairs that share a token over that of train-train pairs.

    value: 1 where the split is random, 0 where test rows share nothing with training rows
    low, high: by the jackknife over blocks of rows
    chance: the smallest ratio among random splits of the same rows
    pairs: pairs of training rows that share a token
    """

    chance: float
    pairs: int

    @property
    def is_lowered(self) -> bool:
        """Whether test rows share less with training rows than training rows do with each other."""
        return self.high < 1 and self.value < self.chance


def mark_presence(sequences: SequenceSet, size: int) -> sparse.csr_matrix:
    """float32 [n, size]: 1 where a row holds the token."""
    tokens, offsets = sequences.flat()
    ones = np.ones(len(tokens), dtype=np.float32)
    present = sparse.csr_matrix((ones, tokens, offsets), shape=(len(sequences), size))
    present.sum_duplicates()
    present.data[:] = 1
    return present


def compare_pairs(present: sparse.csr_matrix, is_test: np.ndarray) -> PairRatio | None:
    """The ratio over all columns of `present`; None where no two training rows share one.

    present: [n, v], the tokens of each row; is_test: bool [n]

    A column held by a training and b test rows of n and m is common to a (a - 1) of n (n - 1) pairs
    and to a b of n m. Both shares have the same mean when the rows are split at random, whatever
    the columns are, so that no model of how common they should be is needed. Pairs of a column
    weigh 1 / (a + b - 1): every row that holds it counts once.
    """
    rng = rng_for(0, "pair blocks")
    block = rng.permutation(np.arange(present.shape[0]) % BLOCKS)
    sides = [(block == k)[:, None] * _sides(is_test) for k in range(BLOCKS)]
    counts = np.stack([_count(present, side) for side in sides], axis=2)
    sizes = np.stack([side.sum(0) for side in sides], axis=1)
    whole, rows = counts.sum(2), sizes.sum(1)
    weights = 1 / np.maximum(whole.sum(1) - 1, 1)
    value = _ratio(whole, rows, weights)
    left = [_ratio(whole - counts[:, :, k], rows - sizes[:, k], weights) for k in range(BLOCKS)]
    if value is None or None in left:
        return None
    half = Z_95 * float(np.sqrt((BLOCKS - 1) / BLOCKS * np.square(np.subtract(left, value)).sum()))
    common = whole[:, 0] @ (whole[:, 0] - 1) / 2
    chance = _ratio_by_chance(present, is_test)
    return PairRatio(value, max(value - half, 0.0), value + half, chance, int(common))


def _sides(is_test: np.ndarray) -> np.ndarray:
    """float64 [n, 2]: 1 where a row is a training row, a test row."""
    return np.stack([~is_test, is_test], axis=1).astype(np.float64)


def _count(present: sparse.csr_matrix, sides: np.ndarray) -> np.ndarray:
    """float64 [v, 2]: how many rows of each side hold a column."""
    return np.asarray(present.T @ sides, dtype=np.float64)


def _ratio(counts: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> float | None:
    """The ratio from the columns' training and test rows, float64 [v, 2], of float64 [2] rows."""
    (a, b), (n, m) = counts.T, rows
    within = weights @ (a * (a - 1))
    return float(weights @ (a * b) * (n - 1) / (within * m)) if within else None


def _ratio_by_chance(present: sparse.csr_matrix, is_test: np.ndarray) -> float:
    """The least ratio among SPLITS random splits of the rows."""
    rng = rng_for(0, "random splits")
    holders = np.asarray(present.sum(axis=0), dtype=np.float64).ravel()
    shuffled = np.stack([rng.permutation(is_test) for _ in range(SPLITS)], axis=1)
    tests = np.asarray(present.T @ shuffled.astype(np.float32), dtype=np.float64)
    rows, weights = _sides(is_test).sum(0), 1 / np.maximum(holders - 1, 1)
    ratios = (_ratio(np.stack([holders - b, b], axis=1), rows, weights) for b in tests.T)
    return min((ratio for ratio in ratios if ratio is not None), default=0.0)
