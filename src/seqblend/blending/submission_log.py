"""submissions/log.csv: every submission, its cross-fitted score, and its leaderboard score."""

from __future__ import annotations

import csv
import datetime
import io
import math
from dataclasses import dataclass
from pathlib import Path

from seqblend.blending.submission import Submission
from seqblend.core.errors import FlagError, suggest
from seqblend.core.storage import write_text

COLUMNS = (
    *("time", "competition", "file", "rows", "sha256"),
    *("metric", "cross_fitted", "leaderboard", "status"),
)
CURRENT, SUPERSEDED = "current", "superseded"


@dataclass(frozen=True)
class Scored:
    """A submission with its cross-fitted score and, where it is known, its leaderboard score."""

    competition: str
    file: str
    metric: str
    cross_fitted: float | None
    leaderboard: float | None


def log_submission(
    path: Path, submission: Submission, competition: str, metric: str, cross_fitted: float | None
) -> None:
    """Log a submission as the current one of its competition; earlier ones are superseded.

    The same file with the same content keeps its line. The leaderboard score is left empty; what a
    person wrote there, columns of their own and the order of the columns stay.
    """
    columns, lines = _read(path)
    at = {name: columns.index(name) for name in COLUMNS}
    name, sha256 = submission.path.name, submission.sha256
    for line in lines:
        if line[at["competition"]] == competition:
            line[at["status"]] = SUPERSEDED
    known = [line for line in lines if (line[at["file"]], line[at["sha256"]]) == (name, sha256)]
    if known:
        known[-1][at["status"]] = CURRENT
    else:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        score = "" if cross_fitted is None else f"{cross_fitted:.6f}"
        cells = (now, competition, name, submission.rows, sha256, metric, score, "", CURRENT)
        record = dict(zip(COLUMNS, map(str, cells), strict=True))
        lines.append([record.get(column, "") for column in columns])
    _write(path, columns, lines)


def parse_leaderboard(text: str) -> tuple[str, float]:
    """(file, score) of `FILE=SCORE`; FlagError where it is anything else.

    >>> parse_leaderboard("a.csv=0.91")
    ('a.csv', 0.91)
    """
    file, _, number = text.rpartition("=")
    score = _number(number)
    if not file or score is None:
        raise FlagError(
            f"--lb expects FILE=SCORE such as imdb-mean-1a2b3c4d.csv=0.912, got '{text}'"
        )
    return Path(file).name, score


def record_leaderboard(path: Path, file: str, score: float) -> Scored:
    """Write a leaderboard score beside the newest submission of this file name.

    raises: FlagError with the nearest name where no such file is logged
    """
    columns, lines = _read(path)
    known = [line for line in lines if line[columns.index("file")] == file]
    if not known:
        files = filter(None, (line[columns.index("file")] for line in lines))
        raise FlagError(f"no submission '{file}' in {path}{suggest(file, files, 'Files')}")
    known[-1][columns.index("leaderboard")] = repr(score)
    _write(path, columns, lines)
    return _scored(dict(zip(columns, known[-1], strict=False)))


def scored_submissions(path: Path, competition: str) -> list[Scored]:
    """The competition's submissions with a cross-fitted score, in the order of the log."""
    scored = map(_scored, _records(path, competition))
    return [submission for submission in scored if submission.cross_fitted is not None]


def superseded_files(path: Path, competition: str) -> list[str]:
    """Names of the competition's superseded submissions that are still beside the log."""
    records = _records(path, competition)
    current = {record["file"] for record in records if record["status"] != SUPERSEDED}
    files = dict.fromkeys(record["file"] for record in records)
    return [f for f in files if f and f not in current and (path.parent / f).exists()]


def _records(path: Path, competition: str) -> list[dict[str, str]]:
    """{column: text} of each of the competition's submissions."""
    columns, lines = _read(path)
    records = (dict(zip(columns, line, strict=False)) for line in lines)
    return [record for record in records if record["competition"] == competition]


def _scored(record: dict[str, str]) -> Scored:
    texts = (record[name] for name in ("competition", "file", "metric"))
    return Scored(*texts, _number(record["cross_fitted"]), _number(record["leaderboard"]))


def _number(text: str) -> float | None:
    """A finite number, or None for what a person may have written instead."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """(columns, lines) of the file, COLUMNS among them; short lines are filled up with ""."""
    if not path.exists():
        return list(COLUMNS), []
    columns, *lines = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline=""))) or [[]]
    columns += [name for name in COLUMNS if name not in columns]
    return columns, [line + [""] * (len(columns) - len(line)) for line in lines]


def _write(path: Path, columns: list[str], lines: list[list[str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([columns, *lines])
    write_text(path, buffer.getvalue())
