"""Whether probabilities mean what they say: temperature, calibration error, class weights."""

from __future__ import annotations

import numpy as np

from seqblend.logodds import LogOddsLoss
from seqblend.metrics import CLIP
from seqblend.resampling import score_margins

BINS = 15  # of confidence, all equally wide
COLDEST, HOTTEST = 0.05, 20.0  # limits of a temperature
TEMPERATURE_ROWS = 20_000  # rows that are enough for one number
OFFSETS = np.linspace(-2.0, 2.0, 41)  # log class weights that are tried
ROUNDS = 2  # times that every class is gone through
MOST_CELLS = 200_000_000  # rows x classes x classes beyond which class weights stay 1


def calibration_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean gap between confidence and accuracy over bins of confidence, weighted by rows.

    probabilities: float [n, c], labels: int64 [n]
    Source: Guo et al. 2017, On calibration of modern neural networks; 15 bins of the top class.
    """
    confidence = probabilities.max(1).astype(np.float64)
    is_right = probabilities.argmax(1) == labels
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, weights=is_right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(labels))


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of least log loss: above 1, probabilities were too sure of themselves.

    probabilities: float [n, c], labels: int64 [n]; 20,000 rows at most are looked at
    """
    sparse = slice(None, None, max(len(labels) // TEMPERATURE_ROWS, 1))
    problem = LogOddsLoss(probabilities[None, sparse], labels[sparse])
    inverse = np.ones(1)
    for _ in range(50):
        slope, curve = problem.derivatives(inverse)
        moved = inverse - slope / np.maximum(curve[0], 1e-12)
        low, high = np.maximum(inverse / 2, 1 / HOTTEST), np.minimum(inverse * 2, 1 / COLDEST)
        moved = np.clip(moved, low, high)
        if abs(moved[0] - inverse[0]) < 1e-6 * inverse[0]:
            break
        inverse = moved
    return float(1 / inverse[0])


def fit_class_weights(metric: str, probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [c]: what to multiply classes by so that the most probable one scores best.

    metric: one that sees predicted classes; probabilities: float [n, c], labels: int64 [n]
    One class after the other takes the best of 41 weights from exp(-2) to exp(2), the nearest to
    1 on ties; with two classes that is a threshold. The mean logarithm is 0.
    """
    n, c = probabilities.shape
    offsets = np.zeros(c)
    if n == 0 or n * c * c > MOST_CELLS:
        return np.ones(c)
    logs = np.log(np.clip(probabilities, CLIP, 1.0)).astype(np.float64)
    best = _best_two(logs)
    for k in [*range(c if c > 2 else 1)] * ROUNDS:
        is_own = best[0] == k
        rival = np.where(is_own, best[1], best[0])
        lead = logs[np.arange(n), rival] + offsets[rival] - logs[:, k]
        values = _score_offsets(metric, lead, rival, labels, k, c)
        equal = OFFSETS[values == np.nanmax(values)] if np.isfinite(values).any() else np.zeros(1)
        chosen = equal[np.abs(equal).argmin()]
        if chosen != offsets[k]:
            offsets[k] = chosen
            best = _best_two(logs + offsets)
    return np.exp(offsets - offsets.mean())


def _best_two(logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best and the second-best class, int64 [n] each, of logs float64 [n, c]."""
    rows, left = np.arange(len(logs)), logs.copy()
    first = logs.argmax(1)
    left[rows, first] = -np.inf
    return first, left.argmax(1)


def _score_offsets(
    metric: str, lead: np.ndarray, rival: np.ndarray, labels: np.ndarray, k: int, c: int
) -> np.ndarray:
    """float64 [len(OFFSETS)]: the metric with each offset for class k.

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
    return score_margins(metric, *(each.astype(np.float64) for each in (hit, true, guessed)))
