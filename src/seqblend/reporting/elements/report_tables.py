"""The report's tables: columns with a kind and rows of raw values; CSV text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from seqblend.evaluation.metrics import has_unit
from seqblend.evaluation.score_text import format_score
from seqblend.reporting.elements.style import clean

_OF_ANY_SIZE = ("number", "signed_number")  # kinds
_EXACT = "of_any_size"  # the attribute of a frame that names such columns
NOTHING = ""  # a cell that does not apply; None is a value that is undefined


@dataclass(frozen=True)
class Column:
    """key: in the CSV; title: on the page.

    kind: text, score, bar, signed, count, seconds, epochs, or number and signed_number, which are
        scores of any size
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
        frame = pd.DataFrame(self.rows, columns=[column.key for column in self.columns])
        frame.attrs[_EXACT] = [c.key for c in self.columns if c.kind in _OF_ANY_SIZE]
        return frame

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


_SCORES: dict[str, dict[str, bool]] = {  # kind: how format_score writes it
    "score": {},
    "bar": {},
    "signed": {"is_signed": True},
    "number": {"has_unit": True},
    "signed_number": {"has_unit": True, "is_signed": True},
}
_FORMS = {
    "seconds": "{:,.1f} s",
    "epochs": "{:.3g}",
    "count": "{:,.0f}",
}


def show(value: Any, kind: str) -> str:
    """One value as text: scores as format_score has them, `undefined` for None and NaN."""
    if isinstance(value, str):
        return clean(value) if value != NOTHING or kind == "text" else "–"
    if value is None or not math.isfinite(value):
        return "undefined"
    is_of_any_size = kind in _OF_ANY_SIZE
    value = (value if is_of_any_size else round(value, 4)) + 0.0  # adding 0 turns -0 into 0
    return format_score(value, **_SCORES[kind]) if kind in _SCORES else _FORMS[kind].format(value)


def score_kind(metric: str, *, is_signed: bool = False) -> str:
    """The kind of a column of a metric's scores, or of differences of them."""
    plain, of_any_size = ("signed", "signed_number") if is_signed else ("score", "number")
    return of_any_size if has_unit(metric) else plain


def to_csv(frame: pd.DataFrame) -> str:
    """RFC 4180 text; text that a spreadsheet would run is defused.

    Numbers to 8 places, those of any size to 9 significant digits.
    """
    exact = frame.attrs.get(_EXACT, [])
    rows = [
        [
            _csv_cell(cell, is_exact=name in exact)
            for name, cell in zip(frame.columns, row, strict=True)
        ]
        for row in frame.itertuples(index=False)
    ]
    cells = pd.DataFrame(rows, columns=[defuse(name) for name in frame.columns])
    return cells.to_csv(index=False, lineterminator="\n")


def defuse(text: str) -> str:
    """Printable text that no spreadsheet takes for a formula."""
    kept = clean(text)
    return f"'{kept}" if kept.startswith(("=", "+", "-", "@")) else kept


def _csv_cell(cell: Any, *, is_exact: bool) -> str:
    if isinstance(cell, str):
        return defuse(cell)
    if cell is None or not math.isfinite(cell):
        return "undefined"
    if is_exact:
        return f"{cell:.9g}"
    return str(int(cell)) if float(cell).is_integer() else repr(round(float(cell), 8))
