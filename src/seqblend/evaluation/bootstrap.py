"""Contributions of rows to a score, bootstrap draws of it, and the score of weighted rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqblend.evaluation.metric import Weighted
from seqblend.evaluation.metrics import metric_for


def score_contributions(metric: str, targets: np.ndarray, array: np.ndarray) -> np.ndarray | None:
    """float64 [n]: each row's contribution to a score, to first order; None where it is undefined.

    targets, array: see metric.Metric; such as labels int64 [n] and probabilities float [n, c]
    The mean is the score (nearly so for what is no mean over rows), and the standard deviation of a
    difference of two over sqrt(n) is the standard error of the scores' difference. AUC: placements
    (DeLong et al., 1988); metrics of the confusion matrix and of other sums: jackknife
    pseudo-values; average precision and Spearman's correlation: influence functions; the user's: a
    delete-a-group jackknife.
    """
    return metric_for(metric).contributions(targets, array)


def bootstrap(
    metric: str, targets: np.ndarray, several: Sequence[np.ndarray], resamples: int = 1000
) -> np.ndarray:
    """The metric of several predictions on the same resampled rows: float64 [k, resamples].

    targets: as of the metric; several: float [n, c] each, no NaN; NaN where a score is undefined
    For metrics of predicted classes rows alike in label and predictions are drawn together, from
    a multinomial distribution: the same bootstrap, whatever the number of rows.
    """
    return metric_for(metric).bootstrap(targets, several, resamples)


def weighted_metric(metric: str, targets: np.ndarray, array: np.ndarray) -> Weighted:
    """A function from row weights float64 [r, n] to the weighted metric float64 [r].

    Exact, but to first order in the weights for AUC, average precision, Spearman's correlation, and
    the user's functions.
    """
    return metric_for(metric).weighted(targets, array.astype(np.float64))
