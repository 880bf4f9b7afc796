"""Quotients and means that are NaN where they are undefined."""

from __future__ import annotations

import numpy as np


def divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, NaN where the bottom is 0."""
    return np.divide(top, bottom, out=np.full(bottom.shape, np.nan), where=bottom > 0)


def mean_where_defined(values: np.ndarray) -> np.ndarray:
    """The mean over columns, NaN ignored: float64 [r, c] -> [r], NaN where a row has nothing."""
    return divide(np.nansum(values, axis=1), np.isfinite(values).sum(1))
