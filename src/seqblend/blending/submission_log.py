"""submissions/log.csv: every submission, the score to expect, what came of it, and which stands."""

from __future__ import annotations

import csv
import datetime
import io
import math
from dataclasses import dataclass
from pathlib import Path

from seqblend.core.errors import FlagError, suggest
from seqblend.core.storage import write_text

COLUMNS = (
    "time", "competition", "file", "rows", "sha256", "metric", "cross_fitted", "leaderboard",
    "status",
)  # fmt: skip
STANDS, SUPERSEDED = "stands", "superseded"


def log_submission(
    path: Path, file: str, rows: int, sha256: str, *, competition: str, metric: str,
    cross_fitted: float | None,
) -> None:  # fmt: skip
    """Log one submission: it stands, earlier ones of the competition are superseded.

    The same file with the same content keeps its line. The leaderboard is left open; what a
    person wrote there, columns of their own and the order of the columns stay.
    """
    header, *lines = _read(path) or [[]]
    header += [name for name in COLUMNS if name not in header]
    at = {name: header.index(name) for name in COLUMNS}
    lines = [line + [""] * (len(header) - len(line)) for line in lines]
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    score = "" if cross_fitted is None else f"{cross_fitted:.6f}"
    fields = (now, competition, file, str(rows), sha256, metric, score, "", STANDS)
    known = [line for line in lines if (line[at["file"]], line[at["sha256"]]) == (file, sha256)]
    for line in lines:
        if line[at["competition"]] == competition:
            line[at["status"]] = SUPERSEDED
    if not known:
        known = [[""] * len(header)]
        for name, field in zip(COLUMNS, fields, strict=True):
            known[0][at[name]] = field
        lines += known
    known[-1][at["status"]] = STANDS
    _write(path, [header, *lines])


@dataclass(frozen=True)
class Scored:
    """A submission with the score to expect and, where it is known, the leaderboard's."""

    competition: str
    file: str
    metric: str
    cross_fitted: float | None
    leaderboard: float | None


def parse_leaderboard(text: str) -> tuple[str, float]:
    """(file, score) of `FILE=SCORE`; FlagError where it is no such thing.

    >>> parse_leaderboard("a.csv=0.91")
    ('a.csv', 0.91)
    """
    file, _, number = text.rpartition("=")
    try:
        score = float(number)
    except ValueError:
        score = math.nan
    if not file or not math.isfinite(score):
        raise FlagError(
            f"--lb expects FILE=SCORE such as imdb-mean-1a2b3c4d.csv=0.912, got '{text}'"
        )
    return Path(file).name, score


def record_leaderboard(path: Path, file: str, score: float) -> Scored:
    """Write a leaderboard's score beside the newest submission of this file name.

    raises: FlagError with the nearest name where no such file is logged
    """
    header, *lines = _read(path) or [[]]
    known = [row.get("file", "") for row in _rows(header, lines)]
    if file not in known:
        raise FlagError(
            f"no submission '{file}' in {path}{suggest(file, filter(None, known), 'Files')}"
        )
    if "leaderboard" not in header:
        header.append("leaderboard")
    place = len(known) - 1 - known[::-1].index(file)
    line = lines[place] + [""] * (len(header) - len(lines[place]))
    line[header.index("leaderboard")] = repr(score)
    _write(path, [header, *lines[:place], line, *lines[place + 1 :]])
    return _scored(dict(zip(header, line, strict=False)))


def scored_submissions(path: Path, competition: str) -> list[Scored]:
    """The competition's submissions with a score to expect, in the order of the log."""
    header, *lines = _read(path) or [[]]
    scored = [_scored(row) for row in _rows(header, lines) if row.get("competition") == competition]
    return [one for one in scored if one.cross_fitted is not None]


def _scored(row: dict[str, str]) -> Scored:
    texts = (row.get("competition", ""), row.get("file", ""), row.get("metric", ""))
    return Scored(*texts, _number(row.get("cross_fitted", "")), _number(row.get("leaderboard", "")))


def _number(text: str) -> float | None:
    """A finite number, or None for what a person may have written instead."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def superseded_files(path: Path, competition: str) -> list[str]:
    """Names of the competition's logged files that lie beside the log and do not stand."""
    header, *lines = _read(path) or [[]]
    own = [row for row in _rows(header, lines) if row.get("competition") == competition]
    standing = {row.get("file") for row in own if row.get("status") == STANDS}
    files = dict.fromkeys(row.get("file", "") for row in own)
    return [
        name for name in files if name and name not in standing and (path.parent / name).exists()
    ]


def _rows(header: list[str], lines: list[list[str]]) -> list[dict[str, str]]:
    """{column: text} of each line."""
    return [dict(zip(header, line, strict=False)) for line in lines]


def _write(path: Path, lines: list[list[str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(lines)
    write_text(path, buffer.getvalue())


def _read(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    return list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
