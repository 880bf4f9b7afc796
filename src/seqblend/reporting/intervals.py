"""How far a score may be off: bootstrap over rows, and Wilson's interval for a share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from seqblend.metrics import CLIP, predict_classes
from seqblend.seeds import rng_for

Weighted = Callable[[np.ndarray], np.ndarray]  # float64 [r, n] row weights -> float64 [r]
_CHUNK = 50  # resamples held at once: 50 x 25,000 rows are 10 MB


def wilson_interval(right: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of the share `right / n`: float64 low, high of the same shape.

    Wilson (1927): stays inside 0..1 and is honest for few rows. `n` must be at least 1.
    """
    z2 = 1.959964**2
    share = right / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def bootstrap(
    metric: str, labels: np.ndarray, probabilities: list[np.ndarray], resamples: int = 1000
) -> np.ndarray:
    """The metric of m predictions on resampled rows: float64 [m, resamples], NaN where undefined.

    labels: int64 [n]; probabilities: m of float [n, c], no NaN

    Two calls over the same number of rows draw the same rows, so their difference is paired.
    """
    n = len(labels)
    rng = rng_for(0, "bootstrap")
    scores = [weighted_metric(metric, labels, p) for p in probabilities]
    parts = []
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        drawn = rng.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n)
        weights = weights.astype(np.float64)
        parts.append([score(weights) for score in scores])
    return np.concatenate(parts, axis=1)


def central_95(draws: np.ndarray) -> tuple[float, float] | None:
    """The central 95 %, None where nothing is defined."""
    if not np.isfinite(draws).any():
        return None
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(low), float(high)


def weighted_metric(metric: str, labels: np.ndarray, probabilities: np.ndarray) -> Weighted:
    """A function from row weights float64 [r, n] to the weighted metric float64 [r]."""
    p = probabilities.astype(np.float64)
    if metric == "log_loss":
        losses = -np.log(np.clip(p[np.arange(len(labels)), labels], CLIP, 1.0))
        return lambda weights: weights @ losses / weights.sum(1)
    if metric == "accuracy":  # a product with one column; the counts of classes would be 3 c
        right = (predict_classes(p) == labels).astype(np.float64)
        return lambda weights: weights @ right / weights.sum(1)
    if metric == "auc":
        classes = [1] if p.shape[1] == 2 else list(range(p.shape[1]))
        return _weighted_auc(np.stack([labels == k for k in classes], axis=1), p[:, classes])
    return _weighted_counts(metric, labels, p)


def _weighted_auc(is_positive: np.ndarray, scores: np.ndarray) -> Weighted:
    """Mean area under the ROC curve of columns, to first order in the weights.

    is_positive: bool [n, c]; scores: float64 [n, c]

    A row's placement is the share of the other side it is right about (DeLong et al., 1988). The
    area is the mean placement of either side, so that resampling is a matrix product.
    """
    placements = np.stack(
        [_placements(p, s) for p, s in zip(is_positive.T, scores.T, strict=True)], axis=1
    )
    sides = [is_positive.astype(np.float64), 1.0 - is_positive]
    areas = _divide((sides[0] * placements).sum(0), sides[0].sum(0))

    def mean_area(weights: np.ndarray) -> np.ndarray:
        halves = [_divide(weights @ (side * placements), weights @ side) for side in sides]
        return _mean(halves[0] + halves[1] - areas)

    return mean_area


def _placements(is_positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """float64 [n]: the share of rows of the other side on the right side of each; ties half."""
    result = np.full(len(scores), np.nan if is_positive.all() or not is_positive.any() else 0.0)
    for side, sign in ((is_positive, 1.0), (~is_positive, -1.0)):
        others = np.sort(sign * scores[~side])
        own = sign * scores[side]
        if len(others):
            places = np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")
            result[side] = places / (2 * len(others))
    return result


def _weighted_counts(metric: str, labels: np.ndarray, p: np.ndarray) -> Weighted:
    """Metrics of the confusion matrix's margins and diagonal as a function of weights."""
    n, c = p.shape
    predicted = predict_classes(p)
    rows = np.arange(n)

    def indicator(columns: np.ndarray, values: np.ndarray) -> sparse.csr_array:
        return sparse.csr_array((values, (columns, rows)), shape=(c, n))

    ones = np.ones(n)
    hits = indicator(labels, (labels == predicted).astype(np.float64))
    truths, guesses = indicator(labels, ones), indicator(predicted, ones)

    def score(weights: np.ndarray) -> np.ndarray:
        """The metric, float64 [r], under row weights float64 [r, n]."""
        hit, true, guessed = ((m @ weights.T).T for m in (hits, truths, guesses))  # [r, c]
        if metric == "balanced_accuracy":
            return _mean(_divide(hit, true))
        if metric == "macro_f1":
            return _mean(_divide(2 * hit, true + guessed))
        if metric == "mcc":
            return _matthews(hit, true, guessed)
        raise ValueError(f"no bootstrap for metric '{metric}'")

    return score


def _matthews(hit: np.ndarray, true: np.ndarray, guessed: np.ndarray) -> np.ndarray:
    """Matthews' correlation, float64 [r, c] -> [r]: NaN with one true class, 0 for a constant."""
    total = true.sum(1)
    spread_true = total**2 - (true**2).sum(1)
    spread_guessed = total**2 - (guessed**2).sum(1)
    covariance = hit.sum(1) * total - (true * guessed).sum(1)
    value = np.nan_to_num(_divide(covariance, np.sqrt(spread_true * spread_guessed)))
    return np.where(spread_true > 0, value, np.nan)


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean over columns where defined: float64 [r, c] -> [r], NaN where none is."""
    return _divide(np.nansum(values, axis=1), np.isfinite(values).sum(1))


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, NaN where the bottom is 0."""
    return np.divide(top, bottom, out=np.full(bottom.shape, np.nan), where=bottom > 0)
