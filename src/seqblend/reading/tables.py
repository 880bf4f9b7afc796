"""Reads a table as columns of text: CSV, TSV, JSON or JSON Lines, compressed or not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seqblend.core import fault_injection
from seqblend.core.errors import FlagError, InputError, suggest
from seqblend.data.sequences import CsvStyle
from seqblend.reading.delimited import parse_delimited, separator_name
from seqblend.reading.formats import DELIMITED_SUFFIXES, FileContent, read_content

Cell = str | list[str]  # a list where JSON has a list of tokens


@dataclass(frozen=True)
class RawTable:
    """The columns of one file; every scalar is the text in the file, missing values are "".

    lines: int64 [n], the line each row starts on; None for JSON other than JSON Lines
    form: the format, for display
    style: separator and quoting of a delimited text
    """

    path: Path
    columns: dict[str, list[Cell]]
    lines: np.ndarray | None
    form: str
    style: CsvStyle = field(default_factory=CsvStyle)
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def place(self, row: int) -> str:
        """`train.csv, line 7` for a row counted from 0."""
        if self.lines is None:
            return f"{self.path.name}, record {row + 1}"
        return f"{self.path.name}, line {self.lines[row]}"

    def texts(self, name: str) -> list[str]:
        """A column with one value per row; InputError where a cell is a list."""
        for row, cell in enumerate(self.columns[name]):
            if not isinstance(cell, str):
                raise InputError(
                    f"{self.place(row)}: column '{name}' has a list; expected one value. "
                    "Name another column with --set data.id=... or data.target=..."
                )
        return self.columns[name]  # type: ignore[return-value]


def check_column(name: str, table: RawTable, field_name: str) -> str:
    """`name`, if the table has it; else a FlagError that lists the columns."""
    if name not in table.columns:
        raise FlagError(
            f"data.{field_name}: {table.path.name} has no column '{name}'"
            f"{suggest(name, table.columns, 'Columns', 12)}"
        )
    return name


def read_table(path: Path) -> RawTable:
    """The columns of one file, by name.

    raises: InputError naming file, line and remedy: see formats.read_content and
        delimited.parse_delimited; also duplicate column names, no rows, and bad JSON
    """
    fault_injection.visit("data.read")
    content = read_content(path)
    opening = content.text.lstrip()[:1]
    is_json = opening in ("[", "{") and content.suffix not in DELIMITED_SUFFIXES[:3]
    table = _read_json(path, content) if is_json else _read_delimited(path, content)
    if not table.columns or not len(table):
        raise InputError(f"{path} has no rows, only a header. Download it again")
    return table


def _read_delimited(path: Path, content: FileContent) -> RawTable:
    parsed = parse_delimited(path, content.text)
    names, rows = parsed.rows[0], parsed.rows[1:]
    _check_names(path, names)
    cells = zip(*rows, strict=True) if rows else [()] * len(names)
    columns = {name: list(values) for name, values in zip(names, cells, strict=True)}
    form = f"{separator_name(parsed.style.separator)}-separated, {content.encoding}"
    warnings = content.warnings + parsed.warnings
    return RawTable(path, columns, parsed.lines[1:], form, parsed.style, warnings)


def _check_names(path: Path, names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path}, line 1: two columns are named '{twice}'. Rename one")


class _SharedStrings(dict[str, str]):
    """Text -> one shared string object: a number may occur a million times in a file."""

    def __missing__(self, text: str) -> str:
        self[text] = text
        return text


def _decoder(path: Path) -> json.JSONDecoder:
    """A JSON decoder that keeps numbers as text, so that ids and tokens stay as written."""

    def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            _check_names(path, [name for name, _ in pairs])
        return values

    text = _SharedStrings().__getitem__
    return json.JSONDecoder(
        parse_int=text,
        parse_float=text,
        parse_constant=lambda name: None if name == "NaN" else name,
        object_pairs_hook=unique_pairs,
    )


def _read_json(path: Path, content: FileContent) -> RawTable:
    decoder, text = _decoder(path), content.text.strip()
    is_lines = content.suffix in (".jsonl", ".ndjson")
    try:
        value = None if is_lines else decoder.decode(text)
    except RecursionError:
        raise InputError(f"{path}: nested too deeply; expected a list of flat records") from None
    except json.JSONDecodeError as error:
        is_lines = text[0] == "{" and error.msg == "Extra data"
        if not is_lines:
            raise _json_error(path, error, error.lineno) from None
    lines = None
    if is_lines:
        value, lines = _read_lines(path, decoder, content.text)
    if isinstance(value, dict):
        value = value["data"] if _is_wrapped(value) else value if _is_columns(value) else [value]
    columns = _from_records(path, value) if isinstance(value, list) else _from_columns(path, value)
    cells = {name: _cells(path, name, values) for name, values in columns.items()}
    form = f"{'JSON Lines' if is_lines else 'JSON'}, {content.encoding}"
    return RawTable(path, cells, lines, form, warnings=content.warnings)


def _read_lines(path: Path, decoder: json.JSONDecoder, text: str) -> tuple[list[Any], np.ndarray]:
    records, numbers = [], []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line:
            continue
        try:
            records.append(decoder.decode(line))
        except json.JSONDecodeError as error:
            raise _json_error(path, error, number) from None
        numbers.append(number)
    return records, np.array(numbers, dtype=np.int64)


def _json_error(path: Path, error: json.JSONDecodeError, line: int) -> InputError:
    return InputError(
        f"{path}, line {line}, column {error.colno}: not valid JSON ({error.msg}). "
        "Check that the file is complete, or download it again"
    )


def _is_wrapped(value: dict[str, Any]) -> bool:
    """{"data": [record, ...]}"""
    data = value.get("data")
    return isinstance(data, list) and bool(data) and isinstance(data[0], dict)


def _is_columns(value: dict[str, Any]) -> bool:
    """{column: list of equal length} or {column: {index: value}}."""
    values = list(value.values())
    if all(isinstance(v, dict) for v in values):
        return bool(values)
    return all(isinstance(v, list) for v in values) and len({len(v) for v in values}) == 1


def _from_records(path: Path, records: list[Any]) -> dict[str, list[Any]]:
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise InputError(
                f"{path}, record {number}: expected an object with named columns, got "
                f"{type(record).__name__}. Write a list of objects"
            )
    names = list(dict.fromkeys(name for record in records for name in record))
    return {name: [record.get(name) for record in records] for name in names}


def _from_columns(path: Path, columns: dict[str, Any]) -> dict[str, list[Any]]:
    first = next(iter(columns.values()))
    if isinstance(first, list):
        return columns
    index = list(first)
    for name, values in columns.items():
        if set(values) != set(index):
            raise InputError(
                f"{path}: column '{name}' has another index than column '{next(iter(columns))}'. "
                "Write a list of objects instead"
            )
    return {name: [values[key] for key in index] for name, values in columns.items()}


def _cells(path: Path, name: str, values: list[Any]) -> list[Cell]:
    for row, value in enumerate(values):
        if isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value)
        ):
            raise InputError(
                f"{path}, record {row + 1}: column '{name}' has nested values; expected a text, "
                "a number, or a flat list of tokens. Flatten it"
            )
    return [
        [_scalar(v) for v in value] if isinstance(value, list) else _scalar(value)
        for value in values
    ]


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    return {None: "", True: "true", False: "false"}[value]
