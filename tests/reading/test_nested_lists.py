"""Lists of vectors, of series and of objects become a column for each value of a step."""

import json

import numpy as np
import pandas as pd
import pytest

from seqblend.core.config import DataConfig
from seqblend.reading.discovery import find_files
from seqblend.reading.nested_lists import align_spread, find_spread, spread_columns
from seqblend.reading.reader import read_competition
from seqblend.reading.tables import align_names, make_table, read_table

EVENTS = [[{"kind": "a", "at": "1"}, {"kind": "b"}], [], None, [{"at": "2", "kind": None}]]


@pytest.mark.parametrize(
    ("rows", "axis", "columns"),
    [
        ([[[1, 2], [3, 4], [5, 6]], [[7, 8]]], "steps", [[[1, 3, 5], [7]], [[2, 4, 6], [8]]]),
        ([[[1, 3, 5], [2, 4, 6]], [[7], [8]]], "series", [[[1, 3, 5], [7]], [[2, 4, 6], [8]]]),
        ([[[1, 2, 3], [4, 5, 6]], None], "series", [[[1, 2, 3], []], [[4, 5, 6], []]]),
        ([[(1, 2), (3, 4), (5, 6)]] * 2, "steps", [[[1, 3, 5]] * 2, [[2, 4, 6]] * 2]),
        ([[[1]], [[2], [3]]], "steps", [[[1], [2, 3]]]),
    ],
    ids=["steps first", "series first", "both even: the longer is time", "pairs", "one column"],
)
def test_the_axis_that_is_always_the_same_is_that_of_the_columns(rows, axis, columns):
    name = {"steps": "x[:, {}]", "series": "x[{}]"}[axis].format
    assert find_spread(rows).axis == axis
    assert spread_columns({"x": rows}) == {name(k): column for k, column in enumerate(columns)}


def test_objects_have_a_column_for_each_key():
    assert spread_columns({"e": EVENTS}) == {
        "e.kind": [["a", "b"], [], [], [None]],
        "e.at": [["1", None], [], [], ["2"]],
    }
    taken = {"e": EVENTS, "e.at": ["kept"] * 4}
    assert spread_columns(taken) == taken


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
        ["[1, 2]", "[[1]]"],
        [[[]]],
        [[[0] * 2_000] * 3_000],
        [[{f"k{i}": 1} for i in range(2_000)]],
    ],
)
def test_what_is_no_table_in_a_cell_is_left_as_it_is(rows):
    assert spread_columns({"x": rows}) == {"x": rows}


@pytest.mark.parametrize(
    "cells",
    [
        ["[[1, 2.50], [3, 4e-3], [5, NaN]]", ""],
        ["[(1, 2.5), (3, 0.004), (5, nan)]", "[]"],
        [" ( [1, 2.5],[3, 0.004], [5, -inf] )", "()"],
    ],
)
def test_cells_are_read_as_json_or_python_writes_them(cells):
    found = spread_columns({"x": cells})
    assert list(map(float, found["x[:, 0]"][0])) == [1, 3, 5]
    assert list(map(float, found["x[:, 1]"][0][:2])) == [2.5, 0.004]
    assert found["x[:, 1]"][0][2] in ("NaN", "nan", None) or "-" in cells[0]
    assert [rows[1] for rows in found.values()] == [[], []]
    found = spread_columns({"x": ["[{'a': 1, 'b': None}]", "[]", ""]})
    assert found == {"x.a": [["1"], [], []], "x.b": [[None], [], []]}
    for cell in ("[]", "[[1, 2], oh", "[[1, 2]] and [[3]]", "[1, 2]", "[[__import__('os')]]"):
        assert spread_columns({"x": [cell]}) == {"x": [cell]}


SIGNAL = [[[f"{10 * t + k}" for k in range(4)] for t in range(n)] for n in (2, 9)]


@pytest.mark.parametrize(
    "row", [[["1", "2", "3", "4"]], SIGNAL[0], [["5"] * 4] * 4, [], None, "[]", ""]
)
def test_another_table_is_spread_as_train_was(row):
    """A single row may have fewer steps than columns, as many, or none."""
    train = make_table("train", {"x": SIGNAL})
    table = align_names(make_table("row", {"x": [row]}), train.columns)
    assert list(table.columns) == [f"x[:, {k}]" for k in range(4)]
    steps = row if isinstance(row, list) else []
    for k in range(4):
        assert table.columns[f"x[:, {k}]"] == [[step[k] for step in steps]]


def test_series_stay_series_and_objects_may_lack_a_key():
    train = make_table("train", {"x": [[[1, 2], [3, 4], [5, 6]], [[1], [2], [3]]]})
    square = make_table("row", {"x": [[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]})
    assert align_names(square, train.columns).columns == {
        f"x[{k}]": [[str(3 * k + each) for each in (1, 2, 3)]] for k in range(3)
    }
    train = make_table("train", {"e": [[{"k": 1, "note": "x"}], [{"k": 2}]]})
    found = align_names(make_table("row", {"e": [[{"k": 5}]]}), train.columns)
    assert found.columns == {"e.k": [["5"]], "e.note": [[""]]}
    plain = {"a.b": ["x"], "c": ["[]"]}  # names with a full stop that nothing was spread into
    assert align_spread(plain, ["a.b", "a.c", "c.d"])["a.b"] == ["x"]


def test_a_file_and_rows_in_memory_are_spread_alike(tmp_path):
    rng = np.random.default_rng(0)
    signals = [rng.normal(size=(8 + i % 3, 2)).round(3).tolist() for i in range(30)]
    signals[0][3][1] = float("nan")
    frame = pd.DataFrame({"id": range(30), "signal": signals})
    frame.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "a.json").write_text(frame.to_json(orient="records"))
    arrays = [np.array(signal, dtype=np.float64) for signal in signals]
    tables = [read_table(tmp_path / "a.csv"), read_table(tmp_path / "a.json")]
    tables += [make_table("row", frame), make_table("row", {"id": range(30), "signal": arrays})]
    for table in tables:
        assert list(table.columns) == ["id", "signal[:, 0]", "signal[:, 1]"]
        for row, signal in zip(table.columns["signal[:, 1]"], signals, strict=True):
            found = [float(value or "nan") for value in row]
            np.testing.assert_array_equal(found, [step[1] for step in signal])


def test_lists_of_steps_in_a_long_table_follow_each_other(tmp_path):
    rows = [
        {"id": i // 3, "step": i, "box": [[1, i], [3, 4]], "kind": "abc"[i % 3]} for i in range(60)
    ]
    (tmp_path / "train.json").write_text(json.dumps(rows))
    (tmp_path / "test.json").write_text(json.dumps([row | {"id": 90 + row["id"]} for row in rows]))
    labels = "".join(f"{i},{'ab'[i % 2]}\n" for i in range(20))
    (tmp_path / "labels.csv").write_text("id,label\n" + labels)
    sample = "".join(f"{90 + i},a\n" for i in range(20))
    (tmp_path / "sample_submission.csv").write_text("id,label\n" + sample)
    made = read_competition(find_files(tmp_path), DataConfig(), name="boxes")
    assert {"kind", "box[:, 0]", "box[:, 1]"} >= set(made.reading["sequence"]) > {"kind"}


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
    assert made.reading["sequence"] == tuple(f"signal[:, {k}]" for k in range(3))
    assert made.train.steps.tokens.shape == (50 * 9, 3)
