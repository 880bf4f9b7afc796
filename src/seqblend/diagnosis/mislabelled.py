"""Suspected label errors, by confident learning on out-of-fold probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.evaluation.check import Check, Estimate, share_text
from seqblend.evaluation.intervals import wilson_interval

SHOWN = 200  # rows listed
MANY = 0.01  # share of suspected rows that is worth a look


@dataclass(frozen=True)
class Suspects:
    """Rows whose label is probably wrong, the surest first.

    rows: int64 [k], positions; likely: int64 [k], the class that each seems to be
    margins: float64 [k], P(label) - P(likely), the lower the surer
    """

    rows: np.ndarray
    likely: np.ndarray
    margins: np.ndarray


def suspect_labels(labels: np.ndarray, oof: np.ndarray) -> Suspects:
    """Confident learning (Northcutt, Jiang & Chuang 2021).

    labels: int64 [n]; oof: float [n, c], out of fold, no NaN

    A row counts as of class j where P(j) is at least what rows labelled j have on average, the most
    probable such j where there are several. Rows counted off their label's diagonal are suspected
    (their `confident joint`), where that class is the more probable one as well.
    """
    p, c = oof.astype(np.float64), oof.shape[1]
    own = p[np.arange(len(labels)), labels]
    counts = np.bincount(labels, minlength=c)
    usual = np.bincount(labels, weights=own, minlength=c) / np.maximum(counts, 1)
    confident = np.where(p >= np.where(counts > 0, usual, np.inf), p, -1.0)
    likely = confident.argmax(axis=1)
    margins = own - p[np.arange(len(labels)), likely]
    is_wrong = (confident.max(axis=1) >= 0) & (likely != labels) & (margins < 0)
    rows = np.flatnonzero(is_wrong)
    rows = rows[np.argsort(margins[rows], kind="stable")]
    return Suspects(rows, likely[rows], margins[rows])


def precision_and_recall(suspected: np.ndarray, wrong: np.ndarray) -> tuple[float, float]:
    """Of suspected rows the share that is wrong, and of wrong rows the share suspected."""
    hits = len(np.intersect1d(suspected, wrong))
    return hits / max(len(suspected), 1), hits / max(len(wrong), 1)


def check_labels(
    model: str,
    labels: np.ndarray,
    oof: np.ndarray,
    ids: list[str],
    classes: tuple[str, ...],
    planted: np.ndarray | None = None,
) -> Check:
    """Suspected label errors of a model's OOF; rows without one (NaN) are left out.

    labels: int64 [n]; oof: float [n, c]; planted: int64 positions that are known to be wrong
    """
    rows = np.flatnonzero(np.isfinite(oof).all(axis=1))
    found = suspect_labels(labels[rows], oof[rows])
    low, high = wilson_interval(np.array(len(found.rows)), np.array(len(rows)))
    share = Estimate(len(found.rows) / len(rows), float(low), float(high))
    figure = f"{len(found.rows):,} of {len(rows):,} rows, {share_text(share)}"
    positions = rows[found.rows].tolist()
    details: dict = {"model": model, "positions": positions, "rows": [
        {"id": ids[rows[row]], "label": classes[labels[rows[row]]], "likely": classes[likely],
         "margin": round(float(margin), 4)}
        for row, likely, margin in zip(*(part[:SHOWN] for part in (
            found.rows, found.likely, found.margins)), strict=True)
    ]}  # fmt: skip
    if planted is not None:
        precision, recall = precision_and_recall(rows[found.rows], np.intersect1d(planted, rows))
        figure += (
            f"; of {len(planted)} planted ones: precision {precision:.2f}, recall {recall:.2f}"
        )
        details |= {"planted": len(planted), "precision": precision, "recall": recall}
    worst = ", ".join(row["id"] for row in details["rows"][:5])
    return Check(
        "label errors", f"rows that {model}, out of fold, is sure are of another class "
        "(confident learning)", figure,
        f"the surest: {worst}" if worst else "no row stands out",
        "read these rows; leave out or relabel what is plainly wrong" if share.low > MANY else "",
        False, share.value, share.low, share.high, details,
    )  # fmt: skip
