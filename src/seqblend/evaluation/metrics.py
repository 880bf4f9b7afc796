"""Metrics of class probabilities: vectorised, float64, and None where one is undefined."""

from __future__ import annotations

import math

import numpy as np

from seqblend.core.errors import FlagError, suggest

CLIP = 1e-7  # the smallest probability a logarithm sees


# Metrics of the predicted classes alone, that is of the confusion matrix.
OF_CLASSES = ("accuracy", "macro_f1", "balanced_accuracy", "mcc")
METRICS = ("accuracy", "macro_f1", "log_loss", "auc", "balanced_accuracy", "mcc")


def sign_of(metric: str) -> float:
    """1.0 where a higher score is better, else -1.0."""
    return -1.0 if metric == "log_loss" else 1.0


def clipped_logs(probabilities: np.ndarray) -> np.ndarray:
    """float64: logarithms of probabilities clipped at CLIP."""
    return np.log(np.clip(probabilities, CLIP, 1.0)).astype(np.float64)


def predict_classes(probabilities: np.ndarray) -> np.ndarray:
    """int64 [n]: the most probable class of probabilities float [n, c], the first one on ties."""
    if probabilities.shape[1] == 2:  # a comparison is 20 times faster than argmax over 2 columns
        return (probabilities[:, 1] > probabilities[:, 0]).astype(np.int64)
    return probabilities.argmax(axis=1)


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, c: int) -> np.ndarray:
    """int64 [c, c]: rows of true class i predicted as j, from labels and predicted int64 [n]."""
    return np.bincount(labels * c + predicted, minlength=c * c).reshape(c, c)


def _divide(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, NaN where the bottom is 0."""
    return np.divide(top, bottom, out=np.full(bottom.shape, np.nan), where=bottom > 0)


def mean_where_defined(values: np.ndarray) -> np.ndarray:
    """The mean over columns, NaN ignored: float64 [r, c] -> [r], NaN where a row has nothing."""
    return _divide(np.nansum(values, axis=1), np.isfinite(values).sum(1))


def score_margins(
    metric: str, hit: np.ndarray, true: np.ndarray, predicted: np.ndarray
) -> np.ndarray:
    """float64 [r]: a metric of r confusion matrices, from their diagonals and margins.

    hit, true, predicted: float64 [r, c], rows predicted correctly, of each class, and predicted as
        it
    As in scikit-learn, macro averages run over the classes that occur (in the labels, or for all
    but balanced accuracy in the predictions), and 0 / 0 among those is 0. NaN where undefined.
    """
    if metric == "accuracy":
        return hit.sum(1) / true.sum(1)
    if metric == "mcc":
        return _matthews(hit, true, predicted)
    if metric == "balanced_accuracy":
        return mean_where_defined(_divide(hit, true))
    whole = {
        "macro_f1": (true + predicted) / 2,
        "macro_precision": predicted,
        "macro_recall": true,
    }[metric]
    shares = hit / np.maximum(whole, 1e-12)
    return mean_where_defined(np.where(true + predicted > 0, shares, np.nan))


def _matthews(hit: np.ndarray, true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Matthews' correlation, float64 [r, c] -> [r]: NaN with one true class, 0 for a constant.

    The multi-class form of Gorodkin (2004), R_K, from the margins.
    """
    total = true.sum(1)
    spread_true = total**2 - (true**2).sum(1)
    spread_predicted = total**2 - (predicted**2).sum(1)
    covariance = hit.sum(1) * total - (true * predicted).sum(1)
    value = np.nan_to_num(_divide(covariance, np.sqrt(spread_true * spread_predicted)))
    return np.where(spread_true > 0, value, np.nan)


def _score_matrix(metric: str, counts: np.ndarray) -> float | None:
    """A metric of one confusion matrix int64 [c, c]; None where it is undefined."""
    margins = (part[None].astype(float) for part in (np.diag(counts), counts.sum(1), counts.sum(0)))
    value = float(score_margins(metric, *margins)[0])
    return None if math.isnan(value) else value


def row_losses(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """float64 [n]: each row's log loss; labels int64 [n], probabilities float [n, c]."""
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return -np.log(np.clip(right, CLIP, 1.0))


def placements(is_positive: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """float64 [n]: for each row the share of the opposite class ranked on the right side of it.

    is_positive: bool [n], scores: float [n]. Ties count half; NaN where one class is missing.
    The mean over either class is the area under the ROC curve (DeLong et al., 1988).
    """
    result = np.full(len(scores), np.nan)
    for side, sign in ((is_positive, 1.0), (~is_positive, -1.0)):
        others = np.sort(sign * scores[~side])
        values = sign * scores[side]
        if len(others):
            ranks = np.searchsorted(others, values) + np.searchsorted(others, values, "right")
            result[side] = ranks / (2 * len(others))
    return result


def _auc(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Binary: of class 1. Else the mean over classes, each against the rest, where defined."""
    c = probabilities.shape[1]
    which = [1] if c == 2 else range(c)
    is_class = [labels == k for k in which]
    areas = [
        placements(side, probabilities[:, k])[side].mean()
        for k, side in zip(which, is_class, strict=True)
        if 0 < side.sum() < len(labels)
    ]
    return float(np.mean(areas)) if areas else None


def check_metric(metric: str) -> str:
    """`metric`, where it is one of METRICS; else a FlagError with the nearest."""
    if metric not in METRICS:
        raise FlagError(f"no metric '{metric}'{suggest(metric, METRICS, 'Metrics')}")
    return metric


def score(metric: str, labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """The metric's value; None where it is undefined (AUC of one class, no rows, a NaN).

    labels: int64 [n], probabilities: float [n, c]
    """
    if len(labels) == 0 or not np.isfinite(probabilities).all():
        return None
    if metric == "log_loss":
        return float(row_losses(labels, probabilities).mean())
    if metric == "auc":
        return _auc(labels, probabilities)
    counts = confusion_matrix(labels, predict_classes(probabilities), probabilities.shape[1])
    return _score_matrix(metric, counts)


def summarise(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float | None]:
    """Every score a leaderboard shows, None where undefined (labels int64 [n], float [n, c])."""
    names = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "balanced_accuracy", "mcc")
    if len(labels) == 0 or not np.isfinite(probabilities).all():
        return dict.fromkeys((*names, "auc", "log_loss"))
    counts = confusion_matrix(labels, predict_classes(probabilities), probabilities.shape[1])
    summary = {name: _score_matrix(name, counts) for name in names}
    return summary | {name: score(name, labels, probabilities) for name in ("auc", "log_loss")}


def better(metric: str, a: float | None, b: float | None) -> bool:
    """Whether score `a` beats score `b`; an undefined score beats nothing and loses to any."""
    if a is None or b is None:
        return a is not None
    return sign_of(metric) * a > sign_of(metric) * b
