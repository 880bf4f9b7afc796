"""JSON in the shapes that tables come in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seqblend.core.errors import InputError
from seqblend.reading.json_tables import parse_json

RECORDS = [{"text": "a b", "label": 1}, {"text": "c", "label": 0}, {"text": "d", "label": 1}]
COLUMNS = {"text": ["a b", "c", "d"], "label": ["1", "0", "1"]}


def _parse(value, **settings):
    return parse_json(Path("a.json"), json.dumps(value), is_lines=False, **settings)


@pytest.mark.parametrize(
    "value",
    [
        RECORDS,
        {"results": RECORDS, "count": 3},
        {"version": "1", "examples": RECORDS},
        {"columns": ["text", "label"], "data": [["a b", 1], ["c", 0], ["d", 1]]},
        {"text": ["a b", "c", "d"], "label": [1, 0, 1]},
        {"data": {"text": ["a b", "c", "d"], "label": [1, 0, 1]}},
        {"results": {"examples": RECORDS}},
    ],
    ids=["records", "results", "examples", "split", "columns", "wrapped", "twice"],
)
def test_every_shape_gives_the_same_columns(value):
    assert _parse(value).columns == COLUMNS


def test_keys_of_rows_become_a_column():
    by_key = {f"k{i}": record for i, record in enumerate(RECORDS)}
    assert _parse(by_key).columns == {"index": ["k0", "k1", "k2"]} | COLUMNS
    assert _parse({"data": by_key}).columns == _parse(by_key).columns
    split = {"index": [5, 6, 7], "columns": ["label"], "data": [[1], [0], [1]]}
    assert _parse(split).columns == {"index": ["5", "6", "7"], "label": ["1", "0", "1"]}


def test_a_column_of_nested_values_is_left_out_and_named():
    found = _parse([{"text": "a", "spans": [{"at": [0]}]}, {"text": "b", "spans": []}])
    assert list(found.columns) == ["text"]
    assert "record 1: column 'spans' has nested values" in found.nested["spans"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"columns": ["a", "b"], "data": [[1, 2], [3]]}, "record 2: 1 values for 2 columns"),
        ({"a": {"0": 1, "1": 2}, "b": {"0": 1, "2": 2}}, "column 'a' has another index"),
        ([{"s": [[[1]]]}], "record 1: column 's' has nested values"),
    ],
)
def test_uneven_shapes_are_one_clear_line(value, message):
    with pytest.raises(InputError, match=message):
        _parse(value)
