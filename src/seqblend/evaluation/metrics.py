"""Metrics of class probabilities: vectorised, float64, and None where one is undefined."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seqblend.core.errors import FlagError, suggest

CLIP = 1e-7  # the smallest probability a logarithm sees


@dataclass(frozen=True)
class Metric:
    """A metric by name. `ranks`: only the order of the probabilities counts.

    function: (labels int64 [n], probabilities float [n, c]) -> float, or None where undefined
    """

    name: str
    higher_is_better: bool
    ranks: bool
    function: Callable[[np.ndarray, np.ndarray], float | None]


def predict_classes(probabilities: np.ndarray) -> np.ndarray:
    """int64 [n]: the most probable class of probabilities float [n, c], the first one on ties."""
    if probabilities.shape[1] == 2:  # a comparison is 20 times faster than argmax over 2 columns
        return (probabilities[:, 1] > probabilities[:, 0]).astype(np.int64)
    return probabilities.argmax(axis=1)


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, c: int) -> np.ndarray:
    """int64 [c, c]: rows of true class i predicted as j, from labels and predicted int64 [n]."""
    return np.bincount(labels * c + predicted, minlength=c * c).reshape(c, c)


def _accuracy(counts: np.ndarray) -> float:
    return float(np.trace(counts) / counts.sum())


def _macro_share(counts: np.ndarray, whole: np.ndarray) -> float:
    """Mean of hits / whole over the classes that occur in labels or predictions (0 / 0 is 0)."""
    occurs = (counts.sum(0) + counts.sum(1)) > 0
    return float((np.diag(counts) / np.maximum(whole, 1e-12))[occurs].mean())


def _macro_precision(counts: np.ndarray) -> float:
    return _macro_share(counts, counts.sum(0))


def _macro_recall(counts: np.ndarray) -> float:
    return _macro_share(counts, counts.sum(1))


def _macro_f1(counts: np.ndarray) -> float:
    return _macro_share(counts, (counts.sum(0) + counts.sum(1)) / 2)


def _balanced_accuracy(counts: np.ndarray) -> float:
    """Mean recall of the classes that occur in the labels."""
    true = counts.sum(1)
    return float((np.diag(counts)[true > 0] / true[true > 0]).mean())


def _matthews(counts: np.ndarray) -> float | None:
    """Matthews' correlation: None with one true class, 0 where the predictions are constant."""
    true, predicted = counts.sum(1).astype(float), counts.sum(0).astype(float)
    n = true.sum()
    spread_true, spread_predicted = n * n - true @ true, n * n - predicted @ predicted
    if spread_true == 0:
        return None
    if spread_predicted == 0:
        return 0.0
    covariance = np.trace(counts) * n - true @ predicted
    return float(covariance / math.sqrt(spread_true) / math.sqrt(spread_predicted))


def _log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(right, CLIP, 1.0)).mean())


def class_auc(is_class: np.ndarray, scores: np.ndarray) -> float | None:
    """P(a row of the class scores above another row), ties counting half: an exact count.

    is_class: bool [n], scores: float [n]
    """
    inside, outside = np.sort(scores[is_class]), np.sort(scores[~is_class])
    if len(inside) == 0 or len(outside) == 0:
        return None
    wins = np.searchsorted(outside, inside, "left").sum()
    ties_or_wins = np.searchsorted(outside, inside, "right").sum()
    return float((wins + ties_or_wins) / (2 * len(inside) * len(outside)))


def _auc(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
    """Binary: of class 1. Else the mean over classes, each against the rest, where defined."""
    c = probabilities.shape[1]
    which = [1] if c == 2 else range(c)
    each = [class_auc(labels == k, probabilities[:, k]) for k in which]
    defined = [value for value in each if value is not None]
    return float(np.mean(defined)) if defined else None


# Metrics that see the predicted classes alone, from the confusion matrix int64 [c, c].
COUNTED: dict[str, Callable[[np.ndarray], float | None]] = {
    "accuracy": _accuracy, "macro_f1": _macro_f1, "balanced_accuracy": _balanced_accuracy,
    "mcc": _matthews,
}  # fmt: skip


def _from_counts(name: str) -> Callable[[np.ndarray, np.ndarray], float | None]:
    """A metric function out of one that reads the confusion matrix."""
    measure = COUNTED[name]

    def function(labels: np.ndarray, probabilities: np.ndarray) -> float | None:
        c = probabilities.shape[1]
        return measure(confusion_matrix(labels, predict_classes(probabilities), c))

    return function


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", True, False, _from_counts("accuracy")),
        Metric("macro_f1", True, False, _from_counts("macro_f1")),
        Metric("log_loss", False, False, _log_loss),
        Metric("auc", True, True, _auc),
        Metric("balanced_accuracy", True, False, _from_counts("balanced_accuracy")),
        Metric("mcc", True, False, _from_counts("mcc")),
    )
}


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
    return METRICS[metric].function(labels, probabilities)


def summarise(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float | None]:
    """Every score a leaderboard shows, None where undefined (labels int64 [n], float [n, c])."""
    names = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "balanced_accuracy", "mcc")
    if len(labels) == 0 or not np.isfinite(probabilities).all():
        return dict.fromkeys((*names, "auc", "log_loss"))
    counts = confusion_matrix(labels, predict_classes(probabilities), probabilities.shape[1])
    measures = (
        _accuracy, _macro_precision, _macro_recall, _macro_f1, _balanced_accuracy, _matthews,
    )  # fmt: skip
    summary = {name: measure(counts) for name, measure in zip(names, measures, strict=True)}
    return summary | {
        "auc": _auc(labels, probabilities),
        "log_loss": _log_loss(labels, probabilities),
    }


def better(metric: str, a: float | None, b: float | None) -> bool:
    """Whether score `a` beats score `b`; an undefined score beats nothing and loses to any."""
    if a is None or b is None:
        return a is not None
    return a > b if METRICS[metric].higher_is_better else a < b


def average_ranks(values: np.ndarray) -> np.ndarray:
    """float64 [n] in (0, 1): (rank - 1/2) / n of values float [n], ties sharing their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    return middle[place] / len(values)
