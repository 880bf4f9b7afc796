"""How predicted classes may be decided from a blend's mixture, each way scored cross-fitted."""

from __future__ import annotations

import numpy as np

from seqblend.blending.crossfit import BlendFitter, cross_fit_adjustment, make_blend_folds
from seqblend.blending.methods import Blend
from seqblend.evaluation.metrics import score

PLAIN = "the largest probability"


def compare_decisions(
    blend: Blend, stack: np.ndarray, targets: np.ndarray, fold: np.ndarray, metric: str
) -> list[tuple[str, float | None, bool]]:
    """(decision, score, whether the blend decides so); empty with fewer than two adjustments.

    stack: float32 [m, n, c], out of fold, of the blend's members; targets: n rows; fold: int64 [n]
    The mixture and each adjustment of it are fitted on the other folds.
    """
    fits = blend.task.adjustments(metric)
    if len(fits) < 2:
        return []
    rows = np.flatnonzero(fold >= 0)
    known = targets[rows]
    fitter = BlendFitter(stack, targets, metric, blend.members, blend.task)
    parts = make_blend_folds(blend.task.strata(known), fold[rows])
    plain = fitter.cross_fit(blend.method, rows, parts)
    found = [(PLAIN, score(metric, known, plain), blend.adjustment is None)]
    for fit in fits:
        title = fit(plain, known).title
        adjusted = cross_fit_adjustment(fit, plain, known, parts)
        is_used = blend.adjustment is not None and blend.adjustment.title == title
        found.append((title, score(metric, known, adjusted), is_used))
    return found
