"""Cut points on the expected grade, fitted to a metric of predicted grades."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seqblend.evaluation.confusion import Counts
from seqblend.evaluation.metrics import counts_formula

PLACES = 500  # where a cut may be: between so many equal shares of the rows
ROUNDS = 20  # times that every cut is moved, at most
_MOVED = 0.5 + 1e-6  # a little more than half: no tie where all probability is on another grade


def expected_grades(array: np.ndarray) -> np.ndarray:
    """float64 [n]: sum of k p_k, of probabilities float [n, c]."""
    return array.astype(np.float64) @ np.arange(array.shape[1], dtype=np.float64)


def apply_cut_points(array: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """float64 [n, c]: half of each row's probability moved to its grade, now the most probable.

    array: probabilities float [n, c]; cuts: float64 [c - 1], ascending; the grade is how many of
        them the expected grade reaches
    """
    grades = np.searchsorted(cuts, expected_grades(array), side="right")
    return (1 - _MOVED) * array.astype(np.float64) + _MOVED * np.eye(array.shape[1])[grades]


def fit_cut_points(metric: str, array: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [c - 1]: ascending cut points on the expected grade that maximise the metric.

    metric: one of predicted classes; array: probabilities float [n, c], labels: int64 [n]
    One cut after the other takes the best place between its neighbours until none moves, from two
    starts: halfway between grades, and where as many rows get each grade as have it. Places are
    between neighbouring values, at most PLACES of them with equal shares of rows. Two equal cuts
    leave out a grade. With rows of one grade alone all cuts are halfway.
    """
    c = array.shape[1]
    halfway = np.arange(c - 1) + 0.5
    if len(labels) == 0 or np.ptp(labels) == 0:
        return halfway
    grades = expected_grades(array)
    places = _places(grades, c)
    table = _Table.count(grades, labels, places, c)
    below_halfway = np.searchsorted(np.sort(grades), halfway)
    below_grades = np.bincount(labels, minlength=c).cumsum()[:-1]
    formula, best = counts_formula(metric), None
    for rows in (below_halfway, below_grades):
        value, cuts = _climb(formula, table, np.searchsorted(table.rows_below, rows))
        if best is None or value > best[0]:
            best = value, cuts
    return places[best[1]]


def _places(grades: np.ndarray, c: int) -> np.ndarray:
    """float64 [p]: below all, between neighbouring values or quantiles of them, and above all."""
    values = np.unique(grades)
    if len(values) > PLACES:
        shares = np.linspace(0, 1, PLACES)
        values = np.unique(np.quantile(grades, shares, method="inverted_cdf"))
    return np.concatenate([[-0.5], (values[1:] + values[:-1]) / 2, [c - 0.5]])


@dataclass(frozen=True)
class _Table:
    """How many rows of each class have an expected grade below each place.

    below: float64 [p, c]
    """

    below: np.ndarray

    @classmethod
    def count(cls, grades: np.ndarray, labels: np.ndarray, places: np.ndarray, c: int) -> _Table:
        """Of expected grades float64 [n] and labels int64 [n]."""
        place = np.searchsorted(places, grades, side="right")  # 1 ... p - 1
        counts = np.bincount(place * c + labels, minlength=len(places) * c).reshape(-1, c)
        return cls(counts.cumsum(axis=0).astype(np.float64))

    @property
    def rows_below(self) -> np.ndarray:
        """float64 [p]: of all classes."""
        return self.below.sum(axis=1)

    def counts(self, cuts: np.ndarray) -> Counts:
        """Of cuts int64 [r, c - 1], positions of places."""
        r, c = len(cuts), self.below.shape[1]
        ends = np.concatenate(
            [np.zeros((r, 1, c)), self.below[cuts], np.broadcast_to(self.below[-1], (r, 1, c))],
            axis=1,
        )
        matrices = np.diff(ends, axis=1)  # [r, grade, class]
        k = np.arange(c, dtype=np.float64)
        return Counts(
            np.einsum("rkk->rk", matrices),
            matrices.sum(axis=1),
            matrices.sum(axis=2),
            matrices @ k @ k,
        )


def _climb(
    formula: Callable[[Counts], np.ndarray], table: _Table, cuts: np.ndarray
) -> tuple[float, np.ndarray]:
    """(value, cuts int64 [c - 1]) from where no single cut moves; -inf where undefined."""
    last = len(table.below) - 1
    value = _values(formula, table, cuts[None])[0]
    for _ in range(ROUNDS):
        before = value
        for j in range(len(cuts)):
            low = cuts[j - 1] if j else 0
            high = cuts[j + 1] if j + 1 < len(cuts) else last
            tried = np.tile(cuts, (high - low + 1, 1))
            tried[:, j] = np.arange(low, high + 1)
            values = _values(formula, table, tried)
            if values.max() > value:
                value, cuts = values.max(), tried[values.argmax()]
        if value == before:
            break
    return float(value), cuts


def _values(formula: Callable[[Counts], np.ndarray], table: _Table, cuts: np.ndarray) -> np.ndarray:
    """float64 [r]: the metric of each row of cuts, -inf where undefined."""
    values = formula(table.counts(cuts))
    return np.where(np.isnan(values), -np.inf, values)
