"""What a metric is: of which targets, how it is scored, and how its sampling error is found."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.evaluation.resampling import group_contributions, resampled_weights

Weighted = Callable[[np.ndarray], np.ndarray]  # float64 [r, n] row weights -> float64 [r]
Rows = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of targets and array, [n, ...]
KINDS = ("classes", "columns", "values")


@dataclass(frozen=True, kw_only=True)
class Metric(ABC):
    """A score of predictions.

    kind: of targets and arrays. classes: int64 [n] and probabilities float [n, c]; columns: 0 and 1
        int64 [n, q] and P(1) float [n, q]; values: float64 [n, q] and float [n, q]; any: all three
    lowest, highest: what the score lies between
    is_of_classes: it sees predicted classes alone, not how sure they are
    is_binary: it is of two classes alone
    has_unit: that of the targets, or the user's own: scores may be of any size
    """

    name: str
    kind: str
    greater_is_better: bool = True
    lowest: float = 0.0
    highest: float = 1.0
    is_of_classes: bool = False
    is_binary: bool = False
    has_unit: bool = False

    @abstractmethod
    def evaluate(self, targets: np.ndarray, array: np.ndarray) -> float:
        """The value for at least one row, all finite; NaN where it is undefined."""

    def score(self, targets: np.ndarray, array: np.ndarray) -> float | None:
        """The value; None where it is undefined, without rows, and with a NaN in the array."""
        if len(targets) == 0 or not np.isfinite(array).all():
            return None
        value = float(self.evaluate(targets, array))
        return None if math.isnan(value) else value

    def contributions(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray | None:
        """float64 [n]: see bootstrap.score_contributions. Here by a delete-a-group jackknife."""
        return group_contributions(self.evaluate, targets, array)

    def weighted(self, targets: np.ndarray, array: np.ndarray) -> Weighted:
        """From row weights float64 [r, n] to the weighted score float64 [r], NaN where undefined.

        Here to first order in the weights.
        """
        parts = self.contributions(targets, array)
        if parts is None:
            return lambda weights: np.full(len(weights), np.nan)
        return lambda weights: weights @ parts / weights.sum(1)

    def bootstrap(
        self, targets: np.ndarray, several: Sequence[np.ndarray], resamples: int
    ) -> np.ndarray:
        """The score of several predictions on the same resampled rows: float64 [k, resamples]."""
        scores = [self.weighted(targets, array.astype(np.float64)) for array in several]
        parts, n = [], len(targets)
        for weights in resampled_weights(rng_for(0, "bootstrap"), n, resamples, n):
            parts.append([score(weights) for score in scores])
        return np.concatenate(parts, axis=1)


@dataclass(frozen=True, kw_only=True)
class RowMean(Metric):
    """The mean of a number for each row. rows: float64 [n], NaN where undefined."""

    rows: Rows

    def evaluate(self, targets: np.ndarray, array: np.ndarray) -> float:
        """The mean."""
        return float(self.rows(targets, array).mean())

    def contributions(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray | None:
        """The rows' numbers."""
        values = self.rows(targets, array)
        return None if np.isnan(values).any() else values


@dataclass(frozen=True, kw_only=True)
class OfSums(Metric):
    """A function of sums over rows.

    statistics: float64 [n, s], of each row; formula: sums float64 [r, s] -> float64 [r]
    Weighted scores are exact; contributions are jackknife pseudo-values (Efron & Stein, 1981).
    """

    statistics: Rows
    formula: Callable[[np.ndarray], np.ndarray]

    def evaluate(self, targets: np.ndarray, array: np.ndarray) -> float:
        """The function of the sums of all rows."""
        return float(self.formula(self.statistics(targets, array).sum(axis=0)[None])[0])

    def contributions(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray | None:
        """n s - (n - 1) s_without for each row; None where undefined."""
        statistics, n = self.statistics(targets, array), len(targets)
        total = statistics.sum(axis=0)
        whole = self.formula(total[None])[0] if n > 1 else np.nan
        if np.isnan(whole):
            return None
        without = self.formula(total - statistics)
        return n * whole - (n - 1) * np.where(np.isnan(without), whole, without)

    def weighted(self, targets: np.ndarray, array: np.ndarray) -> Weighted:
        """Exact: that of rows repeated as often as their weights say."""
        statistics = self.statistics(targets, array)
        return lambda weights: self.formula(weights @ statistics)
