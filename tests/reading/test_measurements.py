"""Real-valued steps as tokens: by quantiles of the training rows, which test rows do not move."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import REPOSITORY

from seqblend.core.config import DataConfig
from seqblend.reading import measurements
from seqblend.reading.cache import load_competition, save_competition
from seqblend.reading.discovery import find_files
from seqblend.reading.measurements import Channel, Codebook, Measurements
from seqblend.reading.reader import read_competition


def texts(values):
    return [f"{value:.6f}" for value in values]


@pytest.fixture
def series():
    return [np.random.default_rng(i).normal(size=5 + i) for i in range(30)]


def test_a_step_is_counted_by_the_quantiles_below_it(series):
    fitted = Channel.fit("x", series)
    values = np.concatenate(series)
    edges = np.quantile(values, np.arange(1, 16) / 16)
    for row in series:
        by_hand = [f"x={sum(edge <= value for edge in edges)}" for value in row]
        assert fitted.step_tokens(row) == by_hand
    counts = np.unique(fitted.step_tokens(values), return_counts=True)[1]
    assert len(counts) == 16
    assert counts.max() - counts.min() <= 2


def test_a_row_is_summed_up_by_tenths_of_the_training_rows(series):
    fitted = Channel.fit("x", series)
    found = {}
    for row in series:
        for token in fitted.row_tokens(row):
            what, _, place = token.partition("=")
            found.setdefault(what, []).append(int(place))
    assert list(found) == ["x mean", "x deviation", "x least", "x most"]
    for what, measure in zip(found, (np.mean, np.std, np.min, np.max), strict=True):
        order = np.argsort([measure(row) for row in series], kind="stable")
        assert np.array(found[what])[order].tolist() == sorted(found[what])
        assert set(found[what]) == set(range(10))


def test_what_is_no_number_is_a_token_of_its_own_and_in_no_summary():
    fitted = Measurements.fit(
        {"x": "numbers"}, [[["1", "2", "", "4"]], [["", "nan"]], [["5", "6", "7"]]]
    )
    assert fitted.tokens([["", "n/a"]]) == ["x=?", "x=?"]
    with_gap, without = fitted.tokens([["", "4"]]), fitted.tokens([["4"]])
    assert with_gap == [*without[:4], "x=?", without[4]]
    nothing = Measurements.fit({"x": "numbers"}, [[["", ""]], [[""]]])
    assert nothing.tokens([[""]]) == ["x=?"]


def test_a_step_has_the_token_of_the_nearest_typical_step():
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(400, 3))
    book = Codebook.fit(steps)
    distances = ((steps[:, None] - book.codes[None]) ** 2).sum(axis=2)
    assert book.tokens(steps) == [f"step={k}" for k in distances.argmin(axis=1)]
    assert len(set(book.tokens(steps))) == 400 // 8
    assert Codebook.fit(steps).codes.tobytes() == book.codes.tobytes()
    assert Codebook.fit(steps[:10]) is None
    assert len(Codebook.fit(np.tile([[1.0, np.nan], [2.0, np.nan]], (50, 1))).codes) == 2
    gap = np.array([[np.nan, 1.0, -1.0]])
    assert book.tokens(gap) == book.tokens(np.array([[0.0, 1.0, -1.0]]))


def test_values_are_standardised_by_the_training_rows():
    rng = np.random.default_rng(0)
    columns = [[rng.normal(5, 10, 4 + i) for i in range(20)] for _ in range(2)]
    rows = [list(map(texts, row)) for row in zip(*columns, strict=True)]
    fitted = Measurements.fit({"x": "numbers", "y": "numbers"}, rows)
    values = np.concatenate([fitted.values(row) for row in rows])
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-5)
    every = np.concatenate(columns[0])
    (found,) = fitted.values([["7", "", "inf"], ["1"]])[:1, 0]
    assert found == pytest.approx((7 - every.mean()) / every.std(), abs=1e-5)
    assert np.isnan(fitted.values([["7", "", "inf"], ["1"]])).tolist() == [
        [False, False],
        [True, True],
        [True, True],
    ]
    assert np.isnan(fitted.values([[], []])).tolist() == [[True, True]]
    constant = Measurements.fit({"x": "numbers"}, [[["3", "3"]]])
    assert constant.values([["3", "5"]]).tolist() == [[0.0], [2.0]]


def test_in_large_competitions_typical_steps_stand_for_all_columns(monkeypatch):
    rng = np.random.default_rng(0)
    rows = [[texts(rng.normal(size=12)) for _ in "xy"] for _ in range(30)]
    kinds = {"x": "numbers", "y": "numbers"}
    small = Measurements.fit(kinds, rows)
    monkeypatch.setattr(measurements, "_MOST_TOLD", 12 * 2 * 30 - 1)
    large = Measurements.fit(kinds, rows)
    for row in rows:
        told = small.tokens(row)
        typical = [token for token in told if token.startswith("step=")]
        assert len(typical) == 12
        assert large.tokens(row) == [*told[:8], *typical]
    uneven = [rows[0][0], rows[0][1][:5]]
    assert large.tokens(uneven) == small.tokens(uneven)


def test_one_column_has_no_typical_steps(series):
    assert Measurements.fit({"x": "numbers"}, [[texts(row)] for row in series]).codebook is None


def write(folder, test_scale, *, is_even=True):
    """Rows of two channels; the label is whether the first one grows."""
    folder.mkdir()
    rng, parts = np.random.default_rng(0), {}
    for part, n, scale in (("train", 40, 1.0), ("test", 10, test_scale)):
        rows = []
        for i in range(n):
            up = np.cumsum(rng.normal((i % 2) - 0.5, 0.3, 12)) * scale
            other = rng.normal(size=12 if is_even else 12 + i % 3) * scale
            row = {"id": f"{part}{i}", "up": up.round(5).tolist(), "x": other.round(5).tolist()}
            rows.append(row | ({"label": ["down", "up"][i % 2]} if part == "train" else {}))
        parts[part] = rows
        (folder / f"{part}.json").write_text(json.dumps(rows))
    return parts


def read(folder):
    return read_competition(find_files(folder), DataConfig(), name="sensors")


def test_test_rows_do_not_move_the_quantiles(tmp_path):
    for name, scale in (("one", 1.0), ("two", 0.5)):
        write(tmp_path / name, scale)
    one, two = read(tmp_path / "one"), read(tmp_path / "two")
    rows = [[made.view.lexicon[t] for t in made.train.flat()[0]] for made in (one, two)]
    assert rows[0] == rows[1]
    assert one.reading["kinds"][0]["name"] == "numbers"


def test_channels_come_step_by_step_where_they_have_the_same_steps(tmp_path):
    write(tmp_path / "even", 1.0)
    write(tmp_path / "uneven", 1.0, is_even=False)
    for name, is_even in (("even", True), ("uneven", False)):
        made = read(tmp_path / name)
        row = [made.view.lexicon[t] for t in made.train.row(1)]
        channels = [token.partition("=")[0] for token in row]
        assert all(" " in each for each in channels[:8])
        steps = ["step", "up", "x"] * 12 if is_even else ["up"] * 12 + ["x"] * 13
        assert channels[8:] == steps


def test_the_values_stand_beside_the_tokens_and_come_back_from_the_disk(tmp_path):
    parts = write(tmp_path / "sensors", 1.0)
    made = read(tmp_path / "sensors")
    save_competition(tmp_path / "stored", made, "key")
    again = load_competition(tmp_path / "stored")
    up = np.concatenate([row["up"] for row in parts["train"]])
    for rows, written in ((made.train, "train"), (made.test, "test"), (again.test, "test")):
        assert rows.steps.lengths.tolist() == [12] * len(rows)
        for i, row in enumerate(parts[written]):
            expected = (np.array(row["up"]) - up.mean()) / up.std()
            np.testing.assert_allclose(rows.steps.row(i)[:, 0], expected, atol=1e-5)
    save_competition(tmp_path / "stored", read(text_competition(tmp_path / "texts")), "key")
    assert load_competition(tmp_path / "stored").train.steps is None


def text_competition(folder):
    folder.mkdir()
    rows = "".join(f"{i},some words {i % 7},{'ab'[i % 2]}\n" for i in range(20))
    (folder / "train.csv").write_text("id,text,label\n" + rows)
    (folder / "test.csv").write_text("id,text\n90,some words 3\n91,some words 4\n")
    return folder


def test_processes_that_were_forked_read_real_values_whatever_threads_there_are(tmp_path):
    """Those of OpenMP, which k-means has started, are not copied: nothing may wait for them."""
    script = """
import sklearn.cluster, numpy as np
from seqblend.core.processes import map_forked
from seqblend.reading.measurements import Measurements

rng = np.random.default_rng(0)
rows = [[[f"{v:.3f}" for v in rng.normal(size=12)] for _ in "ab"] for _ in range(60)]
measured = Measurements.fit({"a": "numbers", "b": "numbers"}, rows)
assert measured.codebook is not None
assert list(map_forked(measured.tokens, rows, 2)) == list(map(measured.tokens, rows))
"""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src"), "OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=120)
