"""Sequences as one flat array, and a competition made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqblend.core.findings import Finding
from seqblend.tasks.task import Task

PAD, UNK = 0, 1  # vocabulary ids: padding and unknown
COLUMN_MARK = "\x1f"  # begins tokens that name a column; one ends those that say which follows


def show_token(token: str) -> str:
    """A token for people: `[title]` for the mark of a column, `place=Rome` for a value.

    >>> show_token("\\x1ftitle\\x1f"), show_token("\\x1fplace=Rome"), show_token("a")
    ('[title]', 'place=Rome', 'a')
    """
    if not token.startswith(COLUMN_MARK):
        return token
    inner = token.strip(COLUMN_MARK)
    return f"[{inner}]" if token.endswith(COLUMN_MARK) and inner else inner


@dataclass(frozen=True, eq=False)
class SequenceSet:
    """n sequences in one flat token array: row i is tokens[starts[i] : starts[i] + lengths[i]].

    tokens: int32 [total], lexicon ids, possibly memory-mapped
    starts: int64 [n]
    lengths: int64 [n], at least 1 each
    steps: the rows' real-valued steps, where they have such: a set of n whose tokens are float32
        [total, c], standardised, NaN where a column has no value
    """

    tokens: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    steps: SequenceSet | None = None

    @classmethod
    def from_offsets(
        cls, tokens: np.ndarray, offsets: np.ndarray, steps: SequenceSet | None = None
    ) -> SequenceSet:
        """From tokens: int32 [total] and offsets: int64 [n + 1]."""
        return cls(tokens, offsets[:-1], np.diff(offsets), steps)

    @classmethod
    def from_rows(cls, rows: Sequence[np.ndarray]) -> SequenceSet:
        """From each row's tokens, one or more rows of them."""
        return cls.from_offsets(np.concatenate(rows), np.cumsum([0, *map(len, rows)]))

    def __len__(self) -> int:
        return len(self.starts)

    def take(self, rows: np.ndarray | slice) -> SequenceSet:
        """The given rows (integer positions), sharing the tokens."""
        steps = None if self.steps is None else self.steps.take(rows)
        return SequenceSet(self.tokens, self.starts[rows], self.lengths[rows], steps)

    def row(self, i: int) -> np.ndarray:
        """int32 [t]: one sequence, a view."""
        return self.tokens[self.starts[i] : self.starts[i] + self.lengths[i]]

    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """The rows' tokens end to end: (int32 [total of these rows], offsets int64 [n + 1])."""
        offsets = np.concatenate([[0], np.cumsum(self.lengths)])
        index = np.arange(offsets[-1]) + np.repeat(self.starts - offsets[:-1], self.lengths)
        return self.tokens[index], offsets


@dataclass(frozen=True)
class View:
    """One way of cutting the rows into tokens: `words`, `chars` or `ids`.

    sequences: all rows: train, then test, then unlabelled
    lexicon: every distinct token, sorted by its text; a token's position is its lexicon id
    """

    name: str
    sequences: SequenceSet
    lexicon: list[str]


@dataclass(frozen=True)
class CsvStyle:
    """How a delimited file is written.

    is_header_quoted: the column names are wrapped in quote marks
    quoted: by column, whether every field is quoted; other columns only where necessary
    """

    separator: str = ","
    line_end: str = "\n"
    is_header_quoted: bool = False
    quoted: tuple[bool, ...] = ()


@dataclass(frozen=True)
class SubmissionForm:
    """The format of the submission file.

    kind: `labels` (one column of labels), `ranked` (the likeliest labels, the best first, joined by
        spaces), `probability` (one column, the probability of one class), `class_columns` (a
        probability column for each class) or `values` (a number for each target column)
    id_column: "" where the file has no ids, and its rows are in the order of test
    ids: the ids in the order they are written
    columns: the prediction columns in order; `classes[i]` is the index of the class, or of the
        target column, whose probability or number a column holds
    style: the sample's; `style.quoted` in the order of the header
    header: all columns in the order they are written; empty: id_column, *columns
    copied: further columns, with a value for each id
    is_ambiguous: labels or probabilities may be wanted: both files are written
    guesses: how many labels a ranked cell holds
    is_binary: values are 0 or 1: whether the probability is above 0.5
    """

    id_column: str
    columns: tuple[str, ...]
    kind: str
    ids: list[str]
    classes: tuple[int, ...] = ()
    style: CsvStyle = CsvStyle()
    header: tuple[str, ...] = ()
    copied: dict[str, list[str]] = field(default_factory=dict)
    is_ambiguous: bool = False
    guesses: int = 1
    is_binary: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the file, in order."""
        return self.header or (self.id_column, *self.columns)


@dataclass(frozen=True)
class Competition:
    """A competition as read: sequences, labels, ids, and the submission's format.

    task: what is predicted; its columns are the classes as a submission writes them, or the target
        columns
    targets: int64 [n_train], indices into the classes, or [n_train, c] with a column per target
    groups, folds: int64 [n_train] or None, given by the user's columns
    extra: how many of the last training rows are never validated
    metric: a name that metrics.metric_for knows
    reading: how its columns were read, for read_competition(again=...)
    """

    name: str
    task: Task
    targets: np.ndarray
    train_ids: list[str]
    test_ids: list[str]
    views: dict[str, View]
    metric: str
    form: SubmissionForm
    groups: np.ndarray | None = None
    folds: np.ndarray | None = None
    extra: int = 0
    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    reading: dict[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The columns of a member's array: classes, or target columns."""
        return self.task.columns

    @property
    def view(self) -> View:
        """The view the models read."""
        return next(iter(self.views.values()))

    @property
    def train(self) -> SequenceSet:
        """The training rows."""
        return self.view.sequences.take(slice(0, len(self.train_ids)))

    @property
    def test(self) -> SequenceSet:
        """The test rows."""
        n = len(self.train_ids)
        return self.view.sequences.take(slice(n, n + len(self.test_ids)))
