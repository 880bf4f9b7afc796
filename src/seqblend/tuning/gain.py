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
    """How much less the log loss is, and the 95 % interval of that."""

    mean: float
    low: float
    high: float

    @property
    def is_real(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0

    def __str__(self) -> str:
        doubt = "; it may be chance" if self.low <= 0 <= self.high else ""
        return f"{self.mean:+.4f} (95 % {self.low:+.4f} to {self.high:+.4f}{doubt})"


def paired_gain(before: np.ndarray, after: np.ndarray, noise: float = 0.0) -> Gain:
    """The gain of `after` over `before`, from losses of the same rows or shards, float64 [n].

    noise: standard deviation of the mean difference that training adds, beyond the rows' own
    """
    differences = before - after
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    mean, half = float(differences.mean()), _95 * math.hypot(error, noise)
    return Gain(mean, mean - half, mean + half)


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
