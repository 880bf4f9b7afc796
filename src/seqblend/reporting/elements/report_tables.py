"""The report's tables: columns with a kind and rows of raw values; CSV text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from seqblend.reporting.elements.style import clean

NOTHING = ""  # a cell that does not apply; None is a value that is undefined


@dataclass(frozen=True)
class Column:
    """key: in the CSV; title: on the page.

    kind: text, score, bar, signed, count, seconds or epochs
    """

    key: str
    title: str
    kind: str = "text"
    help: str = ""


@dataclass(frozen=True)
class ReportTable:
    """rows: one raw value per column: text, a number, None (undefined) or NOTHING."""

    columns: tuple[Column, ...]
    rows: list[list[Any]]

    def without(self, *keys: str) -> ReportTable:
        """The same without these columns."""
        kept = [i for i, column in enumerate(self.columns) if column.key not in keys]
        rows = [[row[i] for i in kept] for row in self.rows]
        return ReportTable(tuple(self.columns[i] for i in kept), rows)

    def frame(self) -> pd.DataFrame:
        """The raw values by the columns' keys, for a CSV."""
        return pd.DataFrame(self.rows, columns=[column.key for column in self.columns])

    def shown(self) -> list[list[str]]:
        """Every cell as text."""
        return [
            [show(value, column.kind) for value, column in zip(row, self.columns, strict=True)]
            for row in self.rows
        ]


def text_table(names: Iterable[str], rows: list[list[str]]) -> ReportTable:
    """A table of texts whose columns are called by their keys."""
    return ReportTable(tuple(Column(name, name) for name in names), rows)


def table_of(values: dict[Column, Iterable[Any]]) -> ReportTable:
    """A table of whole columns, all of one length."""
    return ReportTable(tuple(values), [list(row) for row in zip(*values.values(), strict=True)])


_FORMS = {
    "score": "{:.4f}",
    "bar": "{:.4f}",
    "signed": "{:+.4f}",
    "seconds": "{:,.1f} s",
    "epochs": "{:.3g}",
    "count": "{:,.0f}",
}


def show(value: Any, kind: str) -> str:
    """One value as text: 4 places for scores, `undefined` for None and NaN."""
    if isinstance(value, str):
        return clean(value) if value != NOTHING or kind == "text" else "–"
    if value is None or not math.isfinite(value):
        return "undefined"
    return _FORMS[kind].format(round(value, 4) + 0.0)  # adding 0 turns -0 into 0


def to_csv(frame: pd.DataFrame) -> str:
    """RFC 4180 text, numbers to 8 places; text that a spreadsheet would run is defused."""
    cells = frame.map(lambda cell: defuse(cell) if isinstance(cell, str) else _number(cell))
    return cells.rename(columns=defuse).to_csv(index=False, lineterminator="\n")


def defuse(text: str) -> str:
    """Printable text that no spreadsheet takes for a formula."""
    kept = clean(text)
    return f"'{kept}" if kept.startswith(("=", "+", "-", "@")) else kept


def _number(value: Any) -> str:
    if value is None or not math.isfinite(value):
        return "undefined"
    return str(int(value)) if float(value).is_integer() else repr(round(float(value), 8))
