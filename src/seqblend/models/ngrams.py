"""N-gram counts of lexicon ids: packed integer keys, fitted on training rows, never on text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from seqblend.data.sequences import SequenceSet


@dataclass(frozen=True)
class NgramIndex:
    """The n-grams that occur at least `min_count` times in the training rows.

    keys: for n = 1, 2, ...: sorted int64 [v_n]; a key packs (column of the n-gram's first n - 1
        tokens) * lexicon_size + its last token, so any n fits in 64 bits
    """

    keys: tuple[np.ndarray, ...]
    lexicon_size: int
    min_count: int

    @property
    def width(self) -> int:
        """How many n-grams, of all orders."""
        return sum(map(len, self.keys))

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that from_arrays needs."""
        keys = {f"keys{n}": k for n, k in enumerate(self.keys, 1)}
        sizes = {"lexicon_size": self.lexicon_size, "min_count": self.min_count}
        return keys | {name: np.array(size) for name, size in sizes.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> NgramIndex:
        """The index that gave these arrays, found among others."""
        orders = sum(name.startswith("keys") for name in arrays)
        keys = tuple(arrays[f"keys{n}"] for n in range(1, orders + 1))
        return cls(keys, int(arrays["lexicon_size"]), int(arrays["min_count"]))


def fit_ngrams(
    train: SequenceSet,
    lexicon_size: int,
    orders: int,
    min_count: int,
    weights: np.ndarray | None = None,
) -> tuple[NgramIndex, sparse.csr_matrix]:
    """The index of the training rows' n-grams, and the rows' counts float32 [n, v].

    weights: int64 [n], how often each row counts towards `min_count` (once where it is None)

    An n-gram is at most as frequent as its first and its last n - 1 tokens: each order looks only
    at places where the last one found both (Apriori; Agrawal & Srikant 1994).
    """
    kept: list[np.ndarray] = []
    columns: list[np.ndarray] = []
    tokens, offsets = train.flat()
    often = None if weights is None else np.repeat(weights, train.lengths)
    prefix = np.zeros(len(tokens), dtype=np.int64)
    for order in range(1, orders + 1):
        at, packed = _pack(tokens, offsets, prefix, order, lexicon_size)
        codes, keys = pd.factorize(packed)  # a hash table: 4 times as fast as np.unique
        counts = np.bincount(codes, None if often is None else often[at], len(keys))
        known = np.flatnonzero(counts >= min_count)
        known = known[np.argsort(keys[known])]
        kept.append(keys[known])
        rank = np.full(len(keys), -1, dtype=np.int64)
        rank[known] = np.arange(len(known))
        prefix = np.full(len(tokens), -1, dtype=np.int64)
        prefix[at] = rank[codes]
        columns.append(prefix)
    index = NgramIndex(tuple(kept), lexicon_size, min_count)
    return index, _to_matrix(index, columns, offsets)


def fit_within(
    fit: Callable[[int], tuple[NgramIndex, sparse.csr_matrix]], min_count: int, most: int
) -> tuple[NgramIndex, sparse.csr_matrix]:
    """The result of `fit(min_count)`, with min_count raised until at most `most` n-grams are left.

    The index records the min_count that was used.
    """
    index, counts = fit(min_count)
    while index.width > max(most, 0):
        min_count += 1
        index, counts = fit(min_count)
    return index, counts


def count_ngrams(index: NgramIndex, sequences: SequenceSet) -> sparse.csr_matrix:
    """Counts of known n-grams: float32 [n, v] in the columns of the index."""
    tokens, offsets = sequences.flat()
    prefix = np.zeros(len(tokens), dtype=np.int64)
    columns = []
    for order, keys in enumerate(index.keys, 1):
        at, packed = _pack(tokens, offsets, prefix, order, index.lexicon_size)
        prefix = np.full(len(tokens), -1, dtype=np.int64)
        prefix[at] = _find(keys, packed)
        columns.append(prefix)
    return _to_matrix(index, columns, offsets)


def _pack(
    tokens: np.ndarray, offsets: np.ndarray, prefix: np.ndarray, order: int, lexicon_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """(places int64 [m], keys int64 [m]) of the n-grams that may be known.

    prefix: int64 [total], the column of the n - 1 tokens that start at each place, -1 where they
        are unknown. What starts one place on has to be known as well, and to end in the same row.
    """
    is_possible = prefix >= 0
    if order > 1:
        is_possible[:-1] &= is_possible[1:]
        is_possible[offsets[1:] - 1] = False  # the row's last token starts no pair
    at = np.flatnonzero(is_possible)
    return at, prefix[at] * lexicon_size + tokens[at + order - 1]


def _find(keys: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """int64 [m]: the position of each key in the sorted keys, -1 where it is unknown."""
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
