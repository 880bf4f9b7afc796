"""One thing that was looked at: its figure, what that means, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from seqblend.evaluation.bootstrap import Z_95


@dataclass(frozen=True)
class Check:
    """A check of the data or of finished runs.

    name: short, such as `near duplicates`; description: what was compared, and how
    figure: the value with its interval, as it is read; value, low, high: the same as numbers
    means: what follows for the score out of fold; advice: what to do, empty where nothing is
    is_flagged: the score out of fold is no good forecast as things stand
    details: JSON-able values for the report
    """

    name: str
    description: str
    figure: str
    means: str
    advice: str = ""
    is_flagged: bool = False
    value: float | None = None
    low: float | None = None
    high: float | None = None
    details: dict[str, Any] = field(default_factory=dict)


class Interval(Protocol):
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float


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


def plain_text(figure: Interval, digits: int = 2) -> str:
    """The figure with its interval.

    >>> plain_text(Estimate(1.234, 1.2, 1.27))
    '1.23 (1.20..1.27)'
    """
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f}..{figure.high:.{digits}f})"


def share_text(figure: Interval) -> str:
    """A share in 0..1 as per cent.

    >>> share_text(Estimate(0.0123, 0.011, 0.0136))
    '1.23 % (1.10..1.36)'
    """
    value, low, high = (f"{100 * part:.2f}" for part in (figure.value, figure.low, figure.high))
    return f"{value} % ({low}..{high})"
