"""Finds the target column: named by the user, by the sample submission, or only in train."""

from __future__ import annotations

from collections.abc import Iterable

from seqblend.core.config import DataConfig
from seqblend.core.errors import InputError, listing
from seqblend.reading.tables import Cell, RawTable, check_column

TARGET_NAMES = ("label", "target", "class", "category", "sentiment", "labels", "y")


def find_target(
    train: RawTable,
    test: RawTable,
    sample: RawTable | None,
    data: DataConfig,
    id_name: str,
    sequence: Iterable[str],
) -> tuple[str, dict[str, str], str]:
    """The target, the label of each class column of the sample, and the reason.

    sequence: columns that cannot be the target
    raises: FlagError for an unknown column, InputError where columns are ambiguous
    """
    only = [
        name
        for name in train.columns
        if name not in test.columns and name not in {id_name, data.group, data.fold, *sequence}
    ]
    asked = [check_column(data.target, train, "target")] if data.target else []
    answer = [name for name in sample.columns if name != id_name] if sample else []
    if sample and not id_name:
        answer = answer[1:]
    for name in asked or only:
        classes = _match_classes(answer, train.columns[name])
        if classes:
            return name, classes, "its values are the sample submission's columns"
    if asked:
        return asked[0], {}, "asked for"
    in_sample = [name for name in answer if name in only]
    if len(in_sample) > 1:
        raise InputError(
            f"the sample submission asks for {len(in_sample)} train columns "
            f"({listing(in_sample)}); seqblend predicts one label per row. "
            "Choose one with --set data.target=COLUMN"
        )
    if in_sample:
        return in_sample[0], {}, "in train and sample submission, not in test"
    return _guess_target(train, test, only), {}, "in train, not in test"


def _match_classes(columns: list[str], cells: list[Cell]) -> dict[str, str]:
    """Sample column -> label, where every column is a label (`spam`, `class_spam`)."""
    if len(columns) < 2 or not all(isinstance(cell, str) for cell in cells):
        return {}
    labels = {cell.strip() for cell in cells if isinstance(cell, str)}
    matched = {}
    for column in columns:
        ends = (
            [column] if column in labels else [v for v in labels if v and column.endswith(f"_{v}")]
        )
        if not ends:
            return {}
        matched[column] = max(ends, key=len)
    return matched


def _guess_target(train: RawTable, test: RawTable, only: list[str]) -> str:
    named = [name for known in TARGET_NAMES for name in only if name.lower() == known]
    if len(only) == 1 or named:
        return (named or only)[0]
    problem = (
        f"several columns are in {train.path.name} and not in {test.path.name}: {listing(only)}"
        if only
        else f"{test.path.name} has every column of {train.path.name}: {listing(train.columns)}"
    )
    raise InputError(f"{problem}. Name the label's column with --set data.target=COLUMN")
