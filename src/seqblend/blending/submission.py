"""The submission: written in the sample's form, then read back from disk and checked."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seqblend.core.errors import InputError, listing
from seqblend.core.storage import unlimited_fields, write_text
from seqblend.data.sequences import SubmissionForm
from seqblend.evaluation.column_metrics import THRESHOLD
from seqblend.evaluation.probabilities import SUM_TOLERANCE
from seqblend.tasks.task import Task


@dataclass(frozen=True)
class Submission:
    """A submission on disk: where, how many rows, and the SHA-256 of its bytes.

    probabilities: the same with probabilities in place of labels, where the sample tells neither
    """

    path: Path
    rows: int
    sha256: str
    probabilities: Path | None = None


def write_submission(
    path: Path,
    form: SubmissionForm,
    task: Task,
    test_ids: Sequence[str],
    predictions: np.ndarray,
) -> Submission:
    """Write predictions in the form's ids, order and columns, and check the file from disk.

    predictions: float [n_test, c] of the task's columns, in the order of `test_ids`
    raises: InputError where ids do not match the form, or rows are no valid predictions
    """
    shape = len(test_ids), len(task.columns)
    if predictions.shape != shape:
        raise ValueError(f"predictions are {predictions.shape}, expected {shape}")
    remedy = "Nothing was written; train the member that made them again"
    name_of = lambda row: f"id {test_ids[row]!r}"  # noqa: E731
    task.check(predictions, "test predictions", remedy, name_of)
    rows = _align(form.ids, test_ids)
    values = answers(form, task.columns, predictions[rows])
    sha256 = write_text(path, _write_table(form, values), point="submission")
    check_submission(path, form, task)
    if not form.is_ambiguous:
        return Submission(path, len(form.ids), sha256)
    other = replace(form, kind="probability", is_ambiguous=False)
    beside = path.with_name(f"{path.stem}-probabilities{path.suffix}")
    written = write_submission(beside, other, task, test_ids, predictions)
    return Submission(path, len(form.ids), sha256, written.path)


def _write_table(form: SubmissionForm, values: list[list[str]]) -> str:
    """The file's text: the form's header, then one line per id, in the sample's style."""
    style, names = form.style, form.names
    quoted = style.quoted or (False,) * len(names)

    def line(fields: Sequence[str], quoted: Sequence[bool]) -> str:
        cells = (  # too few or too many are found when the file is read back
            _quote(field, style.separator, is_always)
            for field, is_always in zip(fields, quoted, strict=False)
        )
        return style.separator.join(cells) + style.line_end

    columns = dict(zip(form.columns, zip(*values, strict=True), strict=False))
    columns |= {form.id_column: tuple(form.ids)} | {k: tuple(v) for k, v in form.copied.items()}
    rows = zip(*(columns.get(name, ()) for name in names), strict=False)
    head = line(names, (style.is_header_quoted,) * len(names))
    return head + "".join(line(row, quoted) for row in rows)


def check_submission(path: Path, form: SubmissionForm, task: Task) -> None:
    """Read the file as strict CSV; InputError unless it is a valid answer in the given form."""
    text = path.read_bytes().decode("utf-8", "surrogatepass")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=form.style.separator, strict=True)
    try:
        with unlimited_fields():
            header, *rows = list(lines) or [[]]
    except csv.Error as error:
        raise InputError(f"{path}: expected a CSV file, but {error}") from None
    expected = list(form.names)
    if header != expected:
        raise InputError(f"{path}: expected the columns {expected}, the file has {header}")
    if len(rows) != len(form.ids):
        raise InputError(f"{path}: expected {len(form.ids)} rows, the file has {len(rows)}")
    is_valid = _validity_of(form, task)
    places = [expected.index(name) for name in form.columns]
    at_id = expected.index(form.id_column) if form.id_column in expected else None
    for line, (row, row_id) in enumerate(zip(rows, form.ids, strict=True), 2):
        if len(row) != len(expected) or (at_id is not None and row[at_id] != row_id):
            found = row[at_id : at_id + 1] if at_id is not None else row
            raise InputError(f"{path}, row {line}: expected id {row_id!r}, the file has {found}")
        answer = [row[place] for place in places]
        if not is_valid(answer):
            raise InputError(f"{path}, row {line}: no valid answer for id {row_id!r}: {answer}")


def _validity_of(form: SubmissionForm, task: Task) -> Callable[[list[str]], bool]:
    """What tells whether a row's fields are an answer: labels, shares of 1, or other numbers."""
    known = set(task.columns)
    if form.kind == "labels":
        return lambda fields: fields[0] in known
    if form.kind == "ranked":
        return lambda fields: _are_guesses(fields[0].split(" "), form.guesses, known)
    if form.kind != "values":
        return _are_shares
    if form.is_binary:
        return lambda fields: set(fields) <= {"0", "1"}
    low, high = (0.0, 1.0) if task.has_probabilities else (-math.inf, math.inf)
    return lambda fields: _are_numbers(fields, low, high)


def _are_guesses(parts: list[str], count: int, known: set[str]) -> bool:
    """Whether these are so many different classes."""
    return len(parts) == count == len(set(parts)) and known.issuperset(parts)


def _are_numbers(fields: list[str], low: float, high: float) -> bool:
    """Whether fields are finite numbers from low to high."""
    try:
        values = [float(field) for field in fields]
    except ValueError:
        return False
    return all(low <= value <= high and math.isfinite(value) for value in values)


def _are_shares(fields: list[str]) -> bool:
    """Whether fields are probabilities that, where there are several, sum to 1."""
    if not _are_numbers(fields, 0.0, 1.0):
        return False
    return len(fields) == 1 or abs(math.fsum(map(float, fields)) - 1) <= SUM_TOLERANCE


def _align(wanted: Sequence[str], test_ids: Sequence[str]) -> np.ndarray:
    """int64 [n]: the position of each wanted id among the test ids, which must be the same set."""
    _check_unique(test_ids, "the test file")
    _check_unique(wanted, "the sample submission")
    place = {row_id: row for row, row_id in enumerate(test_ids)}
    missing = [row_id for row_id in wanted if row_id not in place]
    extra = set(test_ids).difference(wanted)
    if missing or extra:
        surplus = [row_id for row_id in test_ids if row_id in extra]
        raise InputError(
            "the test file and the sample submission must hold the same ids. "
            f"Only in the sample: {len(missing)} ({listing(map(repr, missing), 3)}); "
            f"only in the test file: {len(surplus)} ({listing(map(repr, surplus), 3)}). "
            "Check that both belong to the same competition, or name the id column with data.id"
        )
    return np.fromiter((place[row_id] for row_id in wanted), np.int64, len(wanted))


def _check_unique(ids: Sequence[str], where: str) -> None:
    if len(set(ids)) == len(ids):
        return
    twice = [row_id for row_id, count in Counter(ids).items() if count > 1]
    raise InputError(
        f"{where} has {len(twice)} ids more than once ({listing(map(repr, twice), 3)}). "
        "A submission needs each id once: remove the repeated rows or name another data.id"
    )


def answers(
    form: SubmissionForm, classes: Sequence[str], predictions: np.ndarray
) -> list[list[str]]:
    """The fields after the id, for predictions float [n, c]: a list for each row."""
    predictions = predictions.astype(np.float64)
    if form.kind == "labels":
        return [[classes[k]] for k in predictions.argmax(1).tolist()]
    if form.kind == "ranked":
        best = np.argsort(-predictions, axis=1, kind="stable")[:, : form.guesses]
        return [[" ".join(classes[k] for k in row)] for row in best.tolist()]
    if form.kind == "probability":
        asked = form.classes[0] if form.classes else -1
        chosen = (predictions / predictions.sum(1, keepdims=True))[:, [asked]]
    elif form.kind == "class_columns":
        chosen = predictions[:, list(form.classes)]
        chosen = chosen / chosen.sum(1, keepdims=True)
    elif form.kind == "values":
        chosen = predictions[:, list(form.classes)]
        if form.is_binary:
            chosen = chosen > THRESHOLD
            return [[str(int(value)) for value in row] for row in chosen.tolist()]
    else:
        raise ValueError(f"no submission kind {form.kind!r}")
    return [[format(value, ".8g") for value in row] for row in chosen.tolist()]


def _quote(text: str, separator: str, is_always: bool) -> str:
    """A CSV field, in quote marks where asked for or needed."""
    if is_always or any(mark in text for mark in (separator, '"', "\r", "\n")):
        return '"' + text.replace('"', '""') + '"'
    return text
