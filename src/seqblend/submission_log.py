"""submissions/log.csv: every submission with the score to expect, and which of them stands."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path

from seqblend.store import write_text

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
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *lines])
    write_text(path, buffer.getvalue())


def superseded_files(path: Path, competition: str) -> list[str]:
    """Names of the competition's logged files that lie beside the log and do not stand."""
    header, *lines = _read(path) or [[]]
    rows = [dict(zip(header, line, strict=False)) for line in lines]
    own = [row for row in rows if row.get("competition") == competition]
    standing = {row.get("file") for row in own if row.get("status") == STANDS}
    files = dict.fromkeys(row.get("file", "") for row in own)
    return [
        name for name in files if name and name not in standing and (path.parent / name).exists()
    ]


def _read(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    return list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
