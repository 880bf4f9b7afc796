"""Categories and numbers beside a sequence, as tokens that name their column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seqblend.data.sequences import COLUMN_MARK
from seqblend.reading.column_roles import to_number
from seqblend.reading.kinds import plain_number
from seqblend.reading.tables import RawTable

_BINS = 10  # quantiles of a number


def column_token(column: str) -> str:
    """The token that says which column follows; no cell contains it."""
    return f"{COLUMN_MARK}{column}{COLUMN_MARK}"


def value_token(column: str, value: str) -> str:
    """The token of a column's value."""
    return f"{COLUMN_MARK}{column}={value}"


@dataclass(frozen=True)
class Features:
    """Functions from a row's cells to tokens, one for each column."""

    columns: dict[str, Callable[[str], str]]

    def tokens(self, table: RawTable, row: int) -> list[str]:
        """The row's tokens; an empty cell has none."""
        found = []
        for name, to_token in self.columns.items():
            cell = table.columns[name][row] if name in table.columns else ""
            if isinstance(cell, str) and cell.strip():
                found.append(to_token(cell.strip()))
        return found


def make_features(categories: list[str], numbers: list[str], train: RawTable) -> Features:
    """Tokens for categories, and for numbers by the tenth of the training values they are in."""
    columns: dict[str, Callable[[str], str]] = {
        name: lambda cell, name=name: value_token(name, plain_number(cell)) for name in categories
    }
    for name in numbers:
        columns[name] = _binner(name, train.texts(name))
    return Features(columns)


def _binner(name: str, cells: list[str]) -> Callable[[str], str]:
    values = np.array([v for cell in cells if (v := to_number(cell)) is not None])
    places = np.linspace(0, 1, _BINS + 1)[1:-1]
    edges = np.unique(np.quantile(values, places)) if len(values) else values

    def to_token(cell: str) -> str:
        value = to_number(cell)
        place = "?" if value is None else str(int(np.searchsorted(edges, value, side="right")))
        return value_token(name, place)

    return to_token
