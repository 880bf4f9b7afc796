"""The data card: what a competitor should know of the rows before believing any score."""

from __future__ import annotations

import numpy as np

from seqblend.data.folds import Folds, number_sequences
from seqblend.data.sequences import Competition, SequenceSet
from seqblend.reading.lexicon import unseen_rate
from seqblend.reporting.elements.style import clean, percent
from seqblend.tasks.task import Task

_LISTED = 6  # columns of numbers that are described


def make_data_card(
    competition: Competition, folds: Folds, max_len: int
) -> list[tuple[str, str, str]]:
    """(label, value, remark): classes, lengths, truncation, duplicates, unknown tokens and more."""
    train, test = competition.train, competition.test
    view = competition.view
    unseen = unseen_rate(view, slice(0, len(train)), slice(len(train), len(train) + len(test)))
    rows = [
        ("rows", f"{len(train):,} train, {len(test):,} test", ""),
        (
            competition.task.column_name[1],
            f"{len(competition.classes)}",
            describe_targets(competition.task, competition.targets),
        ),
        (
            "tokens",
            f"{train.lengths.sum() + test.lengths.sum():,}",
            f"{len(view.lexicon):,} distinct {view.name}",
        ),
        ("length of a row", _quantiles(train.lengths), "tokens: median, 5 % to 95 %, longest"),
        (
            "cut off",
            f"{percent(cut_share(train.lengths, max_len))} of the tokens",
            f"{percent(np.mean(train.lengths > max_len))} of the rows are longer than {max_len} "
            "(vocabulary.max_len); linear members read all of a row",
        ),
        (
            "empty rows",
            f"{competition.counts.get('empty_train', 0):,} train, "
            f"{competition.counts.get('empty_test', 0):,} test",
            "read as one unknown token",
        ),
        *_repeated_rows(train, test, folds, competition.task),
        ("test tokens never seen in train", percent(unseen), "read as unknown"),
    ]
    return [*rows, *(("folds", note, "") for note in folds.notes)]


def _repeated_rows(
    train: SequenceSet, test: SequenceSet, folds: Folds, task: Task
) -> list[tuple[str, str, str]]:
    """The card's rows on duplicates in train and on sequences of both sides."""
    shared_train, shared_test = count_overlap(train, test)
    return [
        (
            "duplicates in train",
            f"{folds.duplicates:,} rows",
            f"{folds.conflicting:,} of their rows have conflicting {task.strata_name[1]}",
        ),
        (
            "train/test overlap",
            f"{shared_test:,} test rows",
            f"the same sequence is in {shared_train:,} train rows",
        ),
    ]


def describe_targets(task: Task, targets: np.ndarray) -> str:
    """What the targets are like. targets: n rows, as the task has them."""
    if task.has_classes:
        return describe_balance(targets, task.columns)
    if task.has_probabilities:
        return _describe_labels(targets, task.columns)
    parts = [
        f"'{clean(name, 40)}' has mean {y.mean():.4g}, standard deviation {y.std():.4g}, "
        f"{y.min():.4g} to {y.max():.4g}"
        for name, y in zip(task.columns[:_LISTED], targets.T, strict=False)
    ]
    return "; ".join(parts)


def _describe_labels(labels: np.ndarray, names: tuple[str, ...]) -> str:
    """The most and the least frequent label, and rows without any. labels: int64 [n, c]."""
    counts = labels.sum(axis=0)
    most, least = (f"'{clean(names[k], 40)}'" for k in (counts.argmax(), counts.argmin()))
    ends = f"{most} is 1 in {counts.max():,} rows"
    if len(names) > 1:
        ends = f"the most frequent, {ends}; the least, {least}, in {counts.min():,}"
    return f"{ends}; {int((labels.sum(axis=1) == 0).sum()):,} rows have none"


def describe_balance(labels: np.ndarray, classes: tuple[str, ...]) -> str:
    """How large the classes are: one size, both of two, else the largest and the smallest.

    labels: int64 [n], indices into `classes`
    """
    counts = np.bincount(labels, minlength=len(classes))
    if counts.min() == counts.max():
        return f"every class has {counts[0]:,} rows"
    sizes = [
        f"class '{clean(name, 40)}' has {n:,}" for name, n in zip(classes, counts, strict=True)
    ]
    if len(classes) == 2:
        return f"{sizes[0]} rows, {sizes[1]}"
    return f"the largest, {sizes[counts.argmax()]} rows; the smallest, {sizes[counts.argmin()]}"


def _quantiles(lengths: np.ndarray) -> str:
    low, middle, high = np.quantile(lengths, (0.05, 0.5, 0.95))
    return f"{middle:,.0f}, {low:,.0f} to {high:,.0f}, {lengths.max():,}"


def cut_share(lengths: np.ndarray, max_len: int) -> float:
    """The share of tokens beyond the cut. lengths: int64 [n]."""
    return float(np.maximum(lengths - max_len, 0).sum() / lengths.sum())


def count_overlap(train: SequenceSet, test: SequenceSet) -> tuple[int, int]:
    """(train rows, test rows) whose sequence occurs on the other side too."""
    both = SequenceSet(
        train.tokens,
        np.concatenate([train.starts, test.starts]),
        np.concatenate([train.lengths, test.lengths]),
    )
    numbers = number_sequences(both)
    ours, theirs = numbers[: len(train)], numbers[len(train) :]
    return int(np.isin(ours, theirs).sum()), int(np.isin(theirs, ours).sum())
