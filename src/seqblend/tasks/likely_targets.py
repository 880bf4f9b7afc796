"""Targets that unlabelled rows may well have, as the fits say whose predictions are averaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seqblend.evaluation.class_predictions import clipped_logs
from seqblend.evaluation.resampling import standard_error
from seqblend.evaluation.temperature import expect_temperature


@dataclass(frozen=True)
class LikelyTargets:
    """What the targets of some rows may be.

    draw: from a generator to n rows of targets, as the task has them
    sharpening: the temperature at most 1 that is safe for the fits' mean; 1: leave it as it is
    """

    draw: Callable[[np.random.Generator], np.ndarray]
    sharpening: float = 1.0


@dataclass(frozen=True)
class MeanTemperatures:
    """By which to divide the log probabilities of a mean of fits.

    likely: for labels that are drawn from it; sharpening: at most 1, where it is submitted
    """

    likely: float
    sharpening: float


def temperatures_of_mean(fits: np.ndarray, oof: np.ndarray, losses: np.ndarray) -> MeanTemperatures:
    """The temperatures of the mean of several fits' probabilities, found without labels of theirs.

    fits: float [k, n, q, c], of q cells a row with c classes each; oof: float [m, q, c], of single
        fits on other rows; losses: float64 [m], the log losses of `oof`, means over cells

    A mean of calibrated fits is underconfident. With the right temperature single fits lose on its
    labels what they expect to, which is their entropy, and what they lose beyond that out of fold.
    The latter is shrunk by its sampling variance (James & Stein 1961, the positive part). For the
    sharpening it counts where it is above 0 alone, and with a standard error more.
    """
    entropy, variance = _surprises(oof)
    beyond = losses - entropy
    n, excess = len(beyond), float(beyond.mean())
    error = max(standard_error(beyond), float(np.sqrt(variance.mean() / n)))
    shrunk = excess * max(1 - (error / excess) ** 2, 0.0) if excess else 0.0
    expected = float(np.mean([_surprises(fit)[0].mean() for fit in fits]))
    likely = expect_temperature(fits, expected + shrunk)
    careful = expect_temperature(fits, expected + max(excess, 0.0) + error)
    return MeanTemperatures(likely, min(careful, 1.0))


def _surprises(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of a row's log loss, were labels drawn from p float [n, q, c]: float64 [n].

    The loss is a mean over cells.
    """
    logs, p = clipped_logs(p), p.astype(np.float64)
    entropy = -(p * logs).sum(axis=2)
    variance = (p * logs**2).sum(axis=2) - entropy**2
    return entropy.mean(axis=1), variance.mean(axis=1) / p.shape[1]


def draw_classes(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int64 [n]: a class for each row, drawn from its probabilities float [n, c]."""
    return (rng.random((len(p), 1)) > p[:, :-1].cumsum(axis=1)).sum(axis=1)


def likely_numbers(fits: np.ndarray, residuals: np.ndarray) -> LikelyTargets:
    """The mean of fits float [k, n, c], and for each row a residual drawn from float64 [m, c].

    Residuals are of single fits. Their mean square is the mean's and the fits' variance about it
    (Krogh & Vedelsby 1995, Neural network ensembles, cross validation, and active learning), so
    that they are drawn with the smaller variance of the mean's.
    """
    mean = fits.mean(axis=0, dtype=np.float64)
    variance = ((fits - mean) ** 2).mean(axis=(0, 1))  # [c]
    square = np.maximum((residuals**2).mean(axis=0), np.finfo(np.float64).tiny)
    scaled = residuals * np.sqrt(np.maximum(1 - variance / square, 0.0))
    return LikelyTargets(lambda rng: mean + scaled[rng.integers(0, len(scaled), len(mean))])
