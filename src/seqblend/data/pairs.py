"""How often a training and a test row share tokens, relative to two training rows."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from seqblend.core.seeds import rng_for
from seqblend.data.sequences import SequenceSet
from seqblend.evaluation.intervals import Z_95, Estimate

BLOCKS = 20  # row blocks that the jackknife leaves out one by one


def mark_presence(sequences: SequenceSet, size: int) -> sparse.csr_matrix:
    """float32 [n, size]: 1 where a row holds the token."""
    tokens, offsets = sequences.flat()
    ones = np.ones(len(tokens), dtype=np.float32)
    present = sparse.csr_matrix((ones, tokens, offsets), shape=(len(sequences), size))
    present.sum_duplicates()
    present.data[:] = 1
    return present


def compare_pairs(present: sparse.csr_matrix, is_test: np.ndarray) -> Estimate | None:
    """Rate of train-test pairs that share a token over that of train-train pairs.

    1 where the split is random, 0 where test rows share nothing with training rows; None where no
    two training rows share a token. The interval is the jackknife's over blocks of rows.

    present: [n, v], the tokens of each row; is_test: bool [n]

    A column held by a training and b test rows of n and m is common to a (a - 1) of n (n - 1) pairs
    and to a b of n m. Both shares have the same mean when the rows are split at random, whatever
    the columns are, so that no model of how common they should be is needed. Pairs of a column
    weigh 1 / (a + b - 1): every row that holds it counts once.
    """
    rng = rng_for(0, "pair blocks")
    block = rng.permutation(np.arange(present.shape[0]) % BLOCKS)
    both = np.stack([~is_test, is_test], axis=1).astype(np.float64)  # [n, 2]
    sides = [(block == k)[:, None] * both for k in range(BLOCKS)]
    counts = np.stack([present.T @ side for side in sides], axis=2)  # [v, 2, BLOCKS]
    sizes = np.stack([side.sum(0) for side in sides], axis=1)
    whole, rows = counts.sum(2), sizes.sum(1)
    weights = 1 / np.maximum(whole.sum(1) - 1, 1)
    value = _ratio(whole, rows, weights)
    left = [_ratio(whole - counts[:, :, k], rows - sizes[:, k], weights) for k in range(BLOCKS)]
    if value is None or None in left:
        return None
    half = Z_95 * float(np.sqrt((BLOCKS - 1) / BLOCKS * np.square(np.subtract(left, value)).sum()))
    return Estimate(value, max(value - half, 0.0), value + half)


def _ratio(counts: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> float | None:
    """The ratio from the columns' training and test rows, float64 [v, 2], of float64 [2] rows."""
    (a, b), (n, m) = counts.T, rows
    within = weights @ (a * (a - 1))
    return float(weights @ (a * b) * (n - 1) / (within * m)) if within else None
