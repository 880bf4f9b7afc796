"""Predictions made elsewhere as members of the blend: two files each, aligned and checked."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable, Sequence
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


def import_predictions(project: Project, name: str, paths: Sequence[Path]) -> str:
    """Store out-of-fold and test predictions as a finished run; returns the run's name.

    paths: of the out-of-fold file and the test file. A table has the id column and a column of
        probabilities for each class (with two classes the column of the positive one is enough) or
        of predictions for each target column, named like it, its rows in any order. A .npy array
        has no ids: its rows are those of the competition's file, its columns the classes in their
        order. Training rows without a fold, which no blend is scored on, may be left out of a
        table, and may be NaN in an array.
    raises: InputError with one line for the first fault of a file
    """
    competition, fold = project.competition, project.fold
    oof = np.full((len(fold), len(competition.classes)), np.nan, np.float32)
    scored = np.flatnonzero(fold >= 0)
    train_ids, test_ids = competition.train_ids, competition.test_ids
    wanted = [train_ids[row] for row in scored]
    if paths[0].suffix == ".npy":
        oof[scored] = _read_array(paths[0], competition, train_ids, scored)
    else:
        oof[scored] = read_predictions(paths[0], competition, wanted, known=train_ids)
    if paths[1].suffix == ".npy":
        test = _read_array(paths[1], competition, test_ids, np.arange(len(test_ids)))
    else:
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


def parse_predictions_flags(texts: Iterable[str]) -> dict[str, list[Path]]:
    """{name: [OOF file, test file]} of `NAME=OOF,TEST` and of patterns such as `folder/*.npy`.

    The files that a pattern finds are paired by their names, in which one has the word oof and the
    other test: oof_mine.npy and test_mine.npy, or mine-oof.csv and mine-test.csv.
    raises: FlagError for a file that is not there or has no counterpart, and for a name that occurs
        twice or is a model's
    """
    found: dict[str, list[Path]] = {}
    for text in texts:
        match = re.fullmatch(r"([A-Za-z0-9][\w.+-]*)=([^,]+),([^,]+)", text)
        pairs = {match[1]: [Path(match[2]), Path(match[3])]} if match else _find_pairs(text)
        for name, paths in pairs.items():
            if name in entries():
                raise FlagError(f"--add: '{name}' is a model of this package. Take another name")
            missing = next((path for path in paths if not path.is_file()), None)
            if missing is not None:
                raise FlagError(f"--add {name}: no file {missing}")
            if name in found:
                raise FlagError(f"--add: two members are named '{name}'. Rename one")
            found[name] = paths
    return found


def _find_pairs(pattern: str) -> dict[str, list[Path]]:
    """{name: [OOF file, test file]} of the files that a pattern finds, by name."""
    found: dict[str, dict[str, Path]] = {}
    for path in map(Path, sorted(glob.glob(pattern, recursive=True))):
        words = re.split(r"[\W_]+", path.stem.lower())
        kinds = [kind for kind in ("oof", "test") if kind in words]
        if len(kinds) != 1:
            raise FlagError(
                f"--add: {path} is neither named as oof nor as test predictions. Name the files "
                "oof_NAME and test_NAME, or each pair with --add NAME=OOF,TEST"
            )
        name = re.sub(rf"(?i)(?<![^\W_]){kinds[0]}(?![^\W_])", "", path.stem)
        name = re.sub(r"\W+", "-", name).strip("-_") or re.sub(r"\W+", "-", path.parent.name)
        pair = found.setdefault(name, {})
        if kinds[0] in pair:
            raise FlagError(f"--add: {pair[kinds[0]]} and {path} are both '{name}'. Rename one")
        pair[kinds[0]] = path
    if not found:
        raise FlagError(
            f"--add expects NAME=OOF,TEST or a pattern such as 'folder/*.npy', got '{pattern}', "
            "which finds no file"
        )
    for pair in found.values():
        if len(pair) < 2:
            (path,) = pair.values()
            raise FlagError(f"--add: {path} has no counterpart of the test or training rows")
    return {name: [pair["oof"], pair["test"]] for name, pair in found.items()}


def _read_array(
    path: Path, competition: Competition, ids: Sequence[str], rows: np.ndarray
) -> np.ndarray:
    """float64 [len(rows), c]: these rows of an array with a row for each id; checked.

    raises: InputError where it is no array of numbers of this shape
    """
    try:
        array = np.load(path, allow_pickle=False)
        values = np.asarray(array, dtype=np.float64)
    except (ValueError, TypeError, EOFError, OSError) as error:
        raise InputError(
            f"{path}: expected numbers that numpy.save wrote ({str(error).partition('.')[0]}). "
            "Write it again, or write a table with ids"
        ) from None
    values = values[:, None] if values.ndim == 1 else values
    columns, widths = competition.task.columns, {len(competition.task.columns)}
    if competition.task.has_classes and len(columns) == 2:
        widths.add(1)
    if values.ndim != 2 or len(values) != len(ids) or values.shape[1] not in widths:
        raise InputError(
            f"{path}: expected {len(ids)} rows, in the order of the competition's file, and "
            f"{len(columns)} columns ({listing(columns)}); its shape is {array.shape}"
        )
    asked = competition.form.classes if competition.form.kind == "probability" else ()
    name_of = lambda row: f"row {rows[row]}"  # noqa: E731
    return _finish(path, competition, values[rows], next(iter(asked), 1), name_of)


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
    name_of = lambda row: f"id {ids[row]!r}"  # noqa: E731
    return _finish(path, competition, values, next(iter(columns.values())), name_of)


def _finish(
    path: Path,
    competition: Competition,
    values: np.ndarray,
    first: int,
    name_of: Callable[[int], str],
) -> np.ndarray:
    """float64 [n, c]: checked and normalised predictions.

    values: float64 [n, c], or [n, 1] with the probability of one of two classes, `first`
    name_of: what a row is called in a message
    """
    task = competition.task
    if values.shape[1] < len(task.columns):
        values = np.concatenate([1 - values, values], axis=1)
        if first == 0:
            values = values[:, ::-1]
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
