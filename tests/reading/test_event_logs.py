"""Events with times and amounts: which columns are measured, and what is read of them."""

from __future__ import annotations

import csv
import json
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from seqblend.core.config import DataConfig
from seqblend.reading.discovery import find_files
from seqblend.reading.kinds import measured_kind
from seqblend.reading.measurements import Measurements, time_tokens
from seqblend.reading.reader import read_competition

RNG = np.random.default_rng(0)
START = datetime(2024, 3, 2, 22, 0, 0, tzinfo=UTC)  # a Saturday


def draw(make, rows=100, steps=20):
    return [[str(each) for each in make(steps)] for _ in range(rows)]


def ids(steps):
    return np.minimum(RNG.zipf(1.3, steps), 5_000)


def wave(steps):
    return np.int64(100 * np.sin(np.arange(steps) / 3 + RNG.uniform(0, 6))) + 100


@pytest.mark.parametrize(
    ("rows", "alone", "beside"),
    [
        (draw(ids), "", "amounts"),
        (draw(lambda n: np.sort(RNG.choice(900, n, replace=False))), "", "amounts"),
        (draw(lambda n: np.cumsum(RNG.integers(1, 10**6, n))), "", "counters"),
        (draw(lambda n: 300 * RNG.integers(9) + RNG.integers(0, 100, n)), "", "amounts"),
        (draw(wave), "numbers", "numbers"),
        (draw(lambda n: RNG.integers(-300, 300, n)), "numbers", "numbers"),
        (draw(lambda n: RNG.normal(size=n).round(3)), "numbers", "numbers"),
        (draw(lambda n: [*ids(n - 4), -1, -1, -1, -1]), "", "amounts"),
        (draw(lambda n: np.cumsum(RNG.random(n)).round(3)), "numbers", "counters"),
        (draw(lambda n: RNG.integers(0, 9, n)), "", ""),
        (draw(lambda n: RNG.choice(["buy", "sell", "7"], n)), "", ""),
        ([[f"2024-03-02 10:{m:02}:00" for m in range(9)]] * 3, "times", "times"),
        ([[], []], "", ""),
        ([["5"]] * 60, "", ""),
    ],
    ids=[
        *("ids", "sorted", "clock", "ids by topic", "smooth", "negative", "fractions"),
        *("padded", "ascending", "few", "words", "times", "empty", "one"),
    ],
)
def test_what_steps_measure(rows, alone, beside):
    assert measured_kind(rows) == alone
    assert measured_kind(rows, is_beside=True) == beside


def test_channels_of_counters_amounts_and_times():
    kinds = {"at": "times", "clock": "counters", "price": "amounts", "x": "numbers"}
    times = ["2024-03-02 22:00:00", "2024-03-02T22:01:40+00:00", "", "2024-03-03 04:30"]
    row = [times, ["10", "12", "17", "18"], ["0", "9", "99", "-3"], ["1", "2", "3", "?"]]
    fitted = Measurements.fit(kinds, [row, row])
    found = fitted._values(row)
    assert list(found) == [
        *("at gap", "at hour", "at weekday", "clock", "clock gap", "price", "x"),
    ]
    np.testing.assert_allclose(found["at gap"], [0, math.log(101), np.nan, np.nan])
    np.testing.assert_allclose(found["at hour"], [22, 22 + 1 / 36, np.nan, 4.5])
    np.testing.assert_allclose(found["at weekday"], [5, 5, np.nan, 6])
    np.testing.assert_allclose(found["clock gap"], [0, 2, 5, 1])
    np.testing.assert_allclose(found["price"], np.log1p([0, 9, 99, 0]))
    assert fitted.values(row).shape == (4, 7)
    summaries = fitted.tokens(row, has_steps=False)
    columns = [token.rpartition(" ")[0] for token in summaries]
    assert list(dict.fromkeys(columns)) == ["clock", "clock gap", "price", "x"]
    assert fitted.tokens(row)[: len(summaries)] == summaries
    assert len(fitted.tokens(row)) == len(summaries) + 4 * 4  # no typical steps: too few


def test_times_are_told_by_weekday_hour_and_gaps():
    times = ["2024-03-02 22:00:00", "", "2024-03-02 22:00:01", "no time", "2024-03-02 21:00"]
    assert time_tokens(times) == ["Sat", "22h", "gap1", "gap-11"]
    assert time_tokens(["", "?"]) == []
    assert time_tokens(["2024-03-02 22:00:00 UTC"]) == ["Sat", "22h"]


def write_log(folder, name, ids, *, event=None, is_even=False):
    """A row per event, at random times or every minute."""
    rng, texts = np.random.default_rng(len(ids)), event or (lambda _: "abc"[rng.integers(3)])
    with (folder / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user", "time", "event", "price", "seconds", "level"])
        for user in ids:
            moment = START
            for step in range(12):
                moment += timedelta(seconds=60 if is_even else int(rng.integers(1, 5_000)))
                prices = f"{rng.lognormal():.2f}", int(rng.lognormal(5)), int(rng.integers(9))
                writer.writerow([user, moment.strftime("%Y-%m-%d %H:%M:%S"), texts(step), *prices])


def read_users(folder):
    """The competition of 40 users with a label, and 10 without."""
    labels = "".join(f"{user},{'ab'[user % 2]}\n" for user in range(40))
    (folder / "labels.csv").write_text("user,label\n" + labels)
    sample = "".join(f"{user},a\n" for user in range(40, 50))
    (folder / "sample_submission.csv").write_text("user,label\n" + sample)
    return read_competition(find_files(folder), DataConfig(), name="log")


def read_log(folder, **options):
    folder.mkdir()
    write_log(folder, "train", range(40), **options)
    write_log(folder, "test", range(40, 50), **options)
    return read_users(folder)


def test_a_log_keeps_its_times_and_prices_beside_its_events(tmp_path):
    made = read_log(tmp_path / "log")
    kinds = {
        name: kind["name"]
        for name, kind in zip(made.reading["sequence"], made.reading["kinds"], strict=True)
    }
    assert kinds == {
        **{"time": "times", "event": "tokens", "price": "numbers"},
        **{"seconds": "amounts", "level": "tokens"},
    }
    assert made.train.steps.tokens.shape[1] == 3 + 1 + 1  # of times, price and seconds
    assert made.train.steps.lengths.tolist() == [12] * 40
    assert len(made.test.steps) == 10
    row = [made.view.lexicon[token] for token in made.train.row(0)]
    what = [token.partition("=")[0] for token in row if "=" in token]
    assert what == [
        f"{name} {part}"
        for name in ("price", "seconds")
        for part in ("mean", "deviation", "least", "most")
    ]
    marks = [token.strip("\x1f") for token in row if token.startswith("\x1f")]
    assert marks == ["time", "event", "seconds", "level"]
    assert sum(token.startswith("gap") for token in row) == 11


def test_even_times_tell_the_order_alone_and_are_left_out(tmp_path):
    made = read_log(tmp_path / "log", is_even=True)
    assert "time" not in made.reading["sequence"]


def test_texts_are_read_beside_times_and_prices(tmp_path):
    words = ["some", "old", "new", "red", "big", "small", "good", "bad", "film", "plot", "was"]
    rng = np.random.default_rng(0)
    made = read_log(tmp_path / "log", event=lambda _: " ".join(rng.choice(words, 8)))
    kinds = [kind["name"] for kind in made.reading["kinds"]]
    assert made.reading["sequence"] == ("time", "event", "price", "seconds", "level")
    assert kinds == ["times", "text", "numbers", "amounts", "tokens"]
    row = [made.view.lexicon[token] for token in made.train.row(0)]
    assert len([token for token in row if token in words]) == 8 * 12
    assert made.train.steps.tokens.shape[1] == 5


def read_events(folder, columns, *, steps=12):
    """A log whose columns are made by functions of (row number of the file, step)."""
    folder.mkdir()
    for name, users in (("train", range(40)), ("test", range(40, 50))):
        names = ["user", *columns]
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            for i, user in enumerate(user for user in users for _ in range(steps)):
                writer.writerow([user, *(make(i, i % steps) for make in columns.values())])
    return read_users(folder)


def test_ids_of_events_tell_no_model_where_a_row_stands_in_the_file(tmp_path):
    rng = np.random.default_rng(0)
    codes = {"event": lambda i, step: "abc"[rng.integers(3)]}
    running = np.cumsum(rng.integers(1, 4, 1_000))
    made = read_events(tmp_path / "one", codes | {"event_id": lambda i, _: running[i]})
    assert made.train.steps is not None
    values = made.train.steps.tokens[made.train.steps.starts, 0]
    assert np.ptp(values) == 0, "the first of each row, wherever it stands"
    unique = rng.permutation(10**6)
    made = read_events(tmp_path / "two", codes | {"event_id": lambda i, _: unique[i]})
    assert made.reading["sequence"] == ("event",)
    assert made.train.steps is None


@pytest.mark.parametrize(
    "order",
    [
        lambda i, step: f"{1 + step + (step > 4):02}/02/2024 18:00",
        lambda i, step: step + (step > 4),
        lambda i, step: step + (step > 4 and i < 12),
    ],
    ids=["another form of times", "few numbers", "one gap in one sequence"],
)
def test_an_order_that_is_neither_a_time_nor_a_counter_is_left_out(tmp_path, order):
    rng = np.random.default_rng(0)
    columns = {"time": order, "event": lambda i, step: "abc"[rng.integers(3)]}
    assert read_events(tmp_path / "log", columns).reading["sequence"] == ("event",)


def test_days_are_times(tmp_path):
    rng = np.random.default_rng(0)
    columns = {
        "day": lambda i, step: f"2024-01-{1 + 2 * step + step % 2:02}",
        "event": lambda i, step: "abc"[rng.integers(3)],
    }
    made = read_events(tmp_path / "log", columns)
    assert [kind["name"] for kind in made.reading["kinds"]] == ["times", "tokens"]


def test_the_same_rows_are_measured_whether_cells_are_null_or_lists_in_text(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        {
            "id": i,
            "kind": rng.choice([*"abcd"], 12).tolist(),
            "price": rng.integers(0, 10**4, 12).tolist(),
        }
        for i in range(30)
    ]
    rows[4] |= {"kind": [], "price": []}
    found = []
    for name, dump in (
        ("lists", lambda x: x),
        ("texts", json.dumps),
        ("nulls", lambda x: x or None),
    ):
        folder = tmp_path / name
        folder.mkdir()
        cells = [{key: dump(v) if key != "id" else v for key, v in row.items()} for row in rows]
        train = [row | {"label": "ab"[i % 2]} for i, row in enumerate(cells)]
        (folder / "train.json").write_text(json.dumps(train))
        (folder / "test.json").write_text(json.dumps([row | {"id": 99} for row in cells[:1]]))
        made = read_competition(find_files(folder), DataConfig(), name="log")
        found.append([kind["name"] for kind in made.reading["kinds"]])
    assert found == [["tokens", "amounts"]] * 3


@pytest.mark.parametrize("is_reversed", [True, False])
def test_times_order_the_steps_whether_newest_first_or_in_no_order(tmp_path, is_reversed):
    places = np.arange(12)[::-1] if is_reversed else np.random.default_rng(0).permutation(12)
    columns = {
        "time": lambda i, step: (
            f"2024-{1 + i // 12 % 9:02}-{10 + i // 108} {8 + places[step]:02}:00"
        ),
        "event": lambda i, step: "abcdefghijkl"[places[step]],
    }
    made = read_events(tmp_path / "log", columns)
    row = [made.view.lexicon[token] for token in made.train.row(0)]
    assert [token for token in row if len(token) == 1] == [*"abcdefghijkl"]
