"""Thresholds on log-odds that maximise F1."""

from __future__ import annotations

import numpy as np


def best_threshold(odds: np.ndarray, is_positive: np.ndarray) -> float:
    """The threshold above which rows are taken for positive with the largest F1; 0 where undefined.

    odds: float [n], log-odds; is_positive: bool [n]
    It lies between two neighbours among the sorted log-odds; of equal ones the nearest to 0 counts.
    """
    if not is_positive.any() or is_positive.all():
        return 0.0
    order = np.argsort(-odds, kind="stable")
    ranked = odds[order].astype(np.float64)
    hits = np.cumsum(is_positive[order])
    f1 = 2 * hits / (np.arange(1, len(odds) + 1) + is_positive.sum())
    ends = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))  # equal rows go together
    below = np.append(ranked[1:], ranked[-1] - 1.0)
    middles = (ranked[ends] + below[ends]) / 2
    best = middles[f1[ends] >= f1[ends].max() - 1e-12]
    return float(best[np.abs(best).argmin()])
