"""Predictions made elsewhere as members of the blend: two CSV files, aligned by id and checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from seqblend.core.errors import FlagError, InputError, listing
from seqblend.core.provenance import git_commit
from seqblend.core.storage import commit_arrays, file_digest
from seqblend.core.versions import package_versions
from seqblend.data.sequences import Competition
from seqblend.models.registry import entries
from seqblend.reading.class_names import class_of_column, find_class, match_names
from seqblend.reading.row_ids import find_id_column
from seqblend.reading.tables import RawTable, read_table
from seqblend.running.project import Project

REMARK = "made elsewhere, its folds are not known"


def import_predictions(project: Project, text: str) -> str:
    """Store what `NAME=oof.csv,test.csv` names as a finished run; returns the run's name.

    Each file has the id column and a column of probabilities for each class (with two classes the
    column of the positive one is enough) or of predictions for each target column, named like it,
    its rows in any order. Training rows without a fold,
    which no blend is scored on, may be left out.
    raises: FlagError for the flag, InputError with one line for the first fault of a file
    """
    name, paths = parse_predictions_flag(text)
    competition, fold = project.competition, project.fold
    oof = np.full((len(fold), len(competition.classes)), np.nan, np.float32)
    scored = np.flatnonzero(fold >= 0)
    train_ids, test_ids = competition.train_ids, competition.test_ids
    wanted = [train_ids[row] for row in scored]
    oof[scored] = read_predictions(paths[0], competition, wanted, known=train_ids)
    test = read_predictions(paths[1], competition, test_ids, known=test_ids)
    digests = [file_digest(path)[:16] for path in paths]
    run = f"{name}-{digests[0][:6]}{digests[1][:6]}"
    manifest = project.fingerprint.as_dict() | {
        "model": name,
        "seeds": 1,
        "remark": REMARK,
        "classes": list(competition.classes),
        "from": dict(zip([path.name for path in paths], digests, strict=True)),
        "vocabulary_scope": "not known",
        "versions": package_versions(),
        "git_commits": [git_commit()],
        "epochs_chosen_on_validation": False,
        **{key: {} for key in ("options", "train", "vocabulary")},
        **{key: [] for key in ("units", "epochs", "recoveries")},
        **dict.fromkeys(("precision", "device"), ""),
        **dict.fromkeys(("seconds", "parameters", "peak_megabytes"), 0),
        **dict.fromkeys(("embedding", "deterministic", "tokens_per_second"), None),
    }
    arrays = {"oof": oof, "test": test.astype(np.float32)}
    commit_arrays(project.workspace.run(run), manifest, arrays, "oof")
    return run


def parse_predictions_flag(text: str) -> tuple[str, list[Path]]:
    """(name, [OOF file, test file]) of `NAME=oof.csv,test.csv`; else a FlagError."""
    match = re.fullmatch(r"([A-Za-z0-9][\w.+-]*)=([^,]+),([^,]+)", text)
    if not match:
        raise FlagError(f"--add expects NAME=oof.csv,test.csv, got '{text}'")
    if match[1] in entries():
        raise FlagError(f"--add: '{match[1]}' is a model of this package. Take another name")
    paths = [Path(match[2]), Path(match[3])]
    for path in paths:
        if not path.is_file():
            raise FlagError(f"--add {match[1]}: no file {path}")
    return match[1], paths


def read_predictions(
    path: Path, competition: Competition, ids: Sequence[str], *, known: Sequence[str]
) -> np.ndarray:
    """float64 [len(ids), c]: the file's predictions in the order of `ids`; classes sum to 1.

    known: ids that may be in the file besides
    raises: InputError that counts and names the ids or rows at fault
    """
    table, task = read_table(path), competition.task
    named = competition.form.id_column
    id_column = find_id_column(table, named, ids)
    if id_column is None:
        raise InputError(
            f"{path}: expected an id column '{named}', it has {listing(table.columns)}. Rename it"
        )
    rows = _align(path, table.texts(id_column), ids, known)
    find = _find_class_columns if task.has_classes else _find_value_columns
    columns = find(path, table, competition, id_column)
    values = np.stack([_numbers(table, name) for name in columns]).T[rows]
    if values.shape[1] < len(task.columns):  # the probability of one of two classes
        values = np.concatenate([1 - values, values], axis=1)
        if next(iter(columns.values())) == 0:
            values = values[:, ::-1]
    name_of = lambda row: f"id {ids[row]!r}"  # noqa: E731
    task.check(values, str(path), "Write out-of-fold predictions again", name_of)
    return task.normalise(values)


def _align(
    path: Path, ids: Sequence[str], wanted: Sequence[str], known: Sequence[str]
) -> np.ndarray:
    """int64 [len(wanted)]: the position of each wanted id among the file's ids."""
    found, expected, allowed = (pd.Index(each, dtype=object) for each in (ids, wanted, known))
    faults = {
        "come more than once": (_repeated(found), "Write each id once"),
        "come more than once in the competition's file": (
            _repeated(allowed),
            "Such rows cannot be matched",
        ),
        "are missing": (
            expected.difference(found, sort=False),
            "Write a row for every id of the competition's file",
        ),
        "are not the competition's": (
            found.difference(allowed, sort=False),
            "Take the files of this competition",
        ),
    }
    for what, (wrong, remedy) in faults.items():
        if len(wrong):
            first = listing(map(repr, wrong), 3)
            raise InputError(f"{path}: {len(wrong)} ids {what} (the first: {first}). {remedy}")
    return found.get_indexer(expected)


def _repeated(ids: pd.Index) -> pd.Index:
    """The ids that occur more than once."""
    return ids[ids.duplicated(keep=False)].unique()


def _find_value_columns(
    path: Path, table: RawTable, competition: Competition, id_column: str
) -> dict[str, int]:
    """{column: target column} in the order of these; named like them, or like the submission's."""
    form, columns = competition.form, competition.task.columns
    for names in (columns, form.columns):
        if set(names) <= set(table.columns):
            return {name: place for place, name in enumerate(names)}
    found = [name for name in table.columns if name != id_column]
    raise InputError(
        f"{path}: expected a column of predictions for each target column ({listing(columns)}) "
        f"beside '{id_column}', it has {listing(found)}. Name the columns like the targets"
    )


def _find_class_columns(
    path: Path, table: RawTable, competition: Competition, id_column: str
) -> dict[str, int]:
    """{column: class} in the order of the classes; with two classes one column is enough.

    A lone column is of the class that it names; one that is named like the submission's column
    is of the class that the submission asks for.
    """
    form, classes = competition.form, competition.classes
    found = [name for name in table.columns if name != id_column]
    matched = match_names(found, classes)
    if matched:
        places = {name: classes.index(each) for name, each in matched.items()}
        return dict(sorted(places.items(), key=lambda pair: pair[1]))
    if form.kind == "class_columns" and sorted(found) == sorted(form.columns):
        places = dict(zip(form.columns, form.classes, strict=True))
        if len(places) == len(classes):
            return dict(sorted(places.items(), key=lambda pair: pair[1]))
    if len(classes) == 2 and len(found) == 1:
        place = class_of_column(found[0], classes)
        if place is None:
            place = find_class(found[0], classes)
        asked = form.classes[0] if form.kind == "probability" and form.classes else 1
        return {found[0]: asked if place is None else place}
    raise InputError(
        f"{path}: expected a column of probabilities for each class ({listing(classes)}) beside "
        f"'{id_column}', it has {listing(found)}. Name the columns like the classes"
    )


def _numbers(table: RawTable, name: str) -> np.ndarray:
    """float64 [n]: a column as numbers, NaN where a field is empty."""
    texts = pd.Series(table.texts(name), dtype=object)
    values = pd.to_numeric(texts, errors="coerce")
    wrong = np.flatnonzero(values.isna() & ~texts.str.lower().isin(["", "nan"]))
    if len(wrong):
        place, text = table.place(wrong[0]), texts[wrong[0]]
        raise InputError(f"{place}: expected a number in column '{name}', got '{text}'")
    return values.to_numpy(np.float64)
