"""Suspected label errors, by confident learning on out-of-fold probabilities."""

from __future__ import annotations

import numpy as np

from seqblend.evaluation.check import Check
from seqblend.evaluation.intervals import Estimate

MANY = 0.01  # share of suspected rows from which they should be read


def find_label_errors(labels: np.ndarray, oof: np.ndarray) -> np.ndarray:
    """int64 [k]: rows whose label is probably wrong, the most confident first.

    labels: int64 [n]; oof: float [n, c], out of fold, no NaN

    Confident learning (Northcutt, Jiang & Chuang 2021).

    A row counts as of class j where P(j) is at least what rows labelled j have on average, the most
    probable such j where there are several. Rows counted off their label's diagonal are suspected
    (their `confident joint`), where that class is the more probable one as well.
    """
    p, c = oof.astype(np.float64), oof.shape[1]
    given = p[np.arange(len(labels)), labels]
    counts = np.bincount(labels, minlength=c)
    usual = np.bincount(labels, weights=given, minlength=c) / np.maximum(counts, 1)
    confident = np.where(p >= np.where(counts > 0, usual, np.inf), p, -1.0)
    likely = confident.argmax(axis=1)
    margins = given - p[np.arange(len(labels)), likely]
    is_wrong = (confident.max(axis=1) >= 0) & (likely != labels) & (margins < 0)
    rows = np.flatnonzero(is_wrong)
    return rows[np.argsort(margins[rows], kind="stable")]


def check_labels(model: str, labels: np.ndarray, oof: np.ndarray, ids: list[str]) -> Check:
    """Suspected label errors from a model's out-of-fold probabilities; NaN rows are left out.

    labels: int64 [n]; oof: float [n, c]
    """
    rows = np.flatnonzero(np.isfinite(oof).all(axis=1))
    found = rows[find_label_errors(labels[rows], oof[rows])]
    share = Estimate.share(len(found), len(rows))
    first = ", ".join(ids[row] for row in found[:5])
    advice = "read these rows; leave out or relabel what is plainly wrong"
    return Check(
        "label errors",
        f"rows that {model} confidently predicts as another class out of fold (confident learning)",
        f"{len(found):,} of {len(rows):,} rows, {share.percent()}",
        f"most confident: {first}" if first else "no row is suspected",
        advice if share.low > MANY else "",
        estimate=share,
        details={"model": model, "positions": found.tolist()},
    )
