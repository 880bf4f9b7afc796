"""Reads the true test targets from a solution file, aligned by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqblend.core.errors import InputError, listing
from seqblend.data.sequences import Competition
from seqblend.reading.class_names import find_class, whole_number
from seqblend.reading.number_columns import check_binary, read_numbers
from seqblend.reading.row_ids import find_id_column
from seqblend.reading.tables import RawTable, read_table

_NOT_SCORED = "-1"  # in place of 0 or 1


@dataclass(frozen=True)
class Solution:
    """The answers of the test rows that are scored.

    rows: int64 [k], ascending positions among the test rows
    targets: of these rows, as Competition.targets
    """

    rows: np.ndarray
    targets: np.ndarray


def read_solution(path: Path, competition: Competition) -> Solution:
    """The answers, aligned to competition.test_ids by id; rows with -1 for 0 or 1 are left out.

    raises: InputError for missing columns, missing or repeated ids, unknown labels, what is no
        number, and where no row is scored
    """
    table = read_table(path)
    named = competition.form.id_column
    id_column = find_id_column(table, named, competition.test_ids)
    if id_column is None:
        raise InputError(
            f"{path} has no id column '{named}'; it has {listing(table.columns)}. Rename it"
        )
    is_of_classes = competition.task.has_classes
    find = _label_column if is_of_classes else _value_columns
    columns = find(path, table, competition, id_column)
    table = _align(path, table, id_column, competition.test_ids)
    rows = _scored_rows(path, table, columns, competition)
    read = _read_labels if is_of_classes else _read_values
    ids = [competition.test_ids[row] for row in rows]
    return Solution(rows, read(path, table.take(rows), columns, competition, ids))


def _align(path: Path, table: RawTable, id_column: str, test_ids: Sequence[str]) -> RawTable:
    """The rows of the test ids in their order."""
    ids = table.texts(id_column)
    place = {text: row for row, text in enumerate(ids)}
    if len(place) < len(ids):
        raise InputError(f"{path}: {len(ids) - len(place)} ids are repeated; expected each once")
    missing = [text for text in test_ids if text not in place]
    if missing:
        raise InputError(
            f"{path}: {len(missing)} of {len(test_ids)} test ids are missing (the "
            f"first: {listing(missing, 3)}). Take the solution of the same test file"
        )
    return table.take([place[text] for text in test_ids])


def _scored_rows(
    path: Path, table: RawTable, columns: Sequence[str], competition: Competition
) -> np.ndarray:
    """int64 [k]: the rows that have no -1; all of them where targets are not 0 and 1."""
    task = competition.task
    is_binary = set(task.columns) == {"0", "1"} if task.has_classes else task.has_probabilities
    if not is_binary:
        return np.arange(len(table))
    cells = zip(*(table.texts(name) for name in columns), strict=True)
    left_out = [_NOT_SCORED in {whole_number(cell.strip()) for cell in row} for row in cells]
    rows = np.flatnonzero(~np.array(left_out))
    if not len(rows):
        raise InputError(
            f"{path}: every row has -1 in {listing(columns)}, which stands for rows that are not "
            "scored. Take a solution with answers"
        )
    return rows


def _read_labels(
    path: Path,
    table: RawTable,
    columns: Sequence[str],
    competition: Competition,
    ids: Sequence[str],
) -> np.ndarray:
    """int64 [k]: the classes."""
    labels = table.texts(columns[0])
    classes = {label: find_class(label, competition.classes) for label in set(labels)}
    for text, label in zip(ids, labels, strict=True):
        if classes[label] is None:
            raise InputError(
                f"{path}: id '{text}' has the label '{label}'; expected one of "
                f"{listing(competition.classes)}"
            )
    return np.array([classes[label] for label in labels], dtype=np.int64)


def _read_values(
    path: Path,
    table: RawTable,
    columns: Sequence[str],
    competition: Competition,
    ids: Sequence[str],
) -> np.ndarray:
    """[k, q] of the type of the training rows' targets."""
    values = read_numbers(table, columns)
    if competition.task.has_probabilities:
        check_binary(table, columns, values)
    return values.astype(competition.targets.dtype)


def _value_columns(
    path: Path, table: RawTable, competition: Competition, id_column: str
) -> list[str]:
    """The target columns, named as in train or in the submission; a lone one may be any number."""
    known = {name.casefold(): name for name in table.columns if name != id_column}
    for names in (competition.task.columns, competition.form.columns):
        if all(name.casefold() in known for name in names):
            return [known[name.casefold()] for name in names]
    if len(competition.task.columns) == len(known) == 1:
        return list(known.values())
    raise InputError(
        f"{path} has the columns {listing(table.columns)}; expected the targets "
        f"{listing(competition.task.columns)}. Rename them"
    )


def _label_column(
    path: Path, table: RawTable, competition: Competition, id_column: str
) -> list[str]:
    """The label column: named as in the submission, else the only one with class labels."""
    target = next((f.value for f in competition.findings if f.what == "target"), "")
    for name in (target, *competition.form.columns[:1]):
        if name in table.columns:
            return [name]
    fitting = [
        name
        for name in table.columns
        if name != id_column
        and all(find_class(text, competition.classes) is not None for text in table.texts(name))
    ]
    if len(fitting) != 1:
        raise InputError(
            f"{path} has the columns {listing(table.columns)}; expected the label in "
            f"'{target or competition.form.columns[0]}'. Rename it"
        )
    return fitting
