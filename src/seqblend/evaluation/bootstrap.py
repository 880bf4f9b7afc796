"""Standard errors and bootstrap draws of a score, paired between predictions of the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.evaluation.metrics import (
    OF_CLASSES,
    confusion_matrix,
    mean_where_defined,
    placements,
    predict_classes,
    row_losses,
    score_margins,
)

Weighted = Callable[[np.ndarray], np.ndarray]  # float64 [r, n] row weights -> float64 [r]
_CHUNK = 50  # resamples held at once: 50 x 25,000 rows are 10 MB
_CELLS = 20_000_000  # resamples x patterns held at once, 160 MB


def score_contributions(
    metric: str, labels: np.ndarray, probabilities: np.ndarray
) -> np.ndarray | None:
    """float64 [n]: each row's contribution to a score, to first order; None where it is undefined.

    labels: int64 [n], probabilities: float [n, c]
    The mean is the score (nearly so for F1 and Matthews' correlation), and the standard deviation
    of a difference of two over sqrt(n) is the standard error of the scores' difference. AUC:
    placements (DeLong et al., 1988); metrics of the confusion matrix: jackknife pseudo-values.
    """
    if metric == "log_loss":
        return row_losses(labels, probabilities)
    if metric == "auc":
        return _area_contributions(labels, probabilities)
    predicted = predict_classes(probabilities)
    if metric == "accuracy":
        return (predicted == labels).astype(np.float64)
    return _pseudo_values(metric, labels, predicted, probabilities.shape[1])


def _pseudo_values(
    metric: str, labels: np.ndarray, predicted: np.ndarray, c: int
) -> np.ndarray | None:
    """float64 [n]: each row's jackknife pseudo-value, n s - (n - 1) s_without.

    s_without is the score with that row left out, the same for all rows of a cell of the confusion
    matrix (Efron & Stein, 1981).
    """
    counts, one = confusion_matrix(labels, predicted, c), np.eye(c)
    hit, true, guessed = np.diag(counts), counts.sum(1), counts.sum(0)
    whole = score_margins(metric, *(part[None].astype(float) for part in (hit, true, guessed)))[0]
    n = len(labels)
    if np.isnan(whole) or n < 2:
        return None
    i, j = np.nonzero(counts)
    without = score_margins(metric, hit - one[i] * one[j], true - one[i], guessed - one[j])
    pseudo = np.zeros((c, c))
    pseudo[i, j] = n * whole - (n - 1) * np.where(np.isnan(without), whole, without)
    return pseudo[labels, predicted]


def _area_contributions(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray | None:
    """float64 [n]: placements centred on the area, each class weighted by its share of the rows."""
    n, c = probabilities.shape
    parts = []
    for k in [1] if c == 2 else range(c):
        side = labels == k
        if not 0 < side.sum() < n:
            continue
        placed = placements(side, probabilities[:, k])
        area = placed[side].mean()
        share = np.where(side, side.mean(), 1 - side.mean())
        parts.append(area + (placed - area) / share)
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
    if metric in OF_CLASSES:
        return _bootstrap_patterns(metric, labels, several, resamples)
    scores = [weighted_metric(metric, labels, p) for p in several]
    parts = []
    n = len(labels)
    for weights in resampled_weights(rng_for(0, "bootstrap"), n, resamples, n):
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
    sides = [is_positive.astype(np.float64), 1.0 - is_positive]
    placed = np.stack([placements(*pair) for pair in zip(is_positive.T, scores.T, strict=True)], 1)
    with np.errstate(invalid="ignore"):  # 0 / 0 where a class has no rows: NaN, as it should be
        areas = (sides[0] * placed).sum(0) / sides[0].sum(0)

    def mean_area(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            halves = [weights @ (side * placed) / (weights @ side) for side in sides]
        # U = E[placement | positive] = E[placement | negative]; to first order in the weights both
        # halves add their deviation from the area
        return mean_where_defined(halves[0] + halves[1] - areas)

    return mean_area


def _weighted_counts(metric: str, labels: np.ndarray, p: np.ndarray) -> Weighted:
    """Metrics of the confusion matrix's margins and diagonal as a function of weights."""
    c = p.shape[1]
    true, predicted = np.eye(c)[labels], np.eye(c)[predict_classes(p)]

    def weighted(weights: np.ndarray) -> np.ndarray:
        margins = (weights @ part for part in (true * predicted, true, predicted))
        return score_margins(metric, *margins)

    return weighted
