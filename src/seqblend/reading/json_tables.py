"""Parses JSON text in the shapes that tables come in: records, columns, pandas' orients, lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqblend.core.errors import InputError
from seqblend.reading.nested_lists import spread_columns

Cell = str | list[str]  # a list where JSON has a list of tokens
_WRAPPERS = ("data", "examples", "items", "records", "results", "rows")
KEY = "index"  # the column of the keys in {"a1": {...}, "a2": {...}}


class _SharedStrings(dict[str, str]):
    """Text -> one shared string object: a number may occur a million times in a file."""

    def __missing__(self, text: str) -> str:
        self[text] = text
        return text


@dataclass(frozen=True)
class JsonTable:
    """Columns of a JSON text; lines: int64 [n] of JSON Lines, else None.

    nested: for columns that hold objects or lists of lists, which are left out: what is wrong
    """

    columns: dict[str, list[Cell]]
    lines: np.ndarray | None
    nested: dict[str, str]


def parse_json(path: Path, text: str, *, is_lines: bool) -> JsonTable:
    """The columns of a JSON text.

    Shapes: a list of objects; {column: list}; {column: {key: value}}; {key: object}, whose keys
    become the column `index`; {"columns": ..., "data": rows} (pandas' split); an object around
    the only list of objects, such as {"data": [...]}, or around any of these alone; one object;
    JSON Lines.
    is_lines: each line is an object
    raises: InputError with the place of bad JSON, of other shapes, or where all values are nested
    """
    decoder, stripped = _decoder(path), text.strip()
    try:
        value = None if is_lines else decoder.decode(stripped)
    except RecursionError:
        raise _too_deep(path) from None
    except json.JSONDecodeError as error:
        is_lines = stripped[0] == "{" and error.msg == "Extra data"
        if not is_lines:
            raise _json_error(path, error, error.lineno) from None
    lines = None
    if is_lines:
        value, lines = _read_lines(path, decoder, text)
    columns = spread_columns(_columns(path, value))
    places = {name: _find_nested(values) for name, values in columns.items()}
    nested = {
        name: f"{path}, record {row + 1}: column '{name}' has nested values; expected a text, "
        "a number, or a flat list of tokens. Flatten it"
        for name, row in places.items()
        if row is not None
    }
    if nested and len(nested) == len(columns):
        raise InputError(next(iter(nested.values())))
    flat = {name: _cells(values) for name, values in columns.items() if name not in nested}
    return JsonTable(flat, lines, nested)


def check_names(path: Path, names: list[str]) -> None:
    """InputError where two columns have one name."""
    seen: set[str] = set()
    twice = next((name for name in names if name in seen or seen.add(name)), None)
    if twice is not None:
        raise InputError(f"{path}, line 1: two columns are named '{twice}'. Rename one")


def _decoder(path: Path) -> json.JSONDecoder:
    """A JSON decoder that keeps numbers as text, so that ids and tokens stay as written."""

    def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            check_names(path, [name for name, _ in pairs])
        return values

    text = _SharedStrings().__getitem__
    return json.JSONDecoder(
        parse_int=text,
        parse_float=text,
        parse_constant=lambda name: None if name == "NaN" else name,
        object_pairs_hook=unique_pairs,
    )


def _read_lines(path: Path, decoder: json.JSONDecoder, text: str) -> tuple[list[Any], np.ndarray]:
    records, numbers = [], []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if not line:
            continue
        try:
            records.append(decoder.decode(line))
        except RecursionError:
            raise _too_deep(path) from None
        except json.JSONDecodeError as error:
            raise _json_error(path, error, number) from None
        numbers.append(number)
    return records, np.array(numbers, dtype=np.int64)


def _too_deep(path: Path) -> InputError:
    return InputError(f"{path}: nested too deeply; expected a list of flat records")


def _json_error(path: Path, error: json.JSONDecodeError, line: int) -> InputError:
    return InputError(
        f"{path}, line {line}, column {error.colno}: not valid JSON ({error.msg}). "
        "Check that the file is complete, or download it again"
    )


def _columns(path: Path, value: Any) -> dict[str, list[Any]]:
    """Columns of raw values, whatever the shape."""
    if isinstance(value, list):
        return _from_records(path, value)
    if set(value) >= {"columns", "data"} and _are_lists(value["data"]):
        return _from_split(path, value)
    wrapped = [each for each in value.values() if _are_objects(each)]
    if len(wrapped) == 1:
        return _from_records(path, wrapped[0])
    values = list(value.values())
    if len(values) == 1 and _is_wrapper(*value.items()):
        return _columns(path, values[0])
    if values and all(isinstance(each, dict) for each in values):
        return _from_objects(path, value)
    if all(isinstance(each, list) for each in values) and len({len(v) for v in values}) == 1:
        return value
    return _from_records(path, [value])


def _is_wrapper(item: tuple[str, Any]) -> bool:
    """Whether the only value of an object is a whole table: of objects, or of columns."""
    name, inner = item
    if not isinstance(inner, dict) or not inner:
        return False
    are_columns = name.lower() in _WRAPPERS and all(isinstance(v, list) for v in inner.values())
    return are_columns or all(isinstance(v, dict) for v in inner.values())


def _are_lists(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, list) for v in value)


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _from_records(path: Path, records: list[Any]) -> dict[str, list[Any]]:
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise InputError(
                f"{path}, record {number}: expected an object with named columns, got "
                f"{type(record).__name__}. Write a list of objects"
            )
    names = list(dict.fromkeys(name for record in records for name in record))
    return {name: [record.get(name) for record in records] for name in names}


def _from_split(path: Path, value: dict[str, Any]) -> dict[str, list[Any]]:
    """pandas' orient="split": names, and a list of values for each row."""
    names, rows = [str(name) for name in value["columns"]], value["data"]
    check_names(path, names)
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise InputError(
                f"{path}, record {number}: {len(row)} values for {len(names)} columns. "
                "Write a list of objects instead"
            )
    columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    index = value.get("index")
    if isinstance(index, list) and len(index) == len(rows) and KEY not in columns:
        return {KEY: index} | columns
    return columns


def _from_objects(path: Path, objects: dict[str, dict[str, Any]]) -> dict[str, list[Any]]:
    """{column: {key: value}}, or {key: {column: value}} where objects are rows.

    More objects than names in them are rows; else the objects with the same keys are columns.
    """
    keys = list(dict.fromkeys(key for each in objects.values() for key in each))
    is_even = all(set(each) == set(keys) for each in objects.values())
    if len(objects) > len(keys) or not is_even:
        if len(objects) <= len(keys):
            uneven = next(name for name, each in objects.items() if set(each) != set(keys))
            raise InputError(
                f"{path}: column '{uneven}' has another index than the other columns. "
                "Write a list of objects instead"
            )
        records = [{KEY: key, **record} for key, record in objects.items()]
        return _from_records(path, records)
    return {name: [values[key] for key in keys] for name, values in objects.items()}


def _find_nested(values: list[Any]) -> int | None:
    """The first row that holds an object, or a list of lists or objects."""
    for row, value in enumerate(values):
        if isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value)
        ):
            return row
    return None


def _cells(values: list[Any]) -> list[Cell]:
    return [
        [_scalar(v) for v in value] if isinstance(value, list) else _scalar(value)
        for value in values
    ]


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    return {None: "", True: "true", False: "false"}[value]
