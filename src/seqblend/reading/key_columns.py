"""Finds the columns by which two tables belong together: equal values, whatever they are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seqblend.reading.id_columns import is_row_number, plain_number
from seqblend.reading.json_tables import Cell
from seqblend.reading.tables import RawTable

_SUFFIX = re.compile(r"\.(?:txt|csv|json|png|jpe?g|wav|xml)$", re.IGNORECASE)


def without_suffix(text: str) -> str:
    """`dir/doc_7.txt` is `doc_7`."""
    return _SUFFIX.sub("", text.strip().replace("\\", "/").rsplit("/", 1)[-1])


_FORMS: tuple[Callable[[str], str], ...] = (str, plain_number, without_suffix)


@dataclass(frozen=True)
class KeyMatch:
    """Columns of two tables with the same values, in a normal form.

    column: of the joined table; other: of the table that it is joined to
    coverage: the share of the other's distinct values that the joined table has
    is_unique: each value belongs to one row of the joined table
    """

    column: str
    other: str
    normal: Callable[[str], str]
    coverage: float
    is_unique: bool

    def rows_of(self, table: RawTable) -> dict[str, int]:
        """{value in its normal form: row} of the joined table; of several the last."""
        return {self.normal(text): row for row, text in enumerate(table.texts(self.column))}

    def keys_of(self, other: RawTable) -> list[str]:
        """The other table's values in their normal form."""
        return [self.normal(text) for text in other.texts(self.other)]


def find_keys(table: RawTable, other: RawTable, *, least: float) -> list[KeyMatch]:
    """Pairs of columns of two tables with the same values, the likeliest key first.

    The first normal form with any pair counts: as written, as numbers, without a file's suffix.
    Pairs of one name go first, then those with `id` in their names. Columns that count rows are
    keys only where they have one name, an unnamed index only of tables of one length.
    least: share of the other's distinct values that the table must have
    """
    mine, theirs = _plain(table), _plain(other)
    for normal in _FORMS:
        values = {
            (place, name): {normal(cell) for cell in each.texts(name) if cell}
            for place, (each, names) in enumerate(((table, mine), (other, theirs)))
            for name in names
        }
        pairs = [
            (column, name, values[0, column], values[1, name]) for column in mine for name in theirs
        ]
        found = [_compare(table, other, *pair, normal) for pair in pairs]
        kept = [match for match in found if match is not None and match.coverage >= least]
        if kept:
            return sorted(kept, key=lambda match: _rank(table, match))
    return []


def _rank(table: RawTable, match: KeyMatch) -> tuple[object, ...]:
    return (
        is_row_number(match.column, table.columns[match.column]),
        not match.is_unique,
        match.column.casefold() != match.other.casefold(),
        not _is_named_id(match.column, match.other),
        -match.coverage,
    )


def _compare(
    table: RawTable,
    other: RawTable,
    column: str,
    name: str,
    mine: set[str],
    theirs: set[str],
    normal: Callable[[str], str],
) -> KeyMatch | None:
    if len(mine) < 2 or not theirs:
        return None
    is_counted = is_row_number(column, table.columns[column])
    if is_counted and column.casefold() != name.casefold():
        return None
    if is_row_number(column, ()) and len(table) != len(other):
        return None  # an unnamed index says only where a row stood
    coverage = len(mine & theirs) / len(theirs)
    return KeyMatch(column, name, normal, coverage, len(mine) == len(table))


def _plain(table: RawTable) -> list[str]:
    return [
        name
        for name, cells in table.columns.items()
        if all(isinstance(cell, str) for cell in cells) and not _is_prose(cells)
    ]


def _is_prose(cells: Sequence[Cell]) -> bool:
    texts = [cell for cell in cells[:200] if isinstance(cell, str)]
    return sum(len(text.split()) for text in texts) > 3 * len(texts)


def _is_named_id(*names: str) -> bool:
    return any(re.search(r"(?:^|_|\b)(?:id|uid|key|guid)$|Id$|ID$", name) for name in names)
