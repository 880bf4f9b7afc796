"""Metrics of the order of rows (AUC, average precision) and of classes (map@K, top@K)."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seqblend.evaluation.averages import mean_where_defined
from seqblend.evaluation.class_predictions import label_ranks
from seqblend.evaluation.metric import Metric, RowMean, Weighted

# (is_positive bool [n, k], scores float [n, k]) of targets and array: k ways to order the rows
Orders = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def one_against_rest(labels: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orders of classes: the second of two, else each against the rest. int64 [n], float [n, c]."""
    classes = [1] if p.shape[1] == 2 else list(range(p.shape[1]))
    return np.stack([labels == k for k in classes], axis=1), p[:, classes]


def each_column(targets: np.ndarray, array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orders of columns of 0 and 1, int64 [n, q], by P(1) float [n, q]."""
    return targets == 1, array


@dataclass(frozen=True, kw_only=True)
class MeanOrder(Metric):
    """The mean over orders of a metric of one order; those where it is undefined are left out."""

    orders: Orders

    @abstractmethod
    def linearise(self, is_positive: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
        """float64 [n]: the contributions of rows to one order's; bool [n], float [n]."""

    def contributions(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray | None:
        """The mean over orders where defined."""
        orders = self.orders(targets, array)
        each = [self.linearise(*pair) for pair in zip(*(part.T for part in orders), strict=True)]
        parts = [part for part in each if part is not None]
        return np.mean(parts, axis=0) if parts else None


@dataclass(frozen=True, kw_only=True)
class Area(MeanOrder):
    """The area under the ROC curve."""

    def evaluate(self, targets: np.ndarray, array: np.ndarray) -> float:
        """The mean over orders with both sides."""
        is_positive, scores = self.orders(targets, array)
        areas = [
            placements(side, values)[side].mean()
            for side, values in zip(is_positive.T, scores.T, strict=True)
            if 0 < side.sum() < len(side)
        ]
        return float(np.mean(areas)) if areas else np.nan

    def linearise(self, is_positive: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
        """Placements centred on the area, each side weighted by its share of the rows."""
        if not 0 < is_positive.sum() < len(is_positive):
            return None
        placed = placements(is_positive, scores)
        area = placed[is_positive].mean()
        share = np.where(is_positive, is_positive.mean(), 1 - is_positive.mean())
        return area + (placed - area) / share

    def weighted(self, targets: np.ndarray, array: np.ndarray) -> Weighted:
        """To first order in the weights.

        A row's placement is the share of the other side it is right about (DeLong et al., 1988).
        The area is the mean placement of either side, so that resampling is a matrix product.
        """
        is_positive, scores = self.orders(targets, array)
        sides = [is_positive.astype(np.float64), 1.0 - is_positive]
        pairs = zip(is_positive.T, scores.T, strict=True)
        placed = np.stack([placements(*pair) for pair in pairs], 1)
        parts = [(side * placed, side) for side in sides]
        with np.errstate(invalid="ignore"):  # 0 / 0 where a class has no rows: NaN, as it should be
            areas = parts[0][0].sum(0) / sides[0].sum(0)

        def mean_area(weights: np.ndarray) -> np.ndarray:
            with np.errstate(invalid="ignore"):
                halves = [weights @ part / (weights @ side) for part, side in parts]
            # U = E[placement | positive] = E[placement | negative]; to first order in the weights
            # both halves add their deviation from the area
            return mean_where_defined(halves[0] + halves[1] - areas)

        return mean_area


@dataclass(frozen=True, kw_only=True)
class AveragePrecision(MeanOrder):
    """Average precision: the sum over thresholds of precision times the rise of recall."""

    def evaluate(self, targets: np.ndarray, array: np.ndarray) -> float:
        """The mean over orders with positives."""
        orders = self.orders(targets, array)
        parts = [
            _precisions(side, values)[0]
            for side, values in zip(*(part.T for part in orders), strict=True)
            if side.any()
        ]
        return float(np.mean(parts)) if parts else np.nan

    def linearise(self, is_positive: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
        """The value and n times its derivative by each row's weight."""
        if not is_positive.any():
            return None
        value, slopes = _precisions(is_positive, scores)
        return value + len(scores) * slopes

    def weighted(self, targets: np.ndarray, array: np.ndarray) -> Weighted:
        """To first order in the weights, over the orders with positives of positive weight."""
        is_positive, scores = self.orders(targets, array)
        pairs = zip(is_positive.T, scores.T, strict=True)
        parts = [self.linearise(*pair) for pair in pairs]
        nothing = np.full(len(targets), np.nan)
        table = np.stack([nothing if part is None else part for part in parts], axis=1)
        side = is_positive.astype(np.float64)

        def mean_precision(weights: np.ndarray) -> np.ndarray:
            values = weights @ table / weights.sum(1, keepdims=True)
            return mean_where_defined(np.where(weights @ side > 0, values, np.nan))

        return mean_precision


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


def _precisions(is_positive: np.ndarray, scores: np.ndarray) -> tuple[float, np.ndarray]:
    """(average precision, its derivatives by the rows' weights float64 [n]), with positives.

    The value is sum_g t_g T_g / N_g over sum_g t_g, with t_g positives tied at the g-th threshold,
    and T_g positives among N_g rows at or above it.
    """
    _, place, rows = np.unique(-scores, return_inverse=True, return_counts=True)
    tied = np.bincount(place, weights=is_positive, minlength=len(rows))
    above, positives = rows.cumsum(), tied.sum()
    precision = tied.cumsum() / above
    value = (tied * precision).sum() / positives
    gain = (tied / above)[::-1].cumsum()[::-1]  # of a positive at g, in precision from g on
    cost = (tied * precision / above)[::-1].cumsum()[::-1]  # of any row at g
    slopes = is_positive * (precision - value + gain)[place] - cost[place]
    return float(value), slopes / positives


def reciprocal_ranks(k: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """From labels int64 [n] and float [n, c] to 1 / rank of the label, 0 beyond the k-th: [n]."""

    def rows(labels: np.ndarray, array: np.ndarray) -> np.ndarray:
        ranks = label_ranks(labels, array)
        return np.where(ranks < k, 1 / (ranks + 1), 0.0)

    return rows


def is_among(k: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """From labels int64 [n] and float [n, c] to 1 for a label among the k most probable: [n].

    NaN where there are k classes or fewer: every label is among them.
    """

    def rows(labels: np.ndarray, array: np.ndarray) -> np.ndarray:
        hits = (label_ranks(labels, array) < k).astype(np.float64)
        return hits if k < array.shape[1] else np.full(len(labels), np.nan)

    return rows


AUC = Area(name="auc", kind="classes", orders=one_against_rest)
MEAN_AUC = Area(name="mean_auc", kind="columns", orders=each_column)
AVERAGE_PRECISION = AveragePrecision(
    name="average_precision", kind="classes", orders=one_against_rest
)
MEAN_AVERAGE_PRECISION = AveragePrecision(
    name="mean_average_precision", kind="columns", orders=each_column
)


def map_at(k: int) -> RowMean:
    """Mean average precision of the k most probable classes; a row has one true class."""
    return RowMean(name=f"map@{k}", kind="classes", rows=reciprocal_ranks(k))


def top_at(k: int) -> RowMean:
    """The share of rows whose class is among the k most probable."""
    return RowMean(name=f"top@{k}", kind="classes", rows=is_among(k))
