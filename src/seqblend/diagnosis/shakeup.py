"""Leaderboard shake-up: public against private scores, simulated from out-of-fold rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.evaluation.bootstrap import weighted_metric
from seqblend.evaluation.metrics import sign_of
from seqblend.evaluation.resampling import resampled_weights

SHARES = (0.2, 0.3, 0.5)
DRAWS = 1_000


@dataclass(frozen=True)
class ShakeUp:
    """A simulated public leaderboard on this share of the test rows.

    rows: the public ones; error: standard deviation of a public score
    gap: 95 % of public scores are within this of the private score
    flip: the probability that the better of two submissions on the public rows is worse on the
        private rows (None without a second submission)
    """

    share: float
    rows: int
    error: float
    gap: float
    flip: float | None


def forecast_shake_up(
    targets: np.ndarray,
    first: np.ndarray,
    second: np.ndarray | None,
    metric: str,
    test_rows: int,
    shares: tuple[float, ...] = SHARES,
) -> list[ShakeUp]:
    """Simulated test sets of `test_rows` out-of-fold rows, split into public and private.

    targets: n rows; first, second: float [n, c], two submissions' predictions out of fold
    Shares of so few rows that the metric is never defined on both parts are left out.
    """
    functions = [weighted_metric(metric, targets, p) for p in (first, second) if p is not None]
    found = [_forecast(functions, len(targets), metric, test_rows, share) for share in shares]
    return [one for one in found if one is not None]


def _forecast(functions: list, n: int, metric: str, test_rows: int, share: float) -> ShakeUp | None:
    """One share. Rows are drawn with replacement; public and private are independent draws."""
    rng = rng_for(0, "shake-up", round(1000 * share))
    public = max(1, round(share * test_rows))
    sides = [
        resampled_weights(rng, n, DRAWS, rows) for rows in (public, max(test_rows - public, 1))
    ]
    scores = [
        [[function(weights) for weights in pair] for function in functions]
        for pair in zip(*sides, strict=True)
    ]
    table = np.concatenate(scores, axis=2)  # [submissions, public and private, draws]
    table = table[:, :, np.isfinite(table).all(axis=(0, 1))]
    if not table.size:
        return None
    gap = float(np.quantile(np.abs(table[0, 0] - table[0, 1]), 0.95))
    flip = None
    if len(functions) == 2:
        leads = sign_of(metric) * (table[0] - table[1])
        flip = float((leads[0] * leads[1] < 0).mean())
    return ShakeUp(share, public, float(table[0, 0].std()), gap, flip)
