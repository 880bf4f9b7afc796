"""Lists of vectors and of objects become a column for each value of a step."""

import json

import numpy as np
import pandas as pd
import pytest

from seqblend.core.config import DataConfig
from seqblend.reading.discovery import find_files
from seqblend.reading.nested_lists import spread, spread_texts
from seqblend.reading.reader import read_competition
from seqblend.reading.tables import make_table, read_table

EVENTS = [[{"kind": "a", "at": "1"}, {"kind": "b"}], [], None, [{"at": "2", "kind": None}]]


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([[[1, 2], [3, 4], [5, 6]], [[7, 8]]], [[[1, 3, 5], [7]], [[2, 4, 6], [8]]]),
        ([[[1, 3, 5], [2, 4, 6]], [[7], [8]]], [[[1, 3, 5], [7]], [[2, 4, 6], [8]]]),
        ([[[1, 2, 3], [4, 5, 6]], None], [[[1, 2, 3], []], [[4, 5, 6], []]]),
        ([[(1, 2), (3, 4), (5, 6)]] * 2, [[[1, 3, 5]] * 2, [[2, 4, 6]] * 2]),
        ([[[1]], [[2], [3]]], [[[1], [2, 3]]]),
    ],
    ids=["steps first", "columns first", "both even: the longer is time", "pairs", "one column"],
)
def test_the_axis_that_is_always_the_same_is_that_of_the_columns(rows, columns):
    assert spread("x", rows) == {f"x[{k}]": column for k, column in enumerate(columns)}


def test_objects_have_a_column_for_each_key():
    assert spread("e", EVENTS) == {
        "e.kind": [["a", "b"], [], [], [None]],
        "e.at": [["1", None], [], [], ["2"]],
    }


@pytest.mark.parametrize(
    "rows",
    [
        [[[1, 2], [3]], [[4]]],
        [[[1, [2]], [3, [4]]]],
        [[1, 2], [3]],
        [{"a": 1}],
        [[{"a": [1]}]],
        [[[1, 2], 3]],
        [[], None],
        ["[[1]]"],
        [[[]]],
    ],
)
def test_what_is_no_table_in_a_cell_is_left_as_it_is(rows):
    assert spread("x", rows) is None


@pytest.mark.parametrize(
    "cells",
    [
        ["[[1, 2.50], [3, 4e-3], [5, 6]]", ""],
        ["[(1, 2.5), (3, 0.004), (5, 6)]", ""],
        [" ( [1, 2.5],[3, 0.004], [5, 6] )", ""],
    ],
)
def test_cells_are_read_as_json_or_python_writes_them(cells):
    found = spread_texts("x", cells)
    assert {key: [list(map(float, row)) for row in rows] for key, rows in found.items()} == {
        "x[0]": [[1, 3, 5], []],
        "x[1]": [[2.5, 0.004, 6], []],
    }
    found = spread_texts("x", ["[{'a': 1, 'b': None}]", "[]", ""])
    assert found == {"x.a": [["1"], [], []], "x.b": [[""], [], []]}
    for cell in ("[]", "[[1, 2], oh", "[[1, 2]] and [[3]]", "[1, 2]", "[[__import__('os')]]"):
        assert spread_texts("x", [cell]) is None


def test_a_file_and_rows_in_memory_are_spread_alike(tmp_path):
    rng = np.random.default_rng(0)
    signals = [rng.normal(size=(8 + i % 3, 2)).round(3).tolist() for i in range(30)]
    frame = pd.DataFrame({"id": range(30), "signal": signals})
    frame.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "a.json").write_text(frame.to_json(orient="records"))
    tables = [read_table(tmp_path / "a.csv"), read_table(tmp_path / "a.json")]
    tables += [make_table("row", frame), make_table("row", {"id": range(30), "signal": signals})]
    for table in tables:
        assert list(table.columns) == ["id", "signal[0]", "signal[1]"]
        values = [list(map(float, row)) for row in table.columns["signal[1]"]]
        assert values == [[step[1] for step in signal] for signal in signals]


def test_nested_signals_are_real_valued_steps(tmp_path):
    rng = np.random.default_rng(0)
    for name, n in (("train", 40), ("test", 10)):
        rows = [
            {"id": f"{name}{i}", "signal": rng.normal(size=(9, 3)).round(3).tolist()}
            | ({"label": "ab"[i % 2]} if name == "train" else {})
            for i in range(n)
        ]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    made = read_competition(find_files(tmp_path), DataConfig(), name="signals")
    assert made.reading["sequence"] == ("signal[0]", "signal[1]", "signal[2]")
    assert made.train.steps.tokens.shape == (50 * 9, 3)
