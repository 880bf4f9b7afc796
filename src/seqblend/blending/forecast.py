"""The forecast of a blend's score on the test rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.blending.fold_average import LABELS, MOST_DRAWS, Gain
from seqblend.blending.selection import TAIL, BlendResult, clip_scores
from seqblend.core.seeds import rng_for
from seqblend.evaluation.metrics import score

DRAWS = 10_000
LEAST_MODELLED = 20  # scores on drawn targets: their standard deviation is then known to 16 %


@dataclass(frozen=True)
class Forecast:
    """The score to be expected on the test rows: its median and the central 95 %.

    gain: the part of it that averaging over folds adds to the cross-fitted score
    """

    low: float
    middle: float
    high: float
    gain: float

    def record(self) -> dict[str, float]:
        """{name: value}, for the blend's manifest and the report."""
        return {
            "forecast_low": self.low,
            "forecast_middle": self.middle,
            "forecast_high": self.high,
            "averaging_gain": self.gain,
        }


def forecast_score(
    metric: str, result: BlendResult, targets: np.ndarray, n_test: int, gain: Gain | None
) -> Forecast | None:
    """The forecast of a blend's score on so many test rows; None where the score is undefined.

    targets: n train rows, as the task has them; gain: of averaging over folds
    """
    draws = draw_forecast(metric, result, targets, n_test, gain)
    if not len(draws):
        return None
    ends = np.quantile(draws, [TAIL, 0.5, 1 - TAIL])
    return Forecast(*ends.tolist(), gain=gain.mean if gain else 0.0)


def draw_forecast(
    metric: str, result: BlendResult, targets: np.ndarray, n_test: int, gain: Gain | None
) -> np.ndarray:
    """float64 [DRAWS]: scores that the test set may have, empty where the metric is undefined.

    The cross-fitted score as its rows might have come, what averaging gains, and the luck of the
    test rows: that of the score again, with n / n_test times its variance.
    """
    known = result.resampled[np.isfinite(result.resampled)]
    if not len(known):
        return known
    rng, n = rng_for(0, "forecast"), int(np.isfinite(result.oof).all(axis=1).sum())
    own, of_test = (rng.choice(known, DRAWS) - known.mean() for _ in range(2))
    more = _add_spread(known, _model_scores(metric, result, targets))
    if len(more):
        own, of_test = (luck + rng.choice(more, DRAWS) for luck in (own, of_test))
    draws = known.mean() + own + np.sqrt(n / max(n_test, 1)) * of_test
    if gain is not None:
        draws += gain.mean + gain.error * rng.normal(size=DRAWS)
    return clip_scores(metric, draws)


def _add_spread(known: np.ndarray, modelled: np.ndarray) -> np.ndarray:
    """float64 [r], of mean 0: what resamples `known` lack of the variance of `modelled` scores.

    Resampled rows hold no mistakes but those that were seen. With few of them, such as near a
    perfect score, their number is uncertain, and the predictions know how likely others were.
    """
    modelled = modelled[np.isfinite(modelled)]
    if len(modelled) < 2 or modelled.var(ddof=1) <= known.var():
        return np.zeros(0)
    share = 1 - known.var() / modelled.var(ddof=1)
    return np.sqrt(share) * (modelled - modelled.mean())


def _model_scores(metric: str, result: BlendResult, targets: np.ndarray) -> np.ndarray:
    """float64 [r]: scores of `oof` on targets that calibrated predictions expect, or NaN."""
    rows, task = np.flatnonzero(np.isfinite(result.oof).all(axis=1)), result.blend.task
    believed, oof = result.believed(metric)[rows], result.oof[rows]
    temperature = task.fit_temperature(believed, targets[rows])[0]
    believed = task.apply_temperature(believed, temperature)
    likely = task.likely_targets(believed[None], targets[rows], believed)
    rng = rng_for(0, "targets of train rows")
    draws = int(np.clip(LABELS // len(rows), LEAST_MODELLED, MOST_DRAWS))
    scores = [score(metric, likely.draw(rng), oof) for _ in range(draws)]
    return np.array([np.nan if value is None else value for value in scores])
