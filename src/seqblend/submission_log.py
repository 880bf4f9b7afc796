"""submissions/log.csv: every submission with the score to expect from it."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path

from seqblend.store import write_text

COLUMNS = ("time", "competition", "file", "rows", "sha256", "metric", "cross_fitted", "leaderboard")


def log_submission(
    path: Path, file: str, rows: int, sha256: str, *, competition: str, metric: str,
    cross_fitted: float | None,
) -> None:  # fmt: skip
    """Append one line, unless the same content is logged already; the leaderboard is left open."""
    lines = list(csv.reader(io.StringIO(path.read_text("utf-8")))) if path.exists() else []
    if any(sha256 in line for line in lines):
        return
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    score = "" if cross_fitted is None else f"{cross_fitted:.6f}"
    entry = [now, competition, file, str(rows), sha256, metric, score, ""]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([*(lines or [list(COLUMNS)]), entry])
    write_text(path, buffer.getvalue())
