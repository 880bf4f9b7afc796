"""95 % intervals: from a standard error, of a share (Wilson), and from bootstrap draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Z_95 = 1.959964  # 97.5 % quantile of the normal distribution: two-sided 5 % test, 95 % interval


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def normal(cls, value: float, error: float) -> Estimate:
        """From a standard error."""
        half = Z_95 * error
        return cls(float(value), float(value - half), float(value + half))

    @classmethod
    def share(cls, part: int, n: int) -> Estimate:
        """The share part / n, with Wilson's interval; `n` must be at least 1."""
        low, high = wilson_interval(np.array(part), np.array(n))
        return cls(part / n, float(low), float(high))

    def text(self, digits: int = 2) -> str:
        """
        >>> Estimate(1.234, 1.2, 1.27).text()
        '1.23 (95 % interval 1.20 to 1.27)'
        """
        value, low, high = (f"{each:.{digits}f}" for each in (self.value, self.low, self.high))
        return f"{value} (95 % interval {low} to {high})"

    def percent(self) -> str:
        """
        >>> Estimate(0.0123, 0.011, 0.0136).percent()
        '1.23 % (95 % interval 1.10 to 1.36)'
        """
        value, low, high = (f"{100 * each:.2f}" for each in (self.value, self.low, self.high))
        return f"{value} % (95 % interval {low} to {high})"


def wilson_interval(right: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of the share `right / n`: float64 low, high of the same shape.

    Wilson (1927): stays inside 0..1 and keeps its coverage for few rows. `n` must be at least 1.
    """
    z2 = Z_95**2
    share = right / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def central_95(draws: np.ndarray) -> tuple[float, float] | None:
    """The central 95 % of bootstrap draws float64 [r]; None where no draw is defined."""
    if not np.isfinite(draws).any():
        return None
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(low), float(high)
