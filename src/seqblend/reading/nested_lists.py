"""Spreads columns of nested lists: a step's values, or an event's fields, get a column each."""

from __future__ import annotations

import ast
import contextlib
import json
import re
from itertools import chain
from typing import Any

_NESTED = re.compile(r"\s*[\[(]\s*[\[({]")
_EMPTY = ("[]", "()")
_WIDEST = 5_000  # values of a step


def spread(name: str, values: list[Any]) -> dict[str, list[list[Any]]] | None:
    """Columns `name[k]` of lists of vectors, or `name.key` of lists of objects, a list a row each.

    values: a list for each row, None where it has none. Of vectors, the axis whose size is always
        the same is that of the columns; of two such ones the shorter
    returns: None where the members are not all vectors of one size, or objects, of plain values
    """
    rows = [value if value is not None else [] for value in values]
    if not all(isinstance(row, (list, tuple)) for row in rows):
        return None
    members = list(chain(*rows))
    if members and all(isinstance(member, dict) for member in members):
        keys = list(dict.fromkeys(key for member in members for key in member))
        if any(_is_nested(value) for member in members for value in member.values()):
            return None
        return {f"{name}.{key}": [[step.get(key) for step in row] for row in rows] for key in keys}
    if not members or not all(isinstance(member, (list, tuple)) for member in members):
        return None
    if any(_is_nested(value) for member in members for value in member):
        return None
    widths, counts = {len(member) for member in members}, {len(row) for row in rows if row}
    by_steps = len(widths) == 1 and (len(counts) > 1 or max(widths) <= max(counts))
    if not by_steps and len(counts) > 1:
        return None
    width = max(widths if by_steps else counts)
    if not 0 < width <= _WIDEST:
        return None
    return {
        f"{name}[{k}]": [_part(row, k, by_steps=by_steps) for row in rows] for k in range(width)
    }


def spread_texts(name: str, cells: list[Any]) -> dict[str, list[list[str]]] | None:
    """The same of cells that are written as JSON or Python writes nested lists.

    returns: None also where a cell is something else
    """
    filled = [cell for cell in cells if cell and not (isinstance(cell, str) and cell in _EMPTY)]
    if not filled or not all(isinstance(cell, str) and _NESTED.match(cell) for cell in filled):
        return None
    try:
        found = spread(name, [_parse(cell) if cell else None for cell in cells])
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    return found and {
        key: [["" if value is None else str(value) for value in row] for row in rows]
        for key, rows in found.items()
    }


def _part(row: list[Any], k: int, *, by_steps: bool) -> list[Any]:
    """A row's column k."""
    if by_steps:
        return [step[k] for step in row]
    return list(row[k]) if row else []


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict, set))


def _parse(cell: str) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(cell, parse_int=str, parse_float=str)
    return ast.literal_eval(cell.strip())
