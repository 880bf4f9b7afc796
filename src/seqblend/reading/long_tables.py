"""Long tables: folds a row per step into a row per sequence, its steps in order."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from seqblend.core.errors import InputError, listing
from seqblend.reading.json_tables import Cell
from seqblend.reading.tables import RawTable

STEP_WORDS = {
    *("step", "steps", "counter", "order", "position", "time", "timestamp", "t", "index", "event"),
    *("date", "datetime", "tick", "seq", "number", "turn", "frame", "offset", "rank"),
}
_TIME = re.compile(r"\d{4}-\d\d|\d\d:\d\d|\d/\d")
_UNEVEN = 0.05  # share of steps of another size than the usual one
_FEWEST_STEPS = 2.0  # mean rows per id from which they are steps, not repeated ids


@dataclass(frozen=True)
class StepOrder:
    """The column that orders the steps of a sequence; None: the order of the file.

    is_kept: whether it may tell more than the order: its steps are of several sizes
    """

    column: str | None
    why: str
    is_kept: bool = False


def are_steps(rows: int, ids: int) -> bool:
    """Whether so many rows per id are the steps of sequences."""
    return ids > 1 and rows >= _FEWEST_STEPS * ids


def find_order(table: RawTable, key: str) -> StepOrder:
    """The column whose values are numbers or times that differ within each sequence.

    Among several, one that is called like a step goes first, then one that ascends in the file.
    """
    codes, _ = pd.factorize(np.array(table.texts(key), dtype=object))
    is_grouped = (np.diff(codes) != 0).sum() == codes.max(initial=0)
    found = []
    for name, cells in table.columns.items():
        values = None if name == key else _order_values(cells)
        if values is None:
            continue
        order = np.lexsort((values, codes))
        is_same = codes[order][1:] == codes[order][:-1]
        gaps = np.diff(values[order])[is_same]
        if (gaps <= 0).any():
            continue  # two steps of a sequence have the same value
        is_named = bool(set(re.findall(r"[a-z]+", name.lower())) & STEP_WORDS)
        moves = np.diff(values)[codes[1:] == codes[:-1]]
        is_ascending = bool((moves > 0).all())
        is_ordered = is_ascending or (moves < 0).all() or _TIME.search(str(cells[0]))
        if is_grouped and not is_ordered and len(np.unique(values)) == len(values):
            continue  # ids of the steps: those of a sequence follow each other in the file
        is_uneven = bool(len(gaps) and (gaps != np.median(gaps)).mean() > _UNEVEN)
        found.append((is_named, is_ascending, is_uneven, name))
    if found:
        is_named, is_ascending, is_uneven, name = max(found, key=lambda each: each[:2])
        if is_named or is_ascending:
            return StepOrder(name, f"steps in the order of '{name}'", is_uneven)
    return StepOrder(None, "steps in the order of the file")


def fold_steps(
    table: RawTable, key: str, order: StepOrder, lists: Collection[str] = ()
) -> RawTable:
    """A row for each value of `key`, in the order of the first occurrence.

    Columns that are constant within each sequence stay single values, but for `lists`, those that
    are none in train; others become lists of their steps. The ordering column is left out where it
    tells the order alone.
    raises: InputError where the table lacks the key or the ordering column
    """
    missing = [name for name in (key, order.column) if name and name not in table.columns]
    if missing:
        raise InputError(
            f"{table.path.name} has no column {listing(missing)}, by which its steps are grouped "
            "and ordered. Add it, or name the id's column with --set data.id=COLUMN"
        )
    codes, keys = pd.factorize(np.array(table.texts(key), dtype=object))
    values = None if order.column is None else _order_values(table.columns[order.column])
    arranged = np.argsort(codes, kind="stable")
    if values is not None:
        arranged = np.lexsort((np.arange(len(codes)), values, codes))
    ends = np.cumsum(np.bincount(codes))
    starts = np.concatenate([[0], ends[:-1]])
    first = arranged[starts]
    columns: dict[str, list[Cell]] = {key: list(keys)}
    for name in table.columns:
        if name == key or (name == order.column and not order.is_kept):
            continue
        cells = table.columns[name]
        ordered = [cells[row] for row in arranged]
        groups = [ordered[a:b] for a, b in zip(starts, ends, strict=True)]
        if any(isinstance(cell, list) for cell in cells):  # the steps' lists, one after the other
            columns[name] = [
                [each for cell in group for each in ([cell] if isinstance(cell, str) else cell)]
                for group in groups
            ]
            continue
        is_constant = all(group.count(group[0]) == len(group) for group in groups)
        if is_constant and name not in lists:
            columns[name] = [group[0] for group in groups]
        else:
            columns[name] = list(groups)
    lines = None if table.lines is None else table.lines[first]
    form = f"{table.form}, {len(table):,} steps"
    return replace(table, columns=columns, lines=lines, form=form, header=())


def _order_values(cells: list[Cell]) -> np.ndarray | None:
    """float64 [n]: numbers, or times in nanoseconds; None where a cell is neither."""
    try:
        numbers = pd.to_numeric(np.array(cells, dtype=object), errors="coerce")
    except (TypeError, ValueError):
        return None
    numbers = np.asarray(numbers, dtype=np.float64)
    if not np.isnan(numbers).any():
        return numbers
    if not isinstance(cells[0], str) or not _TIME.search(cells[0]):
        return None
    times = pd.to_datetime(pd.Series(cells), errors="coerce", format="mixed", utc=True)
    return None if times.isna().any() else times.astype("int64").to_numpy(np.float64)
