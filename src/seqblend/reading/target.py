"""Finds the target: named by the user, by the sample submission, or only in train."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from seqblend.core.config import DataConfig
from seqblend.core.errors import FlagError, InputError, listing
from seqblend.reading.class_names import match_names, whole_number
from seqblend.reading.json_tables import Cell
from seqblend.reading.labels import name_classes
from seqblend.reading.tables import RawTable, check_column
from seqblend.tasks.task import Task

TARGET_NAMES = ("label", "target", "class", "category", "sentiment", "labels", "y")
_MOST_CLASS_COLUMNS = 2000


@dataclass(frozen=True)
class Target:
    """The target's columns, and what the sample submission's columns hold.

    name: of a column of train, one that is made of `parts` where these are not empty
    cells: the labels; parts: 0/1 columns of one label, columns joined by a colon, or several
        targets
    class_columns: sample column -> class whose probability it holds; {} for a single column
    value_columns: sample column -> column of train that it predicts, where targets are several
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
    value_columns: dict[str, str] = field(default_factory=dict)


def find_target(
    train: RawTable,
    test: RawTable,
    answer: list[str],
    data: DataConfig,
    excluded: Iterable[str],
    wanted: Task | None = None,
) -> Target:
    """The target of a competition.

    answer: the sample submission's columns besides the id; excluded: columns that are no target
    wanted: the task, where it is known
    raises: FlagError for an unknown column, InputError where columns are ambiguous
    """
    taken = {data.group, data.fold, *excluded}
    free = [name for name in train.columns if name not in taken]
    only = [name for name in free if name not in test.columns]
    likely = {*TARGET_NAMES, *(name.casefold() for name in answer)}
    only += [
        n for n in free if n not in only and n.casefold() in likely and _is_blank(train, test, n)
    ]
    if data.target:
        names = _asked_columns(data.target, train)
        if len(names) > 1:
            return _of_columns(train, _in_sample(names, answer), answer, wanted, "asked for")
        return _of_column(train, names[0], answer, "asked for")
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
        why = "in train and sample submission, not in test"
        return _of_columns(train, in_sample, answer, wanted, why)
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


def _asked_columns(text: str, train: RawTable) -> list[str]:
    """The columns that data.target names; a column's name may hold a comma."""
    names = [text] if text in train.columns else [part.strip() for part in text.split(",")]
    for name in names:
        check_column(name, train, "target")
    return names


def _in_sample(names: Sequence[str], answer: list[str]) -> dict[str, str]:
    """Sample column -> column of train of that name; FlagError where the sample lacks one."""
    alike = {column.casefold(): column for column in answer}
    lacking = [name for name in names if answer and name.casefold() not in alike]
    if lacking:
        raise FlagError(
            f"data.target: the sample submission has no column '{lacking[0]}'; it has "
            f"{listing(answer)}. Name columns that it asks for, or do without it: "
            "--set data.sample=none"
        )
    return {alike.get(name.casefold(), name): name for name in names}


def _of_columns(
    train: RawTable, in_sample: dict[str, str], answer: list[str], wanted: Task | None, why: str
) -> Target:
    """Several targets; or one label, where one of the columns is 1 in each row."""
    columns = list(in_sample.values())
    copied = tuple(column for column in answer if column not in in_sample)
    name = ", ".join(columns)
    chosen = _one_hot(train, in_sample) if wanted is None or wanted.has_classes else []
    if chosen:
        classes = {column: column for column in in_sample}
        why = "one of these columns is 1 in each row"
        return Target(name, chosen, why, classes, "", copied, tuple(columns))
    return Target(name, [], why, {}, "", copied, tuple(columns), in_sample)


def _one_hot(train: RawTable, in_sample: dict[str, str]) -> list[Cell]:
    """The column that is 1 in each row; [] unless exactly one is, and every column somewhere."""
    texts = [train.texts(name) for name in in_sample.values()]
    numbers = [[whole_number(cell.strip()) for cell in column] for column in texts]
    if not {value for column in numbers for value in column} <= {"0", "1"}:
        return []
    ones = [[value == "1" for value in row] for row in zip(*numbers, strict=True)]
    if not (all(sum(row) == 1 for row in ones) and all(map(any, zip(*ones, strict=True)))):
        return []
    return [column for row in ones for column, is_one in zip(in_sample, row, strict=True) if is_one]


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
        f"{problem}. Name the label's column with --set data.target=COLUMN, several targets with "
        "COLUMN,COLUMN, or a file of labels "
        "with --set data.labels=FILE"
    )
