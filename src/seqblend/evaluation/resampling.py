"""Resampled rows, left-out groups of rows, and the standard error of a mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from seqblend.core.seeds import rng_for

GROUPS = 100  # of rows, each left out once: the standard error is then known to 7 %
_CHUNK = 50  # resamples held at once: 50 x 25,000 rows are 10 MB


def resampled_weights(
    rng: np.random.Generator, n: int, resamples: int, rows: int
) -> Iterator[np.ndarray]:
    """Row weights float64 [r, n], some resamples at a time: how often each of n rows is drawn.

    rows: rows drawn per resample, with replacement
    """
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        drawn = rng.integers(0, n, (size, rows)) + n * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def standard_error(values: np.ndarray) -> float:
    """Of the mean of float64 [n]; 0 for a single row."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def group_contributions(
    evaluate: Callable[[np.ndarray, np.ndarray], float], targets: np.ndarray, array: np.ndarray
) -> np.ndarray | None:
    """float64 [n]: contributions of rows to any score, by a delete-a-group jackknife.

    evaluate: of targets [n, ...] and predictions float [n, c], NaN where undefined; called at most
        GROUPS + 1 times
    None where the score of all rows is undefined, or there is but one row.

    With group g of m rows left out, n / m - 1 times the change is the group's pseudo-value less the
    score (Busing, Meijer & van der Leeden 1999). It is given to each of the group's rows, times
    sqrt(n / groups), so that the rows' standard deviation over sqrt(n) is the jackknife's standard
    error. Groups are the same for all predictions of n rows: differences are paired.
    """
    n = len(targets)
    whole = evaluate(targets, array) if n > 1 else np.nan
    if np.isnan(whole):
        return None
    groups = min(GROUPS, n)
    group = rng_for(0, "jackknife groups").permutation(np.arange(n) % groups)
    apart = np.zeros(groups)
    for g in range(groups):
        kept = group != g
        change = whole - evaluate(targets[kept], array[kept])
        apart[g] = (n / (n - kept.sum()) - 1) * (0.0 if np.isnan(change) else change)
    return whole + apart[group] * np.sqrt(n / groups)
