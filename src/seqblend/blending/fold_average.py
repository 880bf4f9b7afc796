"""Test predictions as a mean over folds: what a blend makes of each fold's fits, averaged."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from seqblend.blending.methods import Blend
from seqblend.blending.selection import BlendResult
from seqblend.core.seeds import rng_for
from seqblend.evaluation.metrics import score
from seqblend.evaluation.resampling import standard_error
from seqblend.tasks.likely_targets import LikelyTargets

ENOUGH = 20_000  # test rows that the gain is estimated on
LABELS = 200_000  # rows of targets drawn for it, over all draws,
MOST_DRAWS = 100  # of which there are at most so many
LEAST_DRAWS = 5


@dataclass(frozen=True)
class Gain:
    """By how much a score is higher (the metric's own direction) for a mean than for single fits.

    error: its standard error, of the drawn targets
    """

    mean: float
    error: float


@dataclass(frozen=True)
class FoldAverage:
    """A blend's predictions of test rows.

    fits: float32 [k, n, c], of each fold, before decisions are adjusted
    test: float32 [n, c], their mean, sharpened and adjusted: what is submitted
    sharpening: the temperature that the mean's logits were divided by, at most 1
    gain: of `test` over a single fold's predictions, in the metric; None where it is undefined
    """

    fits: np.ndarray
    test: np.ndarray
    sharpening: float
    gain: Gain | None


def average_folds(
    result: BlendResult, metric: str, targets: np.ndarray, stacks: Iterable[np.ndarray]
) -> FoldAverage:
    """The mean over folds of the blend of each fold's fits.

    targets: n train rows, as the task has them
    stacks: for each fold, float [m, n_test, c], its members' predictions of the test rows

    Blending before averaging keeps the weights on the kind of predictions that they were fitted to:
    means over folds are less sure. A loss that is convex, such as log loss, is then never above the
    folds' mean loss. Metrics of predicted classes have the adjustment applied to the mean.
    """
    blend, task = result.blend, result.blend.task
    is_loss = metric == task.loss_metric
    fits = np.stack([blend_fit(blend, metric, stack) for stack in stacks])
    some = fits[:, :: max(fits.shape[1] // ENOUGH, 1)]
    oof = result.believed(metric)
    known = np.isfinite(oof).all(axis=1)
    likely = task.likely_targets(some, targets[known], oof[known])
    sharpening = likely.sharpening if is_loss else 1.0
    finish = partial(finish_mean, blend, metric, sharpening=sharpening)
    singles = some if is_loss or blend.adjustment is None else np.stack(list(map(finish, some)))
    gain = estimate_gain(metric, likely, finish(some.mean(axis=0)), singles)
    return FoldAverage(fits, finish(fits.mean(axis=0)), sharpening, gain)


def blend_fit(blend: Blend, metric: str, stack: np.ndarray) -> np.ndarray:
    """float32 [n, c]: the blend of one fold's fits, before decisions are adjusted.

    stack: float [m, n, c]
    """
    if metric != blend.task.loss_metric:
        blend = dataclasses.replace(blend, adjustment=None)
    return blend.apply(stack).astype(np.float32)


def finish_mean(blend: Blend, metric: str, mean: np.ndarray, *, sharpening: float) -> np.ndarray:
    """float32 [n, c]: the mean over folds, float32 [n, c], sharpened and adjusted."""
    mean = blend.task.normalise(mean)
    if metric == blend.task.loss_metric or blend.adjustment is None:
        return blend.task.apply_temperature(mean, sharpening)
    return blend.adjustment.apply(mean.astype(np.float64)).astype(np.float32)


def estimate_gain(
    metric: str, likely: LikelyTargets, mean: np.ndarray, fits: np.ndarray
) -> Gain | None:
    """The mean's score less that of single fits, on targets drawn for the rows.

    mean: float [n, c]; fits: float [k, n, c]; None where the metric is never defined
    """
    draws = int(np.clip(LABELS // max(len(mean), 1), LEAST_DRAWS, MOST_DRAWS))
    rng, gains = rng_for(0, "targets of test rows"), []
    for _ in range(draws):
        targets = likely.draw(rng)
        whole = score(metric, targets, mean)
        singles = [score(metric, targets, fit) for fit in fits]
        if whole is not None and None not in singles:
            gains.append(whole - np.mean(singles))
    if not gains:
        return None
    return Gain(float(np.mean(gains)), standard_error(np.array(gains)))
