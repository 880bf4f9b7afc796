"""Reads the true test labels from a solution file, aligned by id."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqblend.core.errors import InputError, listing
from seqblend.data.sequences import Competition
from seqblend.reading.class_names import find_class
from seqblend.reading.row_ids import find_id_column
from seqblend.reading.tables import RawTable, read_table


def read_solution(path: Path, competition: Competition) -> np.ndarray:
    """int64 [n_test]: the true labels of the test rows, aligned to competition.test_ids by id.

    raises: InputError for missing columns, missing or repeated ids, and unknown labels
    """
    table = read_table(path)
    named = competition.form.id_column
    id_column = find_id_column(table, named, competition.test_ids)
    if id_column is None:
        raise InputError(
            f"{path} has no id column '{named}'; it has {listing(table.columns)}. Rename it"
        )
    column = _solution_column(path, table, competition, id_column)
    ids = table.texts(id_column)
    if len(set(ids)) < len(ids):
        raise InputError(f"{path}: {len(ids) - len(set(ids))} ids are repeated; expected each once")
    labels = dict(zip(ids, table.texts(column), strict=True))
    missing = [text for text in competition.test_ids if text not in labels]
    if missing:
        raise InputError(
            f"{path}: {len(missing)} of {len(competition.test_ids)} test ids are missing (the "
            f"first: {listing(missing, 3)}). Take the solution of the same test file"
        )
    classes = {label: find_class(label, competition.classes) for label in set(labels.values())}
    for text in competition.test_ids:
        if classes[labels[text]] is None:
            raise InputError(
                f"{path}: id '{text}' has the label '{labels[text]}'; expected one of "
                f"{listing(competition.classes)}"
            )
    return np.array([classes[labels[text]] for text in competition.test_ids], dtype=np.int64)


def _solution_column(path: Path, table: RawTable, competition: Competition, id_column: str) -> str:
    """The label column: named as in the submission, else the only one with class labels."""
    target = next((f.value for f in competition.findings if f.what == "target"), "")
    for name in (target, *competition.form.columns[:1]):
        if name in table.columns:
            return name
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
    return fitting[0]
