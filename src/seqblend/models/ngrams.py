"""N-gram counts of lexicon ids: packed integer keys, fitted on training rows, never on text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seqblend.sequences import SequenceSet


@dataclass(frozen=True)
class NgramIndex:
    """The n-grams that occur at least `min_count` times in the training rows.

    keys: for n = 1, 2, ...: sorted int64 [v_n]; a key packs (column of the n-gram's first n - 1
        tokens) * lexicon_size + its last token, so any n fits in 64 bits
    """

    keys: tuple[np.ndarray, ...]
    lexicon_size: int

    @property
    def width(self) -> int:
        """How many n-grams, of all orders."""
        return sum(map(len, self.keys))


def fit_ngrams(
    train: SequenceSet, lexicon_size: int, orders: int, min_count: int
) -> tuple[NgramIndex, sparse.csr_matrix]:
    """The index of the training rows' n-grams, and the rows' counts float32 [n, v].

    An n-gram is only as frequent as its first n - 1 tokens: each order counts within the last.
    """
    kept: list[np.ndarray] = []
    columns: list[np.ndarray] = []
    tokens, offsets = train.flat()
    prefix = np.zeros(len(tokens), dtype=np.int64)
    for order in range(1, orders + 1):
        packed = _pack(tokens, offsets, prefix, order, lexicon_size)
        keys, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
        is_kept = (counts >= min_count) & (keys >= 0)
        rank = np.where(is_kept, np.cumsum(is_kept) - 1, -1)
        kept.append(keys[is_kept])
        columns.append(rank[inverse])
        prefix = columns[-1]
    index = NgramIndex(tuple(kept), lexicon_size)
    return index, _to_matrix(index, columns, offsets)


def count_ngrams(index: NgramIndex, sequences: SequenceSet) -> sparse.csr_matrix:
    """Counts of known n-grams: float32 [n, v] in the columns of the index."""
    tokens, offsets = sequences.flat()
    prefix = np.zeros(len(tokens), dtype=np.int64)
    columns = []
    for order, keys in enumerate(index.keys, 1):
        packed = _pack(tokens, offsets, prefix, order, index.lexicon_size)
        prefix = _find(keys, packed)
        columns.append(prefix)
    return _to_matrix(index, columns, offsets)


def _pack(
    tokens: np.ndarray, offsets: np.ndarray, prefix: np.ndarray, order: int, lexicon_size: int
) -> np.ndarray:
    """int64 [total]: the key of the n-gram that starts at each place; -1 where there is none."""
    total, last = len(tokens), order - 1
    packed = np.full(total, -1, dtype=np.int64)
    packed[: total - last] = prefix[: total - last] * lexicon_size + tokens[last:]
    packed[prefix < 0] = -1
    for back in range(1, order):  # an n-gram does not run over the end of its row
        ends = offsets[1:] - back
        packed[ends[ends >= offsets[:-1]]] = -1
    return packed


def _find(keys: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """int64 [total]: the position of each key in the sorted keys, -1 where it is unknown."""
    if len(keys) == 0:
        return np.full(len(packed), -1, dtype=np.int64)
    place = np.minimum(np.searchsorted(keys, packed), len(keys) - 1)
    return np.where(keys[place] == packed, place, -1)


def _to_matrix(
    index: NgramIndex, columns: list[np.ndarray], offsets: np.ndarray
) -> sparse.csr_matrix:
    """The counts of all orders side by side."""
    n = len(offsets) - 1
    rows = np.repeat(np.arange(n, dtype=np.int32), np.diff(offsets))
    begins = np.cumsum([0, *map(len, index.keys)])
    known = [column >= 0 for column in columns]
    at = np.concatenate([rows[k] for k in known])
    to = np.concatenate([c[k] + b for c, k, b in zip(columns, known, begins[:-1], strict=True)])
    ones = np.ones(len(at), dtype=np.float32)
    matrix = sparse.csr_matrix((ones, (at, to.astype(np.int32))), shape=(n, index.width))
    matrix.sum_duplicates()
    return matrix
