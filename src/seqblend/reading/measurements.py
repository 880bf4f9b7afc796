"""Real-valued steps, as of sensors, as tokens: the part of the training values that each is in.

A token such as `speed=7` says that the value lies between the 7th and the 8th of 16 quantiles of
the column's training values. A row begins with such tokens of its mean, standard deviation, least
and largest value, by tenths of the training rows': `speed mean=3`.

Source: symbolic representations of series (Lin, Keogh, Wei and Lonardi 2007, SAX), with quantiles
in place of those of a normal distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from seqblend.reading.column_roles import to_number

_STEP_BINS, _ROW_BINS = 16, 10
_SUMMARIES: dict[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean,
    "deviation": np.std,
    "least": np.min,
    "most": np.max,
}


@dataclass(frozen=True)
class Measurements:
    """A column's quantiles, fitted on the training rows.

    steps: float64 [b], ascending, between the bins of single values
    rows: the same for each summary of a row
    """

    name: str
    steps: np.ndarray
    rows: dict[str, np.ndarray]

    @classmethod
    def fit(cls, name: str, cells: Iterable[list[str]]) -> Self:
        """The quantiles of a column. cells: the steps of each training row, as text"""
        values = [_known(_numbers(steps)) for steps in cells]
        filled = [row for row in values if len(row)] or [np.zeros(1)]
        summaries = {
            what: _edges(np.array([measure(row) for row in filled]), _ROW_BINS)
            for what, measure in _SUMMARIES.items()
        }
        return cls(name, _edges(np.concatenate(filled), _STEP_BINS), summaries)

    def step_tokens(self, steps: list[str]) -> list[str]:
        """A token for each step; `?` in place of the number of one that is none."""
        values = _numbers(steps)
        places = np.searchsorted(self.steps, values, side="right").tolist()
        return [
            f"{self.name}={'?' if value != value else place}"  # NaN differs from itself
            for value, place in zip(values.tolist(), places, strict=True)
        ]

    def row_tokens(self, steps: list[str]) -> list[str]:
        """A token for each summary of the row; none where no step has a value."""
        values = _known(_numbers(steps))
        if not len(values):
            return []
        return [
            f"{self.name} {what}={int(np.searchsorted(edges, _SUMMARIES[what](values), 'right'))}"
            for what, edges in self.rows.items()
        ]


def _numbers(steps: list[str]) -> np.ndarray:
    """float64 [t]: the numbers, NaN for what is none."""
    try:
        return np.array(steps, dtype=np.float64)
    except ValueError:
        values = (to_number(step) for step in steps)
        return np.array([np.nan if value is None else value for value in values], np.float64)


def _known(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _edges(values: np.ndarray, bins: int) -> np.ndarray:
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
