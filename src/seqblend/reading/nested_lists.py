"""Spreads columns of nested lists: a step's values, or an event's fields, get a column each.

`x[:, 2]` holds the third value of each step of x, `x[2]` its third series, `x.price` the price of
each event. The names tell how another table has to be read to have the same columns.
"""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

_NESTED = re.compile(r"\s*[\[(]\s*[\[({]")
_PART = re.compile(r"(.*)(?:\[(:, )?(\d+)\]|\.([^.]+))", re.DOTALL)
_NO_NUMBER = re.compile(r"(?<=[\[(,{:\s])-?(?:nan|inf|NaN|Infinity|NaT|null)(?=[\s,\])}])")
_EMPTY = ("", "[]", "()", [])
_MOST = 1_000  # columns

Rows = list[Any]  # a list for each row, None where it has none


@dataclass(frozen=True)
class Spread:
    """How a column was spread.

    axis: `steps` where a row is a list of vectors, `series` where it is a list of whole series,
        `events` where it is a list of objects
    keys: of the objects, else the vectors' places
    """

    axis: str
    keys: tuple[Any, ...]

    def names(self, name: str) -> list[str]:
        """The names of the columns."""
        form = {"steps": "{}[:, {}]", "series": "{}[{}]", "events": "{}.{}"}[self.axis]
        return [form.format(name, key) for key in self.keys]

    def columns(self, name: str, rows: Rows) -> dict[str, list[list[Any]]] | None:
        """The columns of rows, a list a row each; None where these have another form."""
        rows = [[] if row in _EMPTY or row is None else row for row in rows]
        if self.axis == "series":
            rows = [row or [[]] * len(self.keys) for row in rows]
            if any(len(row) != len(self.keys) for row in rows):
                return None
            parts = [[list(row[key]) for row in rows] for key in self.keys]
        elif self.axis == "steps":
            if any(len(step) != len(self.keys) for row in rows for step in row):
                return None
            parts = [[[step[key] for step in row] for row in rows] for key in self.keys]
        else:
            parts = [[[step.get(key) for step in row] for row in rows] for key in self.keys]
        return dict(zip(self.names(name), parts, strict=True))


def find_spread(rows: Rows) -> Spread | None:
    """How rows can be spread; None where they are no lists of vectors, or of plain objects.

    The axis whose size is always the same is that of the columns; of two such ones the shorter.
    """
    rows = [[] if row is None else row for row in rows]
    if not all(isinstance(row, (list, tuple)) for row in rows):
        return None
    members = list(chain(*rows))
    if members and all(isinstance(member, dict) for member in members):
        keys = dict.fromkeys(key for member in members for key in member)
        is_plain = not any(_is_nested(value) for member in members for value in member.values())
        return Spread("events", tuple(keys)) if is_plain and 0 < len(keys) <= _MOST else None
    if not members or not all(isinstance(member, (list, tuple)) for member in members):
        return None
    if any(_is_nested(value) for member in members for value in member):
        return None
    widths, counts = {len(member) for member in members}, {len(row) for row in rows if row}
    by_steps = len(widths) == 1 and (len(counts) > 1 or max(widths) <= max(counts))
    if not by_steps and len(counts) > 1:
        return None
    places = tuple(range(max(widths if by_steps else counts)))
    return Spread("steps" if by_steps else "series", places) if 0 < len(places) <= _MOST else None


def spread_columns(columns: Mapping[str, Rows]) -> dict[str, Rows]:
    """The columns, those of nested lists spread where they can be.

    Cells are lists, or texts as JSON or Python writes lists.
    """
    found: dict[str, Rows] = {}
    for name, cells in columns.items():
        rows = _nested_rows(cells)
        spread = None if rows is None else find_spread(rows)
        if spread is None or not columns.keys().isdisjoint(spread.names(name)):
            found[name] = cells
        else:
            found |= spread.columns(name, rows)
    return found


def align_spread(columns: Mapping[str, Rows], known: Collection[str]) -> dict[str, Rows]:
    """Another table's columns, spread as those with known names were."""
    found, missing = dict(columns), _spreads(known)
    for name in [n for n, spread in missing.items() if columns.keys() >= {*spread.names(n)}]:
        del missing[name]
    lists = [name for name in columns if missing and _holds_lists(columns[name])]
    present = _spreads(lists)
    for name, spread in missing.items():
        own = present.get(name)
        if own is not None and (own.axis == "events") == (spread.axis == "events"):
            names = own.names(name)
            rows = _gather(own, [columns[each] for each in names])
        elif name in columns and all(cell in _EMPTY for cell in columns[name]):
            names, rows = [name], [[]] * len(columns[name])
        else:
            continue
        parts = spread.columns(name, rows)
        if parts is not None:
            found = {key: cells for key, cells in found.items() if key not in names} | parts
    return found


def _holds_lists(cells: Rows) -> bool:
    return all(isinstance(cell, list) for cell in cells)


def _spreads(names: Collection[str]) -> dict[str, Spread]:
    """{column: how it was spread}, by the names that it left."""
    keys: dict[tuple[str, str], list[Any]] = {}
    for name in names:
        if match := _PART.fullmatch(name):
            base, is_step, place, key = match.groups()
            axis = "events" if key else "steps" if is_step else "series"
            keys.setdefault((base, axis), []).append(key or int(place))
    return {
        base: Spread(axis, tuple(found))
        for (base, axis), found in keys.items()
        if axis == "events" or found == list(range(len(found)))
    }


def _gather(spread: Spread, parts: list[Rows]) -> Rows:
    """The rows that were spread into these columns."""
    if spread.axis == "series":
        return [list(row) if any(row) else [] for row in zip(*parts, strict=True)]
    steps = [zip(*row, strict=True) for row in zip(*parts, strict=True)]
    if spread.axis == "steps":
        return [list(map(list, row)) for row in steps]
    return [[dict(zip(spread.keys, step, strict=True)) for step in row] for row in steps]


def _nested_rows(cells: Rows) -> Rows | None:
    """The lists of cells that are, or write, nested lists; None where some do not."""
    filled = [cell for cell in cells if cell is not None and cell not in _EMPTY]
    if all(isinstance(cell, (list, tuple)) for cell in filled):
        return cells if any(_is_nested(value) for cell in filled for value in cell) else None
    if not all(isinstance(cell, str) and _NESTED.match(cell) for cell in filled):
        return None
    try:
        return [None if cell is None or cell in _EMPTY else _parse(cell) for cell in cells]
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict, set))


def _parse(cell: str) -> Any:
    """What a cell writes; numbers as text, None for what is no number."""
    with contextlib.suppress(ValueError):
        return _texts(json.loads(cell, parse_int=str, parse_float=str))
    return _texts(ast.literal_eval(_NO_NUMBER.sub("None", cell.strip())))


def _texts(value: Any) -> Any:
    """The value with texts in place of numbers."""
    if isinstance(value, (list, tuple)):
        return [_texts(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _texts(each) for key, each in value.items()}
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number else value
