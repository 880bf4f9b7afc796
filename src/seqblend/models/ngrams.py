"""N-gram counts of lexicon ids: packed integer keys, fitted on training rows, never on text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy import sparse

from seqblend.data.sequences import COLUMN_MARK, SequenceSet, View


@dataclass(frozen=True)
class NgramIndex:
    """The n-grams that occur at least `min_count` times in the training rows.

    keys: for n = 1, 2, ...: sorted int64 [v_n]; a key packs (column of the n-gram's first n - 1
        tokens) * size + its last token, so any n fits in 64 bits
    marks: int64 [m], the tokens that say which column follows. Where there are several, each
        n-gram counts twice: as it is, and as one of its column
    values: int64 [k], the tokens of other columns' values; they are part of no longer n-gram
    has_ends: whether a token of its own, the last of the lexicon, stands before and after each row
    """

    keys: tuple[np.ndarray, ...]
    lexicon_size: int
    min_count: int
    marks: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    values: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    has_ends: bool = False

    @property
    def size(self) -> int:
        """The number of tokens that keys tell apart: those of the lexicon, once per column."""
        return self.lexicon_size * (1 + len(self.marks))

    @property
    def width(self) -> int:
        """How many n-grams, of all orders."""
        return sum(map(len, self.keys))

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that from_arrays needs."""
        keys = {f"keys{n}": k for n, k in enumerate(self.keys, 1)}
        sizes = {"lexicon_size": self.lexicon_size, "min_count": self.min_count}
        columns = {"marks": self.marks, "values": self.values, "has_ends": np.array(self.has_ends)}
        return keys | {name: np.array(size) for name, size in sizes.items()} | columns

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> NgramIndex:
        """The index that gave these arrays, found among others."""
        orders = sum(name.startswith("keys") for name in arrays)
        keys = tuple(arrays[f"keys{n}"] for n in range(1, orders + 1))
        sizes = int(arrays["lexicon_size"]), int(arrays["min_count"])
        columns = (np.asarray(arrays[name]) for name in ("marks", "values"))
        return cls(keys, *sizes, *columns, bool(arrays["has_ends"]))


@dataclass(frozen=True)
class ColumnTokens:
    """The lexicon ids of tokens that name columns: see NgramIndex."""

    marks: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, view: View) -> ColumnTokens:
        """Those of a view; marks only where there are several."""
        named = [i for i, token in enumerate(view.lexicon) if token.startswith(COLUMN_MARK)]
        marks = [i for i in named if view.lexicon[i].endswith(COLUMN_MARK)]
        several = marks if len(marks) > 1 else []
        return cls(np.int64(several), np.int64([i for i in named if i not in marks]))


def fit_ngrams(
    train: SequenceSet,
    lexicon_size: int,
    orders: int,
    min_count: int,
    weights: np.ndarray | None = None,
    named: ColumnTokens | None = None,
    *,
    has_ends: bool = False,
) -> tuple[NgramIndex, sparse.csr_matrix]:
    """The index of the training rows' n-grams, and the rows' counts float32 [n, v].

    weights: int64 [n], how often each row counts towards `min_count` (once where it is None)
    named: the tokens that name columns; None: there are none
    has_ends: as in NgramIndex

    An n-gram is at most as frequent as its first and its last n - 1 tokens: each order looks only
    at places where the last one found both (Apriori; Agrawal & Srikant 1994).
    """
    of_columns = () if named is None else (named.marks, named.values)
    size = lexicon_size + has_ends
    index = NgramIndex((), size, min_count, *of_columns, has_ends=has_ends)
    kept: list[np.ndarray] = []
    columns: list[np.ndarray] = []
    tokens, offsets, lasts, _ = _repeat_by_column(index, train)
    often = None if weights is None else np.repeat(weights, np.diff(offsets))
    prefix = np.zeros(len(tokens), dtype=np.int64)
    for order in range(1, orders + 1):
        at, packed = _pack(index, tokens, lasts, prefix, order)
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
    index = replace(index, keys=tuple(kept))
    _ignore_lone_ends(index, columns)
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
    columns, offsets, _ = _locate(index, sequences)
    return _to_matrix(index, columns, offsets)


def locate_ngrams(index: NgramIndex, tokens: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For n = 1, 2, ...: the places in a row where known n-grams start, and their columns.

    The places of the marks of a row's ends are -1 and t.
    tokens: int32 [t]; returns: pairs of int64 arrays of one length
    """
    row = SequenceSet.from_offsets(tokens, np.array([0, len(tokens)]))
    columns, _, source = _locate(index, row)
    begins = np.cumsum([0, *map(len, index.keys)])
    known = [np.flatnonzero(each >= 0) for each in columns]
    return [
        (source[at], each[at] + begin)
        for at, each, begin in zip(known, columns, begins[:-1], strict=True)
    ]


def share_by_tokens(index: NgramIndex, tokens: np.ndarray, each: np.ndarray) -> np.ndarray:
    """float64 [t]: at each of an n-gram's places its amount, shared equally by its tokens.

    tokens: int [t], one row; each: float [v], the amount of one place of an n-gram
    """
    shares = np.zeros(len(tokens))
    for n, (places, columns) in enumerate(locate_ngrams(index, tokens), 1):
        ends = (places < 0).astype(int) + (places + n > len(tokens))
        for k in range(n):
            at = places + k
            is_token = (at >= 0) & (at < len(tokens))
            amounts = each[columns] / np.maximum(n - ends, 1)
            np.add.at(shares, at[is_token], amounts[is_token])
    return shares


def _locate(
    index: NgramIndex, sequences: SequenceSet
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """For each order, the column of the n-gram that starts at each place, -1 where unknown.

    returns: (int64 [total] each, the rows' offsets, each place's position in the given tokens)
    """
    tokens, offsets, lasts, source = _repeat_by_column(index, sequences)
    prefix = np.zeros(len(tokens), dtype=np.int64)
    columns = []
    for order, keys in enumerate(index.keys, 1):
        at, packed = _pack(index, tokens, lasts, prefix, order)
        prefix = np.full(len(tokens), -1, dtype=np.int64)
        prefix[at] = _find(keys, packed)
        columns.append(prefix)
    _ignore_lone_ends(index, columns)
    return columns, offsets, source


def _ignore_lone_ends(index: NgramIndex, columns: list[np.ndarray]) -> None:
    """Make the mark of an end unknown by itself, since every row has two; longer n-grams stay."""
    if index.has_ends and index.width:
        is_end = index.keys[0] == index.lexicon_size - 1
        columns[0][np.isin(columns[0], np.flatnonzero(is_end))] = -1


def _repeat_by_column(
    index: NgramIndex, sequences: SequenceSet
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The rows' tokens, each row's columns once more with tokens of their own.

    A token behind the k-th mark is repeated as token + (k + 1) * lexicon_size.
    returns: (tokens [total], the rows' offsets int64 [n + 1], places after which a row or its
        repeated columns end, positions in the given tokens int64 [total])
    """
    tokens, offsets = sequences.flat()
    places = np.arange(len(tokens))
    if index.has_ends:
        tokens, offsets, places = _add_ends(tokens, offsets, index.lexicon_size - 1)
    if not len(index.marks):
        return tokens, offsets, offsets[1:] - 1, places
    tokens = np.where(tokens < index.lexicon_size, tokens, index.size)  # new ones: never known
    rank = np.searchsorted(index.marks, tokens)
    is_mark = index.marks[np.minimum(rank, len(index.marks) - 1)] == tokens
    last = np.maximum.accumulate(np.where(is_mark, np.arange(len(tokens)), -1))  # mark before
    lengths = np.diff(offsets)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    is_marked = last >= offsets[:-1][rows]
    marked = tokens.astype(np.int64) + (rank[last] + 1) * index.lexicon_size
    marked = np.minimum(marked, index.size)
    order = np.argsort(np.concatenate([2 * rows, 2 * rows[is_marked] + 1]), kind="stable")
    both = np.concatenate([tokens.astype(np.int64), marked[is_marked]])[order]
    repeated = np.bincount(rows[is_marked], minlength=len(lengths))
    ends = np.cumsum(lengths + repeated)
    source = np.concatenate([places, places[is_marked]])[order]
    lasts = np.concatenate([ends - 1, ends - repeated - 1])
    return both, np.concatenate([[0], ends]), lasts, source


def _add_ends(
    tokens: np.ndarray, offsets: np.ndarray, end: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(tokens, offsets, places) with the token `end` before and after each row.

    places: int64 [total], each one's position in the given tokens, of ends that beside the row
    """
    numbers = np.arange(len(offsets) - 1)
    firsts, lasts = offsets[:-1] + 2 * numbers, offsets[1:] + 2 * numbers + 1
    is_end = np.zeros(len(tokens) + 2 * len(numbers), dtype=bool)
    is_end[firsts] = is_end[lasts] = True
    extended = np.full(len(is_end), end, dtype=tokens.dtype)
    extended[~is_end] = tokens + (tokens >= end)  # new ones stay unknown
    places = np.empty(len(is_end), dtype=np.int64)
    places[~is_end] = np.arange(len(tokens))
    places[firsts], places[lasts] = offsets[:-1] - 1, offsets[1:]
    return extended, offsets + 2 * np.arange(len(offsets)), places


def _pack(
    index: NgramIndex, tokens: np.ndarray, lasts: np.ndarray, prefix: np.ndarray, order: int
) -> tuple[np.ndarray, np.ndarray]:
    """(places int64 [m], keys int64 [m]) of the n-grams that may be known.

    lasts: the places after which a row, or its repeated columns, end
    prefix: int64 [total], the column of the n - 1 tokens that start at each place, -1 where they
        are unknown. What starts one place on has to be known as well, and to end in the same row.
    """
    is_possible = prefix >= 0
    if order == 2 and len(index.values):
        is_possible &= ~np.isin(tokens, index.values)
    if order > 1:
        is_possible[:-1] &= is_possible[1:]
        is_possible[lasts] = False  # the row's last token starts no pair
    at = np.flatnonzero(is_possible)
    return at, prefix[at] * index.size + tokens[at + order - 1]


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
