"""submissions/log.csv: every submission, its cross-fitted score, and its leaderboard score."""

from __future__ import annotations

import contextlib
import csv
import datetime
import fcntl
import io
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seqblend.blending.submission import Submission
from seqblend.core.storage import set_aside, unlimited_fields, write_bytes
from seqblend.evaluation.metrics import has_unit

COLUMNS = (
    *("time", "competition", "file", "rows", "sha256"),
    *("metric", "cross_fitted", "leaderboard"),
)


_KEEP = "surrogateescape"  # bytes that are no UTF-8, such as a note of a person in cp1252, stay


@dataclass(frozen=True)
class Scored:
    """A submission with its cross-fitted score and, where it is known, its leaderboard score."""

    file: str
    cross_fitted: float | None
    leaderboard: float | None


def log_submission(
    path: Path, submission: Submission, competition: str, metric: str, cross_fitted: float | None
) -> None:
    """Add a line for a submission: the last one of a competition is the submission that counts.

    Nothing is added where that line has the same file with the same content. The leaderboard score
    is left empty for a person to write; what is there already, further columns among it, stays.
    """
    form = "{:.9g}" if has_unit(metric) else "{:.6f}"
    record = {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "competition": competition,
        "file": submission.path.name,
        "rows": str(submission.rows),
        "sha256": submission.sha256,
        "metric": metric,
        "cross_fitted": "" if cross_fitted is None else form.format(cross_fitted),
    }
    with _locked(path.parent):
        last = _records(path, competition)[-1:]
        if last and all(last[0][name] == record[name] for name in ("file", "sha256")):
            return
        columns, lines = _read(path)
        _write(path, columns, [*lines, [record.get(column, "") for column in columns]])


def scored_submissions(path: Path, competition: str) -> list[Scored]:
    """The competition's submissions with a cross-fitted score, in the order of the log."""
    scored = [
        Scored(record["file"], _number(record["cross_fitted"]), _number(record["leaderboard"]))
        for record in _records(path, competition)
    ]
    return [submission for submission in scored if submission.cross_fitted is not None]


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Read and write for one process at a time, so that two runs lose no line of each other."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems have no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _records(path: Path, competition: str) -> list[dict[str, str]]:
    """{column: text} of each of the competition's submissions."""
    columns, lines = _read(path)
    records = (dict(zip(columns, line, strict=False)) for line in lines)
    return [record for record in records if record["competition"] == competition]


def _number(text: str) -> float | None:
    """A finite number, or None for what a person may have written instead."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """(columns, lines) of the log, COLUMNS among them; short lines are filled up with ""."""
    if path.is_dir():
        set_aside(path)
    if not path.exists():
        return list(COLUMNS), []
    text = path.read_bytes().decode("utf-8", _KEEP)
    with unlimited_fields():
        columns, *lines = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
    columns += [name for name in COLUMNS if name not in columns]
    return columns, [line + [""] * (len(columns) - len(line)) for line in lines]


def _write(path: Path, columns: list[str], lines: list[list[str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([columns, *lines])
    write_bytes(path, buffer.getvalue().encode("utf-8", _KEEP))
