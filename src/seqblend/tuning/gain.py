"""The gain of one configuration over another in log loss, with its 95 % interval."""

from __future__ import annotations

import math

import numpy as np
from optuna.trial import FrozenTrial

from seqblend.evaluation.paired import PairedDifference, compare_losses
from seqblend.tuning.trial_run import Rules, default_of


def describe_gain(gain: PairedDifference, remark: str = "") -> str:
    """The gain with its interval, and a remark where it is not empty."""
    remark = remark and f"; {remark}"
    return f"{gain.mean:+.4f} (95 % {gain.low:+.4f} to {gain.high:+.4f}{remark})"


def holm_adjusted(p_values: list[float]) -> list[float]:
    """p-values of several tests, corrected for how many they are, in the given order.

    Rejecting those below a level keeps the probability of any false rejection below it, however
    the tests depend on each other (here they share the default's losses). The least is multiplied
    by the number of tests, the next by one less, and so on, and none is below a smaller one.
    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(np.argsort(p_values, kind="stable")):
        least = max(least, min((len(p_values) - rank) * p_values[i], 1.0))
        adjusted[i] = least
    return adjusted


def gain_of_shards(rules: Rules, best: FrozenTrial | None) -> PairedDifference | None:
    """A trial's gain over the default by paired shards; optimistic for the best trial."""
    default = default_of(rules.study)
    if best is None or default is None or best.number == default.number:
        return None
    pair = [t.user_attrs["shards"] for t in (default, best)]
    seen = min(map(len, pair))  # either may have been pruned
    before, after = (np.concatenate(shards[:seen]) for shards in pair)
    return compare_losses(after, before, training_std=training_noise(rules))


def training_noise(rules: Rules) -> float:
    """Standard deviation of a mean over folds due to the seed; 0 until it is measured."""
    noise = rules.noise()
    return noise[0] / math.sqrt(rules.folds) if noise else 0.0
