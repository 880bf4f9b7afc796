"""Reads a table as columns of text: CSV, TSV, JSON, JSON Lines, Parquet or Feather."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from seqblend.core import fault_injection
from seqblend.core.errors import FlagError, InputError, MachineError, listing, suggest
from seqblend.data.sequences import CsvStyle
from seqblend.reading.delimited import parse_delimited, separator_name
from seqblend.reading.formats import (
    COLUMNAR_SUFFIXES,
    DELIMITED_SUFFIXES,
    FileContent,
    read_bytes,
    read_content,
)
from seqblend.reading.json_tables import Cell, check_names, parse_json
from seqblend.reading.nested_lists import align_spread, spread_columns

_LONGEST_NAME = 12  # words of a column's name


@dataclass(frozen=True)
class RawTable:
    """The columns of one file; every scalar is the text in the file, missing values are "".

    lines: int64 [n], the line each row starts on; None for other formats than text lines
    form: the format, for display
    style: separator and quoting of a delimited text
    header: the columns' names as the file writes them; those of `columns` are stripped
    nested: columns that were left out because their values are nested, and what is wrong
    """

    path: Path
    columns: dict[str, list[Cell]]
    lines: np.ndarray | None
    form: str
    style: CsvStyle = field(default_factory=CsvStyle)
    warnings: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    nested: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def place(self, row: int) -> str:
        """`train.csv, line 7` for a row counted from 0."""
        if self.lines is None:
            return f"{self.path.name}, record {row + 1}"
        return f"{self.path.name}, line {self.lines[row]}"

    def texts(self, name: str) -> list[str]:
        """A column with one value per row; a list of one element is its element.

        raises: InputError where a cell is a longer list
        """
        cells = self.columns[name]
        for row, cell in enumerate(cells):
            if not isinstance(cell, str) and len(cell) != 1:
                raise InputError(
                    f"{self.place(row)}: column '{name}' has a list; expected one value. "
                    "Name another column with --set data.id=... or data.target=..."
                )
        return [cell if isinstance(cell, str) else cell[0] for cell in cells]

    def written_name(self, name: str) -> str:
        """The column's name as the file writes it."""
        names = list(self.columns)
        return self.header[names.index(name)] if len(self.header) == len(names) else name

    def with_columns(self, columns: dict[str, list[Cell]]) -> RawTable:
        """This table with further columns, or others of the same name."""
        return replace(self, columns=self.columns | columns, header=())

    def take(self, rows: Sequence[int] | np.ndarray) -> RawTable:
        """The given rows (integer positions)."""
        columns = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        lines = None if self.lines is None else self.lines[np.asarray(rows, dtype=np.int64)]
        return replace(self, columns=columns, lines=lines)


def check_column(name: str, table: RawTable, field_name: str) -> str:
    """`name`, if the table has it; else a FlagError that lists the columns."""
    if name in table.nested:
        raise InputError(table.nested[name])
    if name not in table.columns:
        raise FlagError(
            f"data.{field_name}: {table.path.name} has no column '{name}'"
            f"{suggest(name, table.columns, 'Columns', 12)}"
        )
    return name


def align_names(table: RawTable, known: Collection[str]) -> RawTable:
    """The table with the names of known columns where they differ in case or spaces alone.

    Columns of nested lists are spread as the known ones were.
    """
    table = _with_columns(table, align_spread(table.columns, known))
    folded = {_fold_name(name): name for name in known}
    names = {}
    for name in table.columns:
        alike = folded.get(_fold_name(name), name)
        names[name] = name if name in known or alike in table.columns else alike
    if names == dict(zip(names, names, strict=True)):
        return table
    columns = {names[name]: cells for name, cells in table.columns.items()}
    return replace(table, columns=columns, header=())


def _fold_name(name: str) -> str:
    return "".join(name.casefold().split())


def read_table(path: Path) -> RawTable:
    """The columns of one file, by name.

    raises: InputError naming file, line and remedy: see formats.read_content,
        delimited.parse_delimited and json_tables.parse_json; also duplicate column names and no
        rows; MachineError where a package is missing
    """
    fault_injection.visit("data.read")
    if path.suffix.lower() in COLUMNAR_SUFFIXES:
        return _read_columnar(path)
    content = read_content(path)
    opening = content.text.lstrip()[:1]
    is_json = opening in ("[", "{") and content.suffix not in DELIMITED_SUFFIXES[:3]
    table = _read_json(path, content) if is_json else _spread(_read_delimited(path, content))
    if not table.columns or not len(table):
        raise InputError(f"{path} has no rows, only a header. Download it again")
    return table


def _spread(table: RawTable) -> RawTable:
    """The table, its columns of nested lists spread where they can be."""
    return _with_columns(table, spread_columns(table.columns))


def _with_columns(table: RawTable, columns: Mapping[str, list[Any]]) -> RawTable:
    """The table with these columns, cells that were spread as texts."""
    if list(columns) == list(table.columns):
        return table
    cells = {
        name: values if values is table.columns.get(name) else list(map(_written, values))
        for name, values in columns.items()
    }
    return replace(table, columns=cells, header=())


def _written(value: Any) -> Cell:
    """A text, or a list of texts."""
    if isinstance(value, (list, tuple)):
        return ["" if each is None else str(each) for each in value]
    return str(value)


def concatenate(tables: list[RawTable]) -> RawTable:
    """The rows of several tables with the same columns, one after the other."""
    first = tables[0]
    for other in tables[1:]:
        if set(other.columns) != set(first.columns):
            raise InputError(
                f"{other.path.name} has the columns {listing(other.columns)}; expected those of "
                f"{first.path.name}: {listing(first.columns)}. Rename them, or remove the file"
            )
    columns = {
        name: [cell for each in tables for cell in each.columns[name]] for name in first.columns
    }
    warnings = tuple(text for each in tables for text in each.warnings)
    lines = None if len(tables) > 1 else first.lines
    return replace(first, columns=columns, lines=lines, warnings=warnings)


def _read_delimited(path: Path, content: FileContent) -> RawTable:
    parsed = parse_delimited(path, content.text)
    header, rows = parsed.rows[0], parsed.rows[1:]
    prose = next((name for name in header if len(name.split()) > _LONGEST_NAME), None)
    if prose is not None:
        raise InputError(
            f"{path}, line 1: expected the columns' names, got '{prose[:40]}...': the file seems "
            "to have no header. Write the names into its first line"
        )
    cells = zip(*rows, strict=True) if rows else [()] * len(header)
    named = [(name, list(values)) for name, values in zip(header, cells, strict=True)]
    named, warnings = _name_columns(path, named)
    columns = {name.strip(): values for name, values in named}
    form = f"{separator_name(parsed.style.separator)}-separated, {content.encoding}"
    warnings = content.warnings + parsed.warnings + warnings
    written = tuple(name for name, _ in named)
    return RawTable(path, columns, parsed.lines[1:], form, parsed.style, warnings, written)


def _name_columns(
    path: Path, named: list[tuple[str, list[str]]]
) -> tuple[list[tuple[str, list[str]]], tuple[str, ...]]:
    """Columns with a name each: unnamed ones without values are left out, others numbered.

    A lone unnamed column is kept as it is: it is an index.
    raises: InputError where two columns have the same name
    """
    unnamed = sum(not name.strip() for name, _ in named)
    kept, dropped = [], 0
    for place, (name, values) in enumerate(named):
        if name.strip() or (unnamed == 1 and any(values)) or place == 0:
            kept.append((name, values))
        elif any(values):
            kept.append((f"Unnamed: {place}", values))  # as pandas does
        else:
            dropped += 1
    check_names(path, [name.strip() for name, _ in kept])
    if not dropped:
        return kept, ()
    return kept, (f"{path.name}: {dropped} columns without name and values are left out",)


def _read_json(path: Path, content: FileContent) -> RawTable:
    is_lines = content.suffix in (".jsonl", ".ndjson")
    parsed = parse_json(path, content.text, is_lines=is_lines)
    form = f"{'JSON' if parsed.lines is None else 'JSON Lines'}, {content.encoding}"
    warnings = content.warnings + tuple(
        f"{path.name}: column '{name}' has nested values and is left out" for name in parsed.nested
    )
    return RawTable(
        path, parsed.columns, parsed.lines, form, warnings=warnings, nested=parsed.nested
    )


def _read_columnar(path: Path) -> RawTable:
    raw, name = read_bytes(path)
    suffix = Path(name).suffix.lower()
    read = pd.read_parquet if suffix == ".parquet" else pd.read_feather
    try:
        frame = read(io.BytesIO(raw))
    except ImportError:
        raise MachineError(
            f"{path} is a {suffix[1:].title()} file; reading it needs the package pyarrow. "
            "Install it (pip install pyarrow), or write the table as CSV"
        ) from None
    except (ValueError, OSError) as error:
        raise InputError(f"{path} is damaged ({error}). Download it again") from None
    if not len(frame) or not len(frame.columns):
        raise InputError(f"{path} has no rows. Download it again")
    check_names(path, [str(key) for key in frame.columns])
    columns = _cells({str(key): frame[key] for key in frame.columns})
    return RawTable(path, columns, None, suffix[1:].title())


def make_table(name: str, columns: Mapping[str, Iterable[Any]]) -> RawTable:
    """A table of values that are in memory, such as a data frame's columns.

    raises: InputError where columns are of different lengths, or there is no row
    """
    cells = _cells({str(key): values for key, values in columns.items()})
    lengths = {key: len(values) for key, values in cells.items()}
    if len(set(lengths.values())) != 1 or not max(lengths.values()):
        raise InputError(f"{name}: expected columns of one length, at least a row, got {lengths}")
    return RawTable(Path(name), cells, None, "values")


def _cells(columns: Mapping[str, Iterable[Any]]) -> dict[str, list[Cell]]:
    """The columns of a data frame as texts and lists of texts, nested lists spread."""
    found = spread_columns({name: list(map(_cell, values)) for name, values in columns.items()})
    return {name: list(map(_written, cells)) for name, cells in found.items()}


def _cell(value: Any) -> Any:
    """The text of a value of a data frame; a list of such where it is a sequence."""
    if isinstance(value, str):
        return value
    if hasattr(value, "__array__") and getattr(value, "ndim", 1):  # an array or a series
        value = np.asarray(value)
        value = value.astype(str) if value.dtype.kind == "M" else value
        return [_cell(each) for each in value]
    if isinstance(value, (list, tuple)):
        return [_cell(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _cell(each) for key, each in value.items()}
    return "" if pd.isna(value) else str(value)
