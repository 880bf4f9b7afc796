"""Finds the target: named by the user, by the sample submission, or only in train."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from seqblend.core.config import DataConfig
from seqblend.core.errors import InputError, listing
from seqblend.reading.class_names import match_names, whole_number
from seqblend.reading.json_tables import Cell
from seqblend.reading.labels import name_classes
from seqblend.reading.tables import RawTable, check_column

TARGET_NAMES = ("label", "target", "class", "category", "sentiment", "labels", "y")
_MOST_CLASS_COLUMNS = 2000


@dataclass(frozen=True)
class Target:
    """The label's column, and what the sample submission's columns hold.

    name: of a column of train, one that is made of `parts` where these are not empty
    cells: the labels; parts: 0/1 columns of one label, or columns joined by a colon
    class_columns: sample column -> class whose probability it holds; {} for a single column
    column: the sample's column of labels or probabilities; "" where class_columns are given
    copied: further columns of the sample, which are handed in as they are
    """

    name: str
    cells: list[Cell]
    why: str
    class_columns: dict[str, str] = field(default_factory=dict)
    column: str = ""
    copied: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


def find_target(
    train: RawTable,
    test: RawTable,
    answer: list[str],
    data: DataConfig,
    excluded: Iterable[str],
) -> Target:
    """The target of a competition.

    answer: the sample submission's columns besides the id; excluded: columns that are no target
    raises: FlagError for an unknown column, InputError where columns are ambiguous
    """
    taken = {data.group, data.fold, *excluded}
    free = [name for name in train.columns if name not in taken]
    only = [name for name in free if name not in test.columns]
    wanted = {*TARGET_NAMES, *(name.casefold() for name in answer)}
    only += [
        n for n in free if n not in only and n.casefold() in wanted and _is_blank(train, test, n)
    ]
    if data.target:
        name = check_column(data.target, train, "target")
        return _of_column(train, name, answer, "asked for")
    for name in only:
        classes = _match_classes(answer, train.columns[name])
        if classes:
            why = "its values are the sample submission's columns"
            return Target(name, train.columns[name], why, classes)
    named = {name.casefold(): name for name in only}
    in_sample = {
        column: named[column.casefold()] for column in answer if column.casefold() in named
    }
    if len(in_sample) > 1:
        return _of_columns(train, in_sample, answer)
    if in_sample:
        column, name = next(iter(in_sample.items()))
        why = "in train and sample submission, not in test"
        return _of_column(train, name, answer, why, column)
    for column in answer:
        parts = [named.get(part.strip().casefold(), "") for part in re.split(r"[:|+&]", column)]
        if len(parts) > 1 and all(parts):
            return _joined(train, column, parts, answer)
    name = _guess_target(train, test, only)
    return _of_column(train, name, answer, "in train, not in test")


def _is_blank(train: RawTable, test: RawTable, name: str) -> bool:
    """Whether a column of labels is in test too, but has one value there, such as NaN or -1."""
    labels, cells = train.columns[name], test.columns[name]
    return len(set(map(str, cells))) == 1 and len(set(map(str, labels))) > 1


def _of_column(train: RawTable, name: str, answer: list[str], why: str, column: str = "") -> Target:
    """A target in one column; the sample's other columns are handed in as they are."""
    cells = train.columns[name]
    classes = _match_classes(answer, cells)
    if classes:
        return Target(name, cells, why, classes)
    alike = [each for each in answer if each.casefold() == name.casefold()]
    column = column or next(iter(alike or answer), name)
    if not alike and len(answer) > 1:
        raise InputError(
            f"the sample submission has the columns {listing(answer)}; expected one of labels or "
            f"probabilities, or one for each class of '{name}'. Name the label's column with "
            "--set data.target=COLUMN, or another sample with --set data.sample=FILE"
        )
    return Target(name, cells, why, {}, column, tuple(c for c in answer if c != column))


def _of_columns(train: RawTable, in_sample: dict[str, str], answer: list[str]) -> Target:
    """One label in several 0/1 columns; an InputError where they are several targets."""
    columns = list(in_sample.values())
    rows = list(zip(*(train.texts(name) for name in columns), strict=True))
    ones = [[whole_number(cell.strip()) == "1" for cell in row] for row in rows]
    values = {whole_number(cell.strip()) for row in rows for cell in row}
    is_binary = values <= {"0", "1"}
    if is_binary and all(sum(row) == 1 for row in ones) and all(map(any, zip(*ones, strict=True))):
        cells: list[Cell] = [
            column for row in ones for column, is_one in zip(in_sample, row, strict=True) if is_one
        ]
        copied = tuple(column for column in answer if column not in in_sample)
        classes = {column: column for column in in_sample}
        why = "one of these columns is 1 in each row"
        return Target(", ".join(columns), cells, why, classes, "", copied, tuple(columns))
    what = "several labels per row (multi-label)" if is_binary else "several values per row"
    raise InputError(
        f"the sample submission asks for {len(columns)} train columns ({listing(columns)}): "
        f"{what}, which is not supported; seqblend predicts one label per row. Choose one with "
        f"--set data.target=COLUMN (such as {columns[0]}): the others are handed in as the sample "
        "has them"
    )


def _joined(train: RawTable, column: str, parts: list[str], answer: list[str]) -> Target:
    """A label of several columns: `A:B` in the sample is a's value, a colon, and b's value."""
    separator = re.search(r"[:|+&]", column)
    mark = separator[0] if separator else ":"
    rows = zip(*(train.texts(name) for name in parts), strict=True)
    cells: list[Cell] = [mark.join(cell.strip() or "NA" for cell in row) for row in rows]
    copied = tuple(each for each in answer if each != column)
    why = f"the sample's column names {listing(parts)}"
    return Target(column, cells, why, {}, column, copied, tuple(parts))


def _match_classes(columns: list[str], cells: list[Cell]) -> dict[str, str]:
    """Sample column -> class, where columns and classes belong together one to one."""
    if not 2 <= len(columns) <= _MOST_CLASS_COLUMNS:
        return {}
    texts = {cell.strip() for cell in cells if isinstance(cell, str)}
    if len(texts) > 4 * len(columns):
        return {}
    classes = sorted(set(name_classes(sorted(texts)).values()))
    return match_names(columns, classes) or {}


def _guess_target(train: RawTable, test: RawTable, only: list[str]) -> str:
    named = [name for known in TARGET_NAMES for name in only if name.lower() == known]
    if len(only) == 1 or named:
        return (named or only)[0]
    problem = (
        f"several columns are in {train.path.name} and not in {test.path.name}: {listing(only)}"
        if only
        else f"{test.path.name} has every column of {train.path.name}: {listing(train.columns)}"
    )
    raise InputError(
        f"{problem}. Name the label's column with --set data.target=COLUMN, or a file of labels "
        "with --set data.labels=FILE"
    )
