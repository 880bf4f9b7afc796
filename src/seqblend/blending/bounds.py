"""Bounds that save exact looks: the best of several, and a histogram's area under the curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Rating = tuple[float, float]  # score and tie-break, larger is better
_MOST_BINS = 1 << 16  # of the histogram


def best_bounded(bounds: Sequence[float], exact: Callable[[int], float]) -> tuple[int, Rating]:
    """The position with the largest exact value, the first one on ties, and (value, 0).

    bounds: no exact value is above its bound; exact(i) is asked in the order of falling bounds,
    and no more once a value is above every bound that is left.
    """
    chosen, most = -1, -np.inf
    for i in sorted(range(len(bounds)), key=lambda i: (-bounds[i], i)):
        if bounds[i] < most:
            break
        value = exact(i)
        if value > most or (value == most and i < chosen):
            chosen, most = i, value
    return chosen, (most, 0.0)


def bound_area(is_class: np.ndarray, scores: np.ndarray) -> float:
    """An area that the exact one is not above: pairs within a bin of a histogram count as won.

    is_class: bool [n], scores: float32 [n]
    """
    low, high = float(scores.min()), float(scores.max())
    if high <= low:
        return 0.5
    bins = min(len(scores), _MOST_BINS)
    code = ((scores - np.float32(low)) * np.float32((bins - 1) / (high - low))).astype(np.int64)
    counts = np.bincount(2 * code + is_class, minlength=2 * bins).reshape(-1, 2)
    outside, inside = counts[:, 0], counts[:, 1]
    won = float(inside @ np.cumsum(outside))
    return won / (float(inside.sum()) * float(outside.sum())) + 1e-12
