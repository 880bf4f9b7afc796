"""What a configuration gains over another in log loss, with its 95 % interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from optuna.trial import FrozenTrial

from seqblend.tuning.course import Rules, default_of

_95 = 1.959964


@dataclass(frozen=True)
class Gain:
    """How much less the log loss is, and the 95 % interval of that.

    p_value: two-sided, of the hypothesis that there is no gain; below 0.05 where the interval does
        not hold 0
    """

    mean: float
    low: float
    high: float
    p_value: float

    def __str__(self) -> str:
        return self.describe("it may be chance" if self.low <= 0 <= self.high else "")

    def describe(self, remark: str) -> str:
        """The gain with its interval, and a remark where it is not empty."""
        remark = remark and f"; {remark}"
        return f"{self.mean:+.4f} (95 % {self.low:+.4f} to {self.high:+.4f}{remark})"


def paired_gain(before: np.ndarray, after: np.ndarray, noise: float = 0.0) -> Gain:
    """The gain of `after` over `before`, from losses of the same rows or shards, float64 [n].

    noise: standard deviation of the mean difference that training adds, beyond the rows' own
    """
    differences = before - after
    mean = float(differences.mean())
    rows = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    error = math.hypot(rows, noise)
    half = _95 * error
    return Gain(mean, mean - half, mean + half, _two_sided_p_value(mean, error))


def _two_sided_p_value(mean: float, error: float) -> float:
    """Of a normal mean with this standard error, under the hypothesis that its mean is 0."""
    if error == 0:
        return 0.0 if mean else 1.0
    return math.erfc(abs(mean) / error / math.sqrt(2))


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


def gain_of_shards(rules: Rules, best: FrozenTrial | None) -> Gain | None:
    """A trial's gain over the default so far, by paired shards; it flatters the best one."""
    default = default_of(rules.study)
    if best is None or default is None or best.number == default.number:
        return None
    pair = [t.user_attrs["shards"] for t in (default, best)]
    seen = min(map(len, pair))  # either may have been given up
    before, after = (np.concatenate(shards[:seen]) for shards in pair)
    return paired_gain(before, after, training_noise(rules))


def training_noise(rules: Rules) -> float:
    """Standard deviation of a mean over folds that another seed makes; 0 until it is measured."""
    noise = rules.noise()
    return noise[0] / math.sqrt(rules.folds) if noise else 0.0
