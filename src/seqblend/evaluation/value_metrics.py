"""Metrics of predicted numbers: errors, the share of variance explained, and correlations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from seqblend.evaluation.averages import divide, mean_where_defined
from seqblend.evaluation.metric import Metric, OfSums, RowMean, Rows

_CONSTANT = 1e-12  # a variance below this share of the mean square is rounding
_NEAR_CONSTANT = 1e-13  # as in scipy.stats.pearsonr: a deviation below this share of the mean


def _with_count(*parts: np.ndarray) -> np.ndarray:
    """float64 [n, 1 + s]: ones and the parts' columns, float64 [n, q] each."""
    return np.concatenate([np.ones((len(parts[0]), 1)), *parts], axis=1)


def _squares(targets: np.ndarray, array: np.ndarray) -> np.ndarray:
    """float64 [n, q]: squared errors."""
    return (array.astype(np.float64) - targets) ** 2


def _mean_squares(targets: np.ndarray, array: np.ndarray) -> np.ndarray:
    """float64 [n, 2]: 1 and the mean squared error of a row's columns."""
    return _with_count(_squares(targets, array).mean(axis=1, keepdims=True))


def _column_squares(targets: np.ndarray, array: np.ndarray) -> np.ndarray:
    """float64 [n, 1 + q]: 1 and squared errors."""
    return _with_count(_squares(targets, array))


def _absolute_errors(targets: np.ndarray, array: np.ndarray) -> np.ndarray:
    """float64 [n]: the mean absolute error of a row's columns."""
    return np.abs(array.astype(np.float64) - targets).mean(axis=1)


def _root_means(sums: np.ndarray) -> np.ndarray:
    """float64 [r]: the mean over columns of root mean squares; sums float64 [r, 1 + q]."""
    return np.sqrt(np.maximum(sums[:, 1:], 0.0) / sums[:, :1]).mean(axis=1)


def _centred(values: np.ndarray) -> np.ndarray:
    """float64 [n, q]: less the columns' means; 0 where a column is as good as constant."""
    values = values.astype(np.float64)
    mean = values.mean(axis=0)
    apart = values - mean
    is_constant = np.linalg.norm(apart, axis=0) < _NEAR_CONSTANT * np.abs(mean)
    return np.where(is_constant | (values == values[0]).all(axis=0), 0.0, apart)


def _variance_terms(targets: np.ndarray, array: np.ndarray) -> np.ndarray:
    """float64 [n, 1 + 3 q]: 1, squared errors, centred targets, and their squares."""
    y = _centred(targets)
    return _with_count(_squares(targets, array), y, y**2)


def _share_explained(sums: np.ndarray) -> np.ndarray:
    """float64 [r]: the mean R2 of columns, of a constant one 1 or 0; NaN below two rows."""
    n = sums[:, :1]
    errors, y, yy = np.split(sums[:, 1:], 3, axis=1)
    spread = _spread(n, y, yy)
    of_constant = np.where(errors > 0, 0.0, 1.0)
    each = np.where(spread > 0, 1 - divide(errors, spread), of_constant)
    return np.where(n[:, 0] >= 2, each.mean(axis=1), np.nan)


def _spread(n: np.ndarray, total: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """The sum of squares about the mean; 0 where it is rounding."""
    spread = squares - total**2 / n
    return np.where(spread > _CONSTANT * squares, spread, 0.0)


def _moments(targets: np.ndarray, array: np.ndarray) -> np.ndarray:
    """float64 [n, 1 + 5 q]: 1, both centred, their squares, and products."""
    x, y = _centred(array), _centred(targets)
    return _with_count(x, y, x**2, y**2, x * y)


def _correlations(sums: np.ndarray) -> np.ndarray:
    """float64 [r]: the mean Pearson correlation of columns, constant ones left out."""
    n = sums[:, :1]
    x, y, xx, yy, xy = np.split(sums[:, 1:], 5, axis=1)
    scale = np.sqrt(_spread(n, x, xx)) * np.sqrt(_spread(n, y, yy))
    return mean_where_defined(np.clip(divide(xy - x * y / n, scale), -1.0, 1.0))


@dataclass(frozen=True, kw_only=True)
class RankCorrelation(Metric):
    """Spearman's correlation, the mean over columns where defined.

    Weighted scores are to first order in the weights: ranks depend on them as well.
    """

    def evaluate(self, targets: np.ndarray, array: np.ndarray) -> float:
        """Pearson's of ranks."""
        ranks = (rankdata(part, axis=0) for part in (targets, array))
        return float(_correlations(_moments(*ranks).sum(axis=0)[None])[0])

    def contributions(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray | None:
        """The mean over columns where defined."""
        each = [_rank_contributions(*pair) for pair in zip(targets.T, array.T, strict=True)]
        parts = [part for part in each if part is not None]
        return np.mean(parts, axis=0) if parts else None


def _rank_contributions(y: np.ndarray, x: np.ndarray) -> np.ndarray | None:
    """float64 [n]: Spearman's correlation and its influence function at each row.

    y, x: float [n]; None where one is constant. The correlation is that of u = F(x) and v = G(y),
    the shares of rows below, ties counting half: of mean 1/2. A row's weight moves F and G as well.
    """
    u, v = ((rankdata(part) - 0.5) / len(y) for part in (x, y))
    pairs = ((x, u, y, v), (x, u, x, u), (y, v, y, v))
    (cov, by_cov), (var_u, by_u), (var_v, by_v) = (_rank_covariance(*pair) for pair in pairs)
    if (x == x[0]).all() or (y == y[0]).all():
        return None
    scale = np.sqrt(var_u * var_v)
    return cov / scale * (1 - (by_u / var_u + by_v / var_v) / 2) + by_cov / scale


def _rank_covariance(
    x: np.ndarray, u: np.ndarray, y: np.ndarray, v: np.ndarray
) -> tuple[float, np.ndarray]:
    """The covariance of u = F(x) and v = G(y), float64 [n] each, and its influence function [n]."""
    product = (u * v).mean()
    return product - 0.25, u * v + _sum_above(x, v) + _sum_above(y, u) - 3 * product


def _sum_above(x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """float64 [n]: the sum of v over rows of larger x, and half of that of equal x, over n."""
    _, place = np.unique(x, return_inverse=True)
    sums = np.bincount(place, weights=v)
    return (sums[::-1].cumsum()[::-1] - sums / 2)[place] / len(x)


def _error(name: str, statistics: Rows, formula: Callable[[np.ndarray], np.ndarray]) -> OfSums:
    """A root of mean squares."""
    return OfSums(
        name=name,
        kind="values",
        greater_is_better=False,
        highest=np.inf,
        has_unit=True,
        statistics=statistics,
        formula=formula,
    )


RMSE = _error("rmse", _mean_squares, _root_means)
MCRMSE = _error("mcrmse", _column_squares, _root_means)
MAE = RowMean(
    name="mae",
    kind="values",
    greater_is_better=False,
    highest=np.inf,
    has_unit=True,
    rows=_absolute_errors,
)
R2 = OfSums(
    name="r2", kind="values", lowest=-np.inf, statistics=_variance_terms, formula=_share_explained
)
PEARSON = OfSums(
    name="pearson", kind="values", lowest=-1.0, statistics=_moments, formula=_correlations
)
SPEARMAN = RankCorrelation(name="spearman", kind="values", lowest=-1.0)
VALUE_METRICS = (RMSE, MAE, MCRMSE, R2, PEARSON, SPEARMAN)


def summarise_values(targets: np.ndarray, array: np.ndarray) -> dict[str, float | None]:
    """Every metric of numbers by name, None where undefined (float64 [n, q], float [n, q]).

    Without mcrmse for a single column, where it is rmse.
    """
    shown = [each for each in VALUE_METRICS if each is not MCRMSE or targets.shape[1] > 1]
    return {metric.name: metric.score(targets, array) for metric in shown}
