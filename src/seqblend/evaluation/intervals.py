"""How far a score or a share may be off: the middle of its draws, and Wilson's interval."""

from __future__ import annotations

import numpy as np


def wilson_interval(right: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of the share `right / n`: float64 low, high of the same shape.

    Wilson (1927): stays inside 0..1 and is honest for few rows. `n` must be at least 1.
    """
    z2 = 1.959964**2
    share = right / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def central_95(draws: np.ndarray) -> tuple[float, float] | None:
    """The central 95 %, None where nothing is defined."""
    if not np.isfinite(draws).any():
        return None
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(low), float(high)
