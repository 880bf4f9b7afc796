"""Calibration error of probabilities, and class weights fitted to a metric."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.evaluation.class_predictions import clipped_logs, predict_classes
from seqblend.evaluation.confusion import Counts
from seqblend.evaluation.metrics import counts_formula

_BINS = 15  # of confidence, with as many rows each
OFFSETS = np.linspace(-2.0, 2.0, 41)  # log class weights that are tried
ROUNDS = 2  # times that every class is gone through
MOST_CELLS = 200_000_000  # rows x classes x classes that class weights are fitted on: 3 s


@dataclass(frozen=True)
class Reliability:
    """Rows in up to 15 bins of equal size by the probability of the class they are given.

    confidence, accuracy: float64 [bins], means; rows: int64 [bins]
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    rows: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: mean distance of the two, each bin by its rows.

        Naeini, Cooper and Hauskrecht (2015); equal sizes as in Nguyen and O'Connor (2015).
        """
        return float(np.average(np.abs(self.confidence - self.accuracy), weights=self.rows))

    @property
    def bias(self) -> float:
        """Mean confidence less accuracy: above 0 means overconfident."""
        return float(np.average(self.confidence - self.accuracy, weights=self.rows))


def measure_reliability(labels: np.ndarray, probabilities: np.ndarray) -> Reliability:
    """labels: int64 [n], at least one; probabilities: float [n, c]."""
    p = probabilities.astype(np.float64)
    return bin_reliability(p.max(1), predict_classes(p) == labels)


def bin_reliability(confidence: np.ndarray, right: np.ndarray) -> Reliability:
    """confidence: float64 [n], at least one; right: bool or 0 and 1 [n], what it is of."""
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(_BINS, len(right)))
    means = [(confidence[part].mean(), right[part].mean(), len(part)) for part in parts]
    confidence, accuracy, rows = map(np.array, zip(*means, strict=True))
    return Reliability(confidence, accuracy, rows)


def fit_class_weights(metric: str, probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [c]: factors of the classes that maximise the metric of the most probable class.

    metric: one of the confusion matrix; probabilities: float [n, c], labels: int64 [n]
    One class after the other takes the best of 41 weights from exp(-2) to exp(2), the nearest to
    1 on ties; with two classes that is a threshold. The mean logarithm is 0. They are fitted on
    evenly spaced rows where all would take too long (100,000 rows of 50 classes: on every second).
    """
    n, c = probabilities.shape
    if n == 0:
        return np.ones(c)
    step = -(-n * c * c // MOST_CELLS)  # rounded up
    probabilities, labels = probabilities[::step], labels[::step]
    offsets, rows = np.zeros(c), np.arange(len(labels))
    logs = clipped_logs(probabilities)
    first, second = _best_two(logs)
    formula = counts_formula(metric)
    for k in [*range(c if c > 2 else 1)] * ROUNDS:
        rival = np.where(first == k, second, first)
        lead = logs[rows, rival] + offsets[rival] - logs[:, k]
        values = formula(_count_offsets(lead, rival, labels, k, c))
        equal = OFFSETS[values == np.nanmax(values)] if np.isfinite(values).any() else np.zeros(1)
        chosen = equal[np.abs(equal).argmin()]
        if chosen != offsets[k]:
            offsets[k] = chosen
            first, second = _best_two(logs + offsets)
    return np.exp(offsets - offsets.mean())


def _best_two(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best and the second-best class, int64 [n] each, of logs float64 [n, c]."""
    rows, left = np.arange(len(logs)), logs.copy()
    first = logs.argmax(1)
    left[rows, first] = -np.inf
    return first, left.argmax(1)


def _count_offsets(
    lead: np.ndarray, rival: np.ndarray, labels: np.ndarray, k: int, c: int
) -> Counts:
    """The counts [len(OFFSETS)] with each offset for class k.

    lead: float64 [n], of the best other class `rival` over k without an offset
    A row goes over to k at the first offset that is larger than the lead.
    """
    turn = np.searchsorted(OFFSETS, lead, side="right")
    shape, right = (len(OFFSETS) + 1, c), rival == labels
    lost = np.bincount(turn * c + rival, minlength=shape[0] * c).reshape(shape).cumsum(0)[:-1]
    missed = np.bincount(turn[right] * c + rival[right], minlength=shape[0] * c)
    missed = missed.reshape(shape).cumsum(0)[:-1]
    guessed = np.bincount(rival, minlength=c) - lost
    guessed[:, k] += lost.sum(1)
    hit = np.bincount(rival[right], minlength=c) - missed
    won = np.bincount(turn[labels == k], minlength=shape[0]).cumsum()[:-1]
    hit[:, k] += won
    true = np.broadcast_to(np.bincount(labels, minlength=c), hit.shape)
    moved = np.bincount(turn, weights=labels * (k - rival), minlength=shape[0]).cumsum()[:-1]
    product = labels @ rival + moved
    return Counts(*(each.astype(np.float64) for each in (hit, true, guessed, product)))
