"""Stratified folds that keep groups and identical sequences together.

Rows are integer positions; -1 in a fold array means: always in training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from seqblend.core.config import FoldConfig
from seqblend.core.errors import FlagError, InputError, listing
from seqblend.core.seeds import rng_for
from seqblend.data.sequences import SequenceSet
from seqblend.data.stratify import stratified_group_split

HOLD_OUT_PARTS = 5  # a hold-out is one part of five: 20 %


@dataclass(frozen=True)
class Folds:
    """Each row's fold, and what was noticed on the way.

    fold: int64 [n], 0..k-1, or -1 for a row that is always in training
    keys: int64 [n], rows with the same key are in the same fold
    notes: sentences for the run plan and the report
    duplicates: rows whose sequence an earlier row has
    conflicting: rows that share their sequence with a row of another label
    """

    fold: np.ndarray
    keys: np.ndarray
    notes: list[str]
    duplicates: int
    conflicting: int

    @property
    def count(self) -> int:
        """The number of validation folds."""
        return int(self.fold.max()) + 1


def make_folds(
    labels: np.ndarray,
    sequences: SequenceSet | None,
    config: FoldConfig,
    *,
    groups: np.ndarray | None = None,
    given: np.ndarray | None = None,
    classes: Sequence[str] | None = None,
    class_name: tuple[str, str] = ("class", "classes"),
    extra: int = 0,
) -> Folds:
    """Stratified folds that depend on labels, keys and seed alone; `given` folds as they are.

    labels: int64 [n], sequences: n rows, groups and given: int64 [n] or None
    extra: how many of the last rows are always in training, but for those that have the key of an
        earlier row: they stay in its fold
    classes: the names used in notes, which say nothing of single ones without them
    class_name: what one and several are called
    raises: InputError with one class only, or fewer rows or groups than folds
    """
    labels = np.asarray(labels, dtype=np.int64)
    rows = np.arange(len(labels))
    alike = rows if sequences is None else number_sequences(sequences)
    is_joined = config.by_sequence != "false"
    keys = join_keys(alike if is_joined else rows, groups)
    duplicates = len(rows) - int(alike.max(initial=-1)) - 1
    conflicting = _count_conflicting(labels, alike)
    notes = _duplicate_notes(duplicates, conflicting, is_joined=is_joined)
    _check_labels(labels)
    if given is not None:
        fold = _use_given(np.asarray(given), len(labels))
        notes += _separated_note(fold, keys)
    else:
        fold = _draw_folds(labels, keys, config, len(rows) - extra)
    notes += _rare_note(labels, int(fold.max()) + 1, classes, class_name)
    return Folds(fold.astype(np.int64), keys, notes, duplicates, conflicting)


def _draw_folds(labels: np.ndarray, keys: np.ndarray, config: FoldConfig, n: int) -> np.ndarray:
    """int64: folds of the first n rows; later rows have that of an equal key, else -1."""
    own = _number(keys[:n])
    _check_counts(n, int(own.max()) + 1, config.count)
    rng = rng_for(config.seed, "folds")
    if config.count == 1:
        fold = np.where(_hold_out(labels[:n], own, rng), 0, -1)
    else:
        fold = stratified_group_split(labels[:n], own, config.count, rng)
    of_key = np.full(int(keys.max()) + 1, -1, dtype=np.int64)
    of_key[keys[:n]] = fold
    return np.concatenate([fold, of_key[keys[n:]]])


def split(fold: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(train_rows, valid_rows) of fold k: int64 positions, ascending, from fold int64 [n]."""
    return np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def inner_split(
    labels: np.ndarray, rows: np.ndarray, seed: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(train_rows, valid_rows): a stratified 80 / 20 split inside the given rows.

    labels: int64 [n], rows: int64 positions, groups: int64 [n] such as Folds.keys, kept whole
    raises: InputError where the rows cannot be split
    """
    rows = np.asarray(rows, dtype=np.int64)
    inner = rows if groups is None else groups[rows]
    is_valid = _hold_out(labels[rows], _number(inner), rng_for(seed, "inner split"))
    return rows[~is_valid], rows[is_valid]


def number_sequences(sequences: SequenceSet) -> np.ndarray:
    """int64 [n]: equal numbers for equal sequences, counted by first appearance.

    Sequences are compared by a 128-bit hash of their tokens.
    """
    tokens = np.asarray(sequences.tokens)  # a plain view: slicing a memmap is ten times slower
    ends = (sequences.starts + sequences.lengths).tolist()
    numbers: dict[bytes, int] = {}
    return np.fromiter(
        (
            numbers.setdefault(
                hashlib.blake2b(tokens[start:end].tobytes(), digest_size=16).digest(), len(numbers)
            )
            for start, end in zip(sequences.starts.tolist(), ends, strict=True)
        ),
        dtype=np.int64,
        count=len(sequences),
    )


def join_keys(alike: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """int64 [n]: one number for all rows linked by an equal value in either of two int64 [n]."""
    if groups is None:
        return _number(alike)
    left, right = _number(alike), _number(np.asarray(groups))
    shift = int(left.max(initial=-1)) + 1
    nodes = shift + int(right.max(initial=-1)) + 1
    links = coo_array((np.ones(len(left), np.int8), (left, right + shift)), shape=(nodes, nodes))
    return _number(connected_components(links, directed=False)[1][left])


def _hold_out(labels: np.ndarray, keys: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """bool [n]: the 20 % that validate. A class never has all its rows there."""
    part = stratified_group_split(labels, keys, HOLD_OUT_PARTS, rng)
    sizes = np.bincount(part, minlength=HOLD_OUT_PARTS)
    distance = np.abs(sizes - len(labels) / HOLD_OUT_PARTS)
    is_valid = part == np.where(sizes > 0, distance, np.inf).argmin()
    trained = np.bincount(labels[~is_valid], minlength=int(labels.max(initial=0)) + 1)
    is_valid &= ~np.isin(keys, keys[trained[labels] == 0])
    if not is_valid.any() or is_valid.all():
        raise InputError(
            f"a hold-out of 20 % expects at least 2 rows of a class, not all in one group; got "
            f"{len(labels)} rows in {len(np.unique(keys))} groups. Add rows or use --folds 2"
        )
    return is_valid


def _use_given(given: np.ndarray, n: int) -> np.ndarray:
    """int64 [n]: the user's folds, numbered 0..k-1 in their order; a negative value is -1."""
    if len(given) != n:
        raise ValueError(f"given folds: expected {n} rows, got {len(given)}")
    values = np.unique(given)
    if len(values) < 2:
        raise InputError(
            f"the fold column (data.fold) needs at least 2 different values, got only "
            f"{listing(map(str, values))} in all {n} rows. Correct the column or leave it out"
        )
    used = values[values >= 0]
    if len(used) == 0:
        raise InputError(
            "the fold column (data.fold) has negative values only, which mean 'always in training'."
            " Number the validation folds from 0"
        )
    return np.where(given < 0, -1, np.searchsorted(used, given))


def _check_labels(labels: np.ndarray) -> None:
    if len(np.unique(labels)) < 2:
        raise InputError(
            f"training needs at least 2 classes, but all {len(labels)} rows have the same label. "
            "Check the label column (data.target)"
        )


def _check_counts(rows: int, keys: int, count: int) -> None:
    if count < 1:
        raise FlagError(f"--folds expects a number from 1 on, got {count}")
    if rows < count:
        raise InputError(f"{rows} training rows cannot make {count} folds. Lower --folds")
    if keys < count:
        raise InputError(
            f"{rows} training rows fall into {keys} groups that must stay whole (equal group or "
            f"identical sequence), too few for {count} folds. Lower --folds, or set "
            "folds.by_sequence=false if identical sequences alone tie them together"
        )


def _number(values: np.ndarray) -> np.ndarray:
    """int64 [n]: values renumbered from 0."""
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def _count_conflicting(labels: np.ndarray, alike: np.ndarray) -> int:
    """Rows whose sequence number also occurs under another label."""
    pairs = np.unique(np.stack([alike, labels], 1), axis=0)
    return int((np.bincount(pairs[:, 0], minlength=1)[alike] > 1).sum())


def _duplicate_notes(duplicates: int, conflicting: int, *, is_joined: bool) -> list[str]:
    """How many rows repeat another one's sequence; nothing where none does."""
    if not duplicates:
        return []
    where = "in the same fold" if is_joined else "possibly in another fold"
    return [
        f"{duplicates:,} rows repeat the sequence of an earlier row ({where}); "
        f"{conflicting:,} rows share theirs with a row of another label"
    ]


def _separated_note(fold: np.ndarray, keys: np.ndarray) -> list[str]:
    """A warning where given folds separate rows of one key."""
    pairs = np.unique(np.stack([keys, fold], 1), axis=0)
    separated = int((np.bincount(pairs[:, 0])[keys] > 1).sum())
    if not separated:
        return []
    return [f"the given folds separate {separated:,} rows that share a group or a sequence"]


def _rare_note(
    labels: np.ndarray, count: int, classes: Sequence[str] | None, class_name: tuple[str, str]
) -> list[str]:
    """Names the classes that cannot be in every validation fold; nothing without their names."""
    counts = np.bincount(labels)
    rare = np.flatnonzero((counts > 0) & (counts < count))
    if len(rare) == 0 or not classes:
        return []
    names = (f"{classes[k]} ({counts[k]})" for k in rare)
    what = f"1 {class_name[0]} has" if len(rare) == 1 else f"{len(rare)} {class_name[1]} have"
    return [f"{what} fewer rows than the {count} folds: {listing(names)}"]
