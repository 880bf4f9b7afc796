"""Paired comparison of two sets of predictions of the same rows: the difference and its error.

Both are scored on the same rows, so most of the sampling error of those rows cancels in the
difference; its standard error is that of the difference and not of two independent scores.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seqblend.evaluation.bootstrap import bootstrap, score_contributions
from seqblend.evaluation.intervals import Z_95, central_95
from seqblend.evaluation.metrics import score, sign_of
from seqblend.evaluation.resampling import standard_error

MIN_FOLDS = 3  # with fewer, the standard deviation over folds is not used


@dataclass(frozen=True)
class PairedDifference:
    """By how much the first of two is better: above 0 where it is, whatever the metric's direction.

    error: standard error; low, high: 95 % interval; n: rows compared
    """

    mean: float
    error: float
    low: float
    high: float
    n: int

    @classmethod
    def normal(cls, mean: float, error: float, n: int) -> PairedDifference:
        """With the interval of a normal distribution."""
        half = Z_95 * error
        return cls(mean, error, mean - half, mean + half, n)

    @property
    def margin(self) -> float:
        """The smallest difference that is significant at the 5 % level (two-sided)."""
        return Z_95 * self.error

    @property
    def is_significant(self) -> bool:
        """Whether the difference is significant at the 5 % level."""
        return abs(self.mean) > self.margin

    @property
    def p_value(self) -> float:
        """Two-sided, of the hypothesis that there is no difference (normal distribution)."""
        if self.error == 0:
            return 0.0 if self.mean else 1.0
        return math.erfc(abs(self.mean) / self.error / math.sqrt(2))


def compare_losses(
    first: np.ndarray, second: np.ndarray, *, training_std: float = 0.0
) -> PairedDifference:
    """How much less the first's mean loss is, from losses of the same rows, float64 [n] each.

    training_std: standard deviation of the mean difference that refitting with another seed adds.
        The two sources are independent, so their variances add.
    The error over rows is that of the paired t test: std of the differences / sqrt(n).
    """
    differences = second - first
    error = math.hypot(standard_error(differences), training_std)
    return PairedDifference.normal(float(differences.mean()), error, len(differences))


def compare_scores(
    metric: str, targets: np.ndarray, first: np.ndarray, second: np.ndarray
) -> PairedDifference | None:
    """The difference of two scores on the same rows, given the fits; None where undefined.

    targets, first, second: see metric.Metric; such as labels int64 [n], probabilities float [n, c]
    The error is that of the mean difference of bootstrap.score_contributions: DeLong,
    DeLong & Clarke-Pearson (1988) for areas, the jackknife's (Efron & Stein 1981) for metrics of
    the confusion matrix, the paired t test's for accuracy, log loss and other means over rows.
    """
    scores = [score(metric, targets, p) for p in (first, second)]
    if None in scores:
        return None
    parts = [score_contributions(metric, targets, p) for p in (first, second)]
    if any(part is None for part in parts):
        return None
    mean = sign_of(metric) * (scores[0] - scores[1])
    return PairedDifference.normal(mean, standard_error(parts[0] - parts[1]), len(targets))


def compare_out_of_fold(
    metric: str,
    targets: np.ndarray,
    fold: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    *,
    draws: tuple[np.ndarray, np.ndarray] | None = None,
    resamples: int = 1000,
) -> PairedDifference | None:
    """The difference of two models' out-of-fold scores, its error including that of the fits.

    None where a score is undefined.

    targets, first, second: see metric.Metric, every row predicted by fits that have not seen it
    fold: int64 [n]
    draws: the scores of both on the same resampled rows, float64 [r], where already computed; else
        `resamples` are drawn
    The interval is the paired bootstrap's (percentiles), over rows alone.
    """
    scores = [score(metric, targets, p) for p in (first, second)]
    if None in scores:
        return None
    if draws is None:
        one, other = bootstrap(metric, targets, [first, second], resamples)
    else:
        one, other = draws
    sign = sign_of(metric)
    drawn = sign * (one - other)
    error = paired_standard_error(drawn, _fold_differences(metric, targets, fold, first, second))
    low, high = central_95(drawn) or (math.nan, math.nan)
    return PairedDifference(sign * (scores[0] - scores[1]), error, low, high, len(targets))


def paired_standard_error(drawn: np.ndarray, folds: np.ndarray) -> float:
    """The standard error of two models' difference: the greater of that of rows and that of fits.

    drawn: float64 [r], the difference on resampled rows; folds: float64 [k], in each fold
    Of rows: the bootstrap's standard deviation. Of fits: the folds' std / sqrt(k), which holds what
    other training rows and another seed would change as well. Folds share most of their training
    rows, so that the latter is too small: the corrected resampled t test (Nadeau & Bengio 2003)
    would multiply it by sqrt(1 + k / (k - 1)). No unbiased estimate exists (Bengio & Grandvalet
    2004); the correction is not applied here. NaN where nothing is defined.
    """
    drawn = drawn[np.isfinite(drawn)]
    by_rows = float(drawn.std()) if len(drawn) else math.nan
    by_fits = standard_error(folds) if len(folds) >= MIN_FOLDS else 0.0
    return max(by_rows, by_fits)  # NaN where by_rows is


def _fold_differences(
    metric: str, targets: np.ndarray, fold: np.ndarray, first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """float64 [k]: the first's score less the second's in each fold where both are defined."""
    differences = []
    for k in np.unique(fold):
        rows = fold == k
        one, other = (score(metric, targets[rows], p[rows]) for p in (first, second))
        if one is not None and other is not None:
            differences.append(one - other)
    return np.array(differences)
