"""How far a score may be off: each row's part in it, and bootstrap over rows, paired."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse

from seqblend.core.seeds import rng_for
from seqblend.evaluation.metrics import CLIP, COUNTED, confusion_matrix, predict_classes

Z_95 = 1.959964  # of a normal distribution: two-sided 5 % test, 95 % interval
Weighted = Callable[[np.ndarray], np.ndarray]  # float64 [r, n] row weights -> float64 [r]
_CHUNK = 50  # resamples held at once: 50 x 25,000 rows are 10 MB
_CELLS = 20_000_000  # resamples x patterns held at once, 160 MB


def row_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """float64 [n]: each row's log loss; labels int64 [n], probabilities float [n, c]."""
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.clip(right, CLIP, 1.0))


def score_contributions(
    metric: str, labels: np.ndarray, probabilities: np.ndarray
) -> np.ndarray | None:
    """float64 [n]: each row's part in a score, to first order; None where it is undefined.

    labels: int64 [n], probabilities: float [n, c]
    The mean is the score (nearly so for F1 and Matthews' correlation), and the standard deviation
    of a difference of two over sqrt(n) is the standard error of the scores' difference. Areas:
    placements (DeLong et al., 1988); counts: jackknife pseudo-values, one a cell of the matrix.
    """
    n, c = probabilities.shape
    if metric == "log_loss":
        return row_losses(labels, probabilities)
    if metric == "auc":
        return _area_influence(labels, probabilities)
    predicted = predict_classes(probabilities)
    if metric == "accuracy":
        return (predicted == labels).astype(np.float64)
    counts, measure = confusion_matrix(labels, predicted, c), COUNTED[metric]
    whole = measure(counts)
    if whole is None or n < 2:
        return None
    pseudo = np.full((c, c), whole)
    for i, j in zip(*np.nonzero(counts), strict=True):
        counts[i, j] -= 1
        without = measure(counts)
        counts[i, j] += 1
        pseudo[i, j] = n * whole - (n - 1) * (whole if without is None else without)
    return pseudo[labels, predicted]


def _area_influence(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray | None:
    n, c = probabilities.shape
    parts = []
    for k in [1] if c == 2 else range(c):
        side = labels == k
        if not 0 < side.sum() < n:
            continue
        placements = _placements(side, probabilities[:, k])
        area = placements[side].mean()
        share = np.where(side, side.mean(), 1 - side.mean())
        parts.append(area + (placements - area) / share)
    return np.mean(parts, axis=0) if parts else None


def standard_error(values: np.ndarray) -> float:
    """Of the mean of float64 [n]; 0 for a single row."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def bootstrap(
    metric: str, labels: np.ndarray, several: Sequence[np.ndarray], resamples: int = 1000
) -> np.ndarray:
    """The metric of several predictions on the same resampled rows: float64 [k, resamples].

    labels: int64 [n]; several: float [n, c] each, no NaN; NaN where a score is undefined
    For metrics of predicted classes rows alike in label and predictions are drawn together, from
    a multinomial distribution: the same bootstrap, whatever the number of rows.
    """
    if metric in COUNTED:
        return _bootstrap_patterns(metric, labels, several, resamples)
    scores = [weighted_metric(metric, labels, p) for p in several]
    parts = []
    for weights in _weights(len(labels), resamples):
        parts.append([score(weights) for score in scores])
    return np.concatenate(parts, axis=1)


def _bootstrap_patterns(
    metric: str, labels: np.ndarray, several: Sequence[np.ndarray], resamples: int
) -> np.ndarray:
    c = several[0].shape[1]
    pattern = np.stack([labels, *(predict_classes(p) for p in several)], 1)
    pattern, counts = np.unique(pattern, axis=0, return_counts=True)
    rng, truth, parts = rng_for(0, "bootstrap"), np.eye(c)[pattern[:, 0]], []
    chunk = max(_CELLS // len(pattern), 1)
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = rng.multinomial(len(labels), counts / len(labels), size).astype(np.float64)
        true, scores = drawn @ truth, []
        for guess in pattern.T[1:]:
            guessed = np.eye(c)[guess]
            scores.append(score_margins(metric, drawn @ (truth * guessed), true, drawn @ guessed))
        parts.append(scores)
    return np.concatenate(parts, axis=1)


def _weights(n: int, resamples: int):
    """Row weights float64 [r, n] of resampled rows, some resamples at a time."""
    rng = rng_for(0, "bootstrap")
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        drawn = rng.integers(0, n, (size, n)) + n * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(np.float64)


def weighted_metric(metric: str, labels: np.ndarray, probabilities: np.ndarray) -> Weighted:
    """A function from row weights float64 [r, n] to the weighted metric float64 [r]."""
    p = probabilities.astype(np.float64)
    if metric == "log_loss":
        losses = row_losses(labels, p)
        return lambda weights: weights @ losses / weights.sum(1)
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
        return score_margins(metric, hit, true, guessed)

    return score


def score_margins(
    metric: str, hit: np.ndarray, true: np.ndarray, guessed: np.ndarray
) -> np.ndarray:
    """float64 [r]: a metric of r confusion matrices, known by their diagonals and margins.

    hit, true, guessed: float64 [r, c], rows right, of each class, and predicted as it
    """
    if metric == "accuracy":
        return hit.sum(1) / true.sum(1)
    if metric == "balanced_accuracy":
        return _mean(_divide(hit, true))
    if metric == "macro_f1":
        return _mean(_divide(2 * hit, true + guessed))
    if metric == "mcc":
        return _matthews(hit, true, guessed)
    raise ValueError(f"no bootstrap for metric '{metric}'")


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
