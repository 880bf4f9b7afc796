"""Wide tables: a sequence that lies in one column a step (t0, t1, ...) as one column of lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from seqblend.core.config import DataConfig
from seqblend.core.errors import InputError, listing
from seqblend.reading.tables import Cell, Table

Steps = Mapping[str, tuple[str, ...]]  # name of the joined column -> its columns in order
_NUMBERED = re.compile(r"(.*?)(\d+)", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_FEWEST = 3  # fewer numbered columns are no sequence, unless they are asked for
_LONGEST = 40  # characters of a category's name


def match_steps(pattern: str, table: Table) -> tuple[str, ...]:
    """The numbered columns that a pattern such as `t*` names, in the order of their numbers."""
    names = [name for name in table.columns if _NUMBERED.fullmatch(name)]
    return _in_order(name for name in names if fnmatchcase(name, pattern))


def find_steps(train: Table, test: Table, data: DataConfig) -> dict[str, tuple[str, ...]]:
    """The largest family of numbered columns with one category, id or number a row, or nothing.

    Columns that test lacks count as long as it has half of a family: join_steps names them.
    """
    families: dict[str, list[str]] = {}
    excluded = (data.id, data.target, data.group, data.fold)
    for name in train.columns:
        match = _NUMBERED.fullmatch(name)
        if match and name not in excluded:
            families.setdefault(match[1], []).append(name)
    fitting = {
        prefix: names
        for prefix, names in families.items()
        if len(names) >= _FEWEST
        and 2 * sum(name in test.columns for name in names) >= len(names)
        and hold_steps(train, names)
    }
    if not fitting:
        return {}
    prefix = max(fitting, key=lambda prefix: (len(fitting[prefix]), prefix))
    return {joined_name(prefix): _in_order(fitting[prefix])}


def joined_name(prefix: str) -> str:
    """The pattern that names the columns of a family: `t*`, or `[0-9]*` without a prefix."""
    return f"{prefix}*" if prefix else "[0-9]*"


def family_of(names: tuple[str, ...]) -> str | None:
    """The joined name of numbered columns with one prefix; None where they have none in common."""
    matches = [_NUMBERED.fullmatch(name) for name in names]
    prefixes = {match and match[1] for match in matches}
    prefix = prefixes.pop()
    return None if prefixes or prefix is None else joined_name(prefix)


def hold_steps(table: Table, names: list[str] | tuple[str, ...]) -> bool:
    """Whether each cell is one value: a number, or a word that comes again."""
    columns = [table.columns[name] for name in names]
    if any(isinstance(cell, list) for cells in columns for cell in cells):
        return False
    distinct = {cell.strip() for cells in columns for cell in set(cells)} - {""}  # type: ignore
    words = [text for text in distinct if not _NUMBER.fullmatch(text)]
    filled = sum(map(bool, (cell for cells in columns for cell in cells)))
    return bool(distinct) and all(map(_is_name, words)) and 2 * len(words) <= filled


def _is_name(word: str) -> bool:
    return len(word) <= _LONGEST and not re.search(r"[\s,;|]", word)


def join_steps(table: Table, steps: Steps) -> Table:
    """The table with a column of lists for each family; empty cells at a row's end are dropped.

    raises: InputError where the table lacks columns of a family
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
        rows = zip(*(table.texts(column) for column in columns), strict=True)
        joined[name] = [_without_padding(row) for row in rows]
    return replace(table, columns=table.columns | joined) if joined else table


def _without_padding(row: tuple[str, ...]) -> list[str]:
    """The steps up to the last that is not empty; an empty one before it is a token."""
    steps = [cell.strip() for cell in row]
    while steps and not steps[-1]:
        steps.pop()
    return steps


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    """By number, `t2` before `t10`; equal numbers (`t1`, `t01`) by name."""
    return tuple(sorted(names, key=lambda name: (int(_NUMBERED.fullmatch(name)[2]), name)))
