"""What a configuration gains over another in log loss, with its 95 % interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from seqblend.tuning.course import Rules, whole
from seqblend.tuning.study import DEFAULT

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


def gain_of_shards(rules: Rules) -> Gain | None:
    """The best trial's gain over the default so far, by paired shards; it flatters the best."""
    best = rules.best()
    default = next((t for t in whole(rules.study) if t.user_attrs["role"] == DEFAULT), None)
    if best is None or default is None or best.number == default.number:
        return None
    before, after = (np.concatenate(t.user_attrs["shards"]) for t in (default, best))
    return paired_gain(before, after, training_noise(rules))


def training_noise(rules: Rules) -> float:
    """Standard deviation of a mean over folds that another seed makes; 0 until it is measured."""
    noise = rules.noise()
    return noise[0] / math.sqrt(rules.folds) if noise else 0.0
