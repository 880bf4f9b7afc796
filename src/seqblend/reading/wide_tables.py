"""Wide tables: joins a sequence with one column per step (t0, t1, ...) into a column of lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from seqblend.core.config import DataConfig
from seqblend.core.errors import InputError, listing
from seqblend.reading.json_tables import Cell
from seqblend.reading.kinds import IS_TIME, NUMBER
from seqblend.reading.tables import RawTable

StepColumns = Mapping[str, tuple[str, ...]]  # name of the joined column -> its columns in order
_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
_FEWEST = 3  # fewer numbered columns are a sequence only where data.sequence names them
_LONGEST = 40  # characters of a category's name


def match_step_columns(pattern: str, table: RawTable) -> tuple[str, ...]:
    """The numbered columns that a pattern such as `t*` names, in the order of their numbers."""
    names = [name for name in table.columns if _NUMBERED.fullmatch(name)]
    return _in_order(name for name in names if fnmatchcase(name, pattern))


def find_step_columns(
    train: RawTable, test: RawTable, data: DataConfig
) -> dict[str, tuple[str, ...]]:
    """The groups of numbered columns with single values, by their pattern; {} without one.

    A group counts where test has at least half of it: join_step_columns names missing columns.
    """
    groups: dict[str, list[str]] = {}
    excluded = (data.id, data.target, data.group, data.fold)
    for name in train.columns:
        match = _NUMBERED.fullmatch(name)
        if match and name not in excluded:
            groups.setdefault(match[1], []).append(name)
    return {
        column_pattern(prefix): _in_order(names)
        for prefix, names in groups.items()
        if len(names) >= _FEWEST
        and 2 * sum(name in test.columns for name in names) >= len(names)
        and (hold_single_values(train, names) or hold_times(train, names))
    }


def column_pattern(prefix: str) -> str:
    """The pattern of numbered columns with a prefix: `t*`, or `[0-9]*` without a prefix."""
    return f"{prefix}*" if prefix else "[0-9]*"


def common_pattern(names: tuple[str, ...]) -> str | None:
    """The pattern of numbered columns with one prefix; None where prefixes differ."""
    matches = [_NUMBERED.fullmatch(name) for name in names]
    prefixes = {match and match[1] for match in matches}
    prefix = prefixes.pop()
    return None if prefixes or prefix is None else column_pattern(prefix)


def hold_single_values(table: RawTable, names: list[str] | tuple[str, ...]) -> bool:
    """Whether each cell is one value: a number, or a word that occurs repeatedly."""
    columns = [table.columns[name] for name in names]
    if any(isinstance(cell, list) for cells in columns for cell in cells):
        return False
    distinct = {cell.strip() for cells in columns for cell in set(cells)} - {""}  # type: ignore
    words = [text for text in distinct if not re.fullmatch(NUMBER, text)]
    filled = sum(map(bool, (cell for cells in columns for cell in cells)))
    return bool(distinct) and all(map(_is_name, words)) and 2 * len(words) <= filled


def hold_times(table: RawTable, names: list[str] | tuple[str, ...]) -> bool:
    """Whether each cell is empty or a date with a time."""
    cells = [cell for name in names for cell in table.columns[name] if cell]
    return bool(cells) and all(isinstance(c, str) and IS_TIME.match(c.strip()) for c in cells)


def _is_name(word: str) -> bool:
    return len(word) <= _LONGEST and not re.search(r"[\s,;|]", word)


def join_step_columns(table: RawTable, steps: StepColumns) -> RawTable:
    """The table with a column of lists for each pattern; empty cells at a row's end are dropped.

    raises: InputError where the table lacks some of the columns
    """
    joined: dict[str, list[Cell]] = {}
    for name, columns in steps.items():
        missing = [column for column in columns if column not in table.columns]
        if missing:
            raise InputError(
                f"{table.path.name} lacks {len(missing)} of the {len(columns)} step columns "
                f"'{name}' ({listing(missing, 5)}). Add them (an empty cell is padding), or name "
                "the columns both files have with --set data.sequence=COLUMN,COLUMN"
            )
        cells = [table.texts(column) for column in columns]
        joined[name] = [_without_padding(row) for row in zip(*cells, strict=True)]
    return table.with_columns(joined) if joined else table


def _without_padding(row: tuple[str, ...]) -> list[str]:
    """The steps up to the last that is not empty; an empty one before it is a token."""
    steps = [cell.strip() for cell in row]
    while steps and not steps[-1]:
        steps.pop()
    return steps


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    """By number, `t2` before `t10`; equal numbers (`t1`, `t01`) by name."""
    return tuple(sorted(names, key=lambda name: (int(_NUMBERED.fullmatch(name)[2]), name)))
