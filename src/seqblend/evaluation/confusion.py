"""Metrics of the confusion matrix as functions of its diagonal and margins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.evaluation.averages import divide, mean_where_defined


@dataclass(frozen=True)
class Counts:
    """What metrics see of r confusion matrices.

    hit, true, predicted: float64 [r, c], rows predicted correctly, of each class, and predicted as
        it
    product: float64 [r], the sum over rows of the true times the predicted class's index
    """

    hit: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    product: np.ndarray

    @classmethod
    def of_matrix(cls, counts: np.ndarray) -> Counts:
        """Of one matrix int64 [c, c]."""
        k = np.arange(len(counts), dtype=np.float64)
        parts = (np.diag(counts), counts.sum(1), counts.sum(0), k @ counts @ k)
        return cls(*(np.asarray(part)[None].astype(float) for part in parts))


# As in scikit-learn, macro averages run over the classes that occur (in the labels, or for all but
# balanced accuracy in the predictions), and 0 / 0 among those is 0. NaN where undefined.


def accuracy(counts: Counts) -> np.ndarray:
    """float64 [r]: the share of rows predicted correctly."""
    return counts.hit.sum(1) / counts.true.sum(1)


def balanced_accuracy(counts: Counts) -> np.ndarray:
    """float64 [r]: the mean recall of the classes that occur in the labels."""
    return mean_where_defined(divide(counts.hit, counts.true))


def macro_f1(counts: Counts) -> np.ndarray:
    """float64 [r]: the mean over classes of the harmonic mean of precision and recall."""
    return _macro(counts, (counts.true + counts.predicted) / 2)


def macro_precision(counts: Counts) -> np.ndarray:
    """float64 [r]: the mean precision."""
    return _macro(counts, counts.predicted)


def macro_recall(counts: Counts) -> np.ndarray:
    """float64 [r]: the mean recall."""
    return _macro(counts, counts.true)


def _macro(counts: Counts, whole: np.ndarray) -> np.ndarray:
    """float64 [r]: the mean of hit / whole over classes that occur."""
    shares = counts.hit / np.maximum(whole, 1e-12)
    return mean_where_defined(np.where(counts.true + counts.predicted > 0, shares, np.nan))


def f1(counts: Counts) -> np.ndarray:
    """float64 [r]: F1 of the second of two classes; NaN where it is in neither margin."""
    if counts.hit.shape[1] != 2:
        return np.full(len(counts.hit), np.nan)
    return divide(2 * counts.hit[:, 1], (counts.true + counts.predicted)[:, 1])


def weighted_f1(counts: Counts) -> np.ndarray:
    """float64 [r]: the mean of the classes' F1, weighted by their rows."""
    each = counts.hit / np.maximum((counts.true + counts.predicted) / 2, 1e-12)
    return (counts.true * each).sum(1) / counts.true.sum(1)


def matthews(counts: Counts) -> np.ndarray:
    """float64 [r]: Matthews' correlation; NaN with one true class, 0 for a constant.

    The multi-class form of Gorodkin (2004), R_K, from the margins.
    """
    true, predicted = counts.true, counts.predicted
    total = true.sum(1)
    spread_true = total**2 - (true**2).sum(1)
    spread_predicted = total**2 - (predicted**2).sum(1)
    covariance = counts.hit.sum(1) * total - (true * predicted).sum(1)
    value = np.nan_to_num(divide(covariance, np.sqrt(spread_true * spread_predicted)))
    return np.where(spread_true > 0, value, np.nan)


def quadratic_kappa(counts: Counts) -> np.ndarray:
    """float64 [r]: Cohen's kappa with squared distances of grades; NaN where all are one grade.

    1 - sum (i - j)^2 observed / sum (i - j)^2 expected (Cohen 1968, Weighted kappa). Squares
    multiplied out, margins and the sum of products are enough.
    """
    k = np.arange(counts.true.shape[1], dtype=np.float64)
    squares = (counts.true + counts.predicted) @ k**2
    expected = counts.true.sum(1) * squares - 2 * (counts.true @ k) * (counts.predicted @ k)
    return 1 - divide(counts.true.sum(1) * (squares - 2 * counts.product), expected)
