"""Wide tables: one column per step is read as one list."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from seqblend.core.config import DataConfig
from seqblend.core.errors import FlagError, InputError
from seqblend.reading.assembling import Assembled
from seqblend.reading.discovery import find_files
from seqblend.reading.lexicon import EMPTY
from seqblend.reading.reader import read_competition
from seqblend.reading.row_ids import match_rows
from seqblend.reading.schema import find_schema
from seqblend.reading.tables import RawTable
from seqblend.reading.wide_tables import find_step_columns, join_step_columns, match_step_columns

ROWS = [["5", "3", "12"], ["3"], ["7", "", "5", "5"], []]  # the last two: a gap, nothing at all


def records(rows, names, **more):
    """One dict a row: an id, the steps, empty where a row is shorter, and further columns."""
    return [
        {"id": f"r{i}"}
        | dict(zip(names, row + [""] * (len(names) - len(row)), strict=True))
        | {name: values[i] for name, values in more.items()}
        for i, row in enumerate(rows)
    ]


def write(path, rows):
    if path.suffix == ".json":
        whole = [{k: int(v) if v.isdigit() else v or None for k, v in row.items()} for row in rows]
        path.write_text(json.dumps(whole))
        return
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read(folder, train, test, suffix=".csv", **data):
    folder.mkdir(exist_ok=True)
    write(folder / f"train{suffix}", train)
    write(folder / f"test{suffix}", test)
    return read_competition(find_files(folder), DataConfig(**data), name="wide")


def tokens_of(competition, part):
    rows, lexicon = getattr(competition, part), competition.view.lexicon
    return [[lexicon[i] for i in rows.row(row)] for row in range(len(rows))]


def sequence_finding(competition):
    return next(f for f in competition.findings if f.what == "sequence")


@pytest.mark.parametrize("suffix", [".csv", ".json"])
@pytest.mark.parametrize(
    "names", [["t0", "t1", "t2", "t10"], ["step_1", "step_2", "step_3", "step_10"], list("1234")]
)
def test_a_wide_table_is_the_list_of_its_steps_whatever_the_columns_order(tmp_path, names, suffix):
    labels = ["a", "b", "a", "b"]
    train = records(ROWS, names, label=labels)
    test = [dict(reversed(row.items())) for row in records(ROWS[:2], names)]
    competition = read(tmp_path, train, test, suffix)
    steps = [["5", "3", "12"], ["3"], ["7", EMPTY, "5", "5"], [EMPTY]]
    assert tokens_of(competition, "train") == steps
    assert tokens_of(competition, "test") == steps[:2]
    assert competition.view.name == "ids"
    assert competition.train_ids == ["r0", "r1", "r2", "r3"]
    assert competition.counts["empty_train"] == 1
    lists = [{"id": f"r{i}", "sequence": row} for i, row in enumerate(ROWS)]
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "train.json").write_text(
        json.dumps([row | {"label": y} for row, y in zip(lists, labels, strict=True)])
    )
    (tmp_path / "list" / "test.json").write_text(json.dumps(lists[:2]))
    same = read_competition(find_files(tmp_path / "list"), DataConfig(), name="wide")
    np.testing.assert_array_equal(same.view.sequences.tokens, competition.view.sequences.tokens)
    assert same.view.lexicon == competition.view.lexicon


def test_the_finding_names_the_columns_and_none_of_them_is_ignored(tmp_path):
    names = [f"p{i:03}" for i in range(12)]
    rows = [["3"] * 12, ["4"] * 12, ["3"] * 12]
    train = records(rows, names, label=["a", "b", "a"], city=["New York", "Rome", "Oslo"])
    found = read(tmp_path, train, records(rows, names, city=["Rome", "Oslo", "Rome"]))
    assert sequence_finding(found).value == "p* (p000 to p011)"
    assert sequence_finding(found).why.startswith("12 columns, one per step")
    ignored = next(f for f in found.findings if f.what == "ignored columns")
    assert ignored.value.startswith("city")


def test_whole_floats_are_the_ids_they_were(tmp_path):
    names = ["t0", "t1", "t2"]
    train = records([["3.0", "4.0", ""], ["4.0", "3.0", "3.0"]], names, label=["a", "b"])
    competition = read(tmp_path, train, records([["3", "4", "4"]], names))
    assert tokens_of(competition, "train") == [["3", "4"], ["4", "3", "3"]]
    assert tokens_of(competition, "test") == [["3", "4", "4"]]


def test_words_are_steps_where_they_come_again(tmp_path):
    names = [f"act{i}" for i in range(8)]
    rows = [["walk", "run", "sit", "walk", "sit", "sit", "run", "run"]] * 3
    train = records(rows, names, label=["a", "b", "a"])
    assert tokens_of(read(tmp_path, train, records(rows, names)), "test")[0] == rows[0]


PROSE = ["a fine film of two men", "no plot and no end at all", "it was good, I think"]


def test_a_text_beside_numbered_features_stays_the_sequence(tmp_path):
    names = [f"x{i}" for i in range(40)]
    rows = [["1"] * 40, ["2"] * 40, ["1"] * 40]
    train = records(rows, names, label=["a", "b", "a"], text=PROSE)
    competition = read(tmp_path, train, records(rows, names, text=PROSE))
    assert sequence_finding(competition).value == "text"
    asked = read(tmp_path, train, records(rows, names, text=PROSE), sequence="x*")
    assert sequence_finding(asked).value == "x* (x0 to x39)"
    assert tokens_of(asked, "train")[1] == ["2"] * 40


def test_a_pattern_takes_numbered_columns_only_and_a_list_keeps_its_order(tmp_path):
    names = ["t0", "t1", "t2", "t3"]
    rows = [["1", "2", "3", "4"], ["4", "3", "2", "1"], ["1", "1", "2", "2"]]
    train = records(rows, names, label=["a", "b", "a"], total=["9", "8", "7"])
    test = records(rows, names, total=["9", "8", "7"])
    assert tokens_of(read(tmp_path, train, test, sequence="t*"), "train")[0] == rows[0]
    chosen = read(tmp_path, train, test, sequence="t2,t0")
    assert tokens_of(chosen, "train") == [["3", "1"], ["2", "4"], ["2", "1"]]
    assert sequence_finding(chosen).value == "t* (t2 to t0)"


def test_two_families_are_joined_one_after_the_other(tmp_path):
    rows = [["1", "2", "8", "9"], ["2", "1", "9", "8"], ["1", "1", "8", "8"]]
    names = ["a0", "a1", "b0", "b1"]
    train = records(rows, names, label=["x", "y", "x"])
    competition = read(tmp_path, train, records(rows, names), sequence="b*,a*")
    first = tokens_of(competition, "train")[0]
    assert (first[1:3], first[4:]) == (["8", "9"], ["1", "2"])
    assert "b*" in first[0]
    assert "a*" in first[3]


def test_a_step_column_that_test_lacks_is_one_clear_error(tmp_path):
    names = [f"t{i}" for i in range(5)]
    rows = [["1", "2", "3", "4", "5"]] * 3
    train, test = records(rows, names, label=["a", "b", "a"]), records(rows, names)
    for row in test:
        del row["t3"]
    for data in ({}, {"sequence": "t*"}):
        with pytest.raises(InputError, match=r"test.csv lacks 1 of the 5 .* 't\*' \(t3\)\. Add"):
            read(tmp_path, train, test, **data)


def test_real_valued_columns_are_read_as_real_valued_steps(tmp_path):
    names = [f"t{i}" for i in range(10)]
    rows = np.random.default_rng(0).normal(size=(8, 10)).round(4).astype(str).tolist()
    train = records(rows, names, label=["a", "b"] * 4)
    made = read(tmp_path, train, records(rows, names))
    assert {token.partition("=")[0] for token in made.view.lexicon} >= {"t*", "t* mean", "t* least"}
    assert made.train.lengths.tolist() == [14] * 8


def test_a_pattern_that_names_nothing_lists_the_columns(tmp_path):
    names = ["t0", "t1", "t2"]
    train = records([["1", "2", "3"]] * 2, names, label=["a", "b"])
    with pytest.raises(FlagError, match=r"no column 's\*'.* Columns: id, t0, t1, t2, label"):
        read(tmp_path, train, records([["1", "2", "3"]], names), sequence="s*")


def test_unlabelled_rows_are_joined_too_or_left_out_with_a_warning(tmp_path):
    names = ["t0", "t1", "t2"]
    rows = [["1", "2", "3"], ["2", "2", "1"]]
    write(tmp_path / "unlabelled.csv", records([["3", "2"]], names))
    train, test = records(rows, names, label=["a", "b"]), records(rows, names)
    competition = read(tmp_path, train, test)
    assert competition.counts["unlabelled"] == 1
    assert competition.view.sequences.lengths.tolist() == [3, 3, 3, 3, 2]
    write(tmp_path / "unlabelled.csv", records([["3"]], ["t0"]))
    warning = "unlabelled.csv has no column t1, t2: skipped"
    assert read(tmp_path, train, test).warnings == [warning]


def table(**columns):
    return RawTable(Path("made.csv"), columns, None, "made")


def test_steps_are_ordered_by_their_numbers():
    columns = {f"t{i}": ["1"] for i in (10, 2, 1)} | {"total": ["1"], "u3": ["1"]}
    assert match_step_columns("t*", table(**columns)) == ("t1", "t2", "t10")


@pytest.mark.parametrize(
    ("cells", "is_found"),
    [
        (["1", "2", ""], True),
        (["a", "b", "a"], True),
        (["0.25", "0.5", "0.75"], True),  # refused later, with a message of its own
        (["a b", "a b", "a b"], False),
        (["", "", ""], False),
        ([["1"], ["2"], ["3"]], False),
    ],
)
def test_a_family_has_one_value_a_cell(cells, is_found):
    made = table(**{f"t{i}": cells for i in range(3)})
    assert bool(find_step_columns(made, made, DataConfig())) == is_found


def test_words_that_never_come_again_are_names_and_no_steps():
    made = table(**{f"t{i}": [f"{i}a", f"{i}b"] for i in range(3)})
    assert find_step_columns(made, made, DataConfig()) == {}


def test_only_cells_at_the_end_are_padding():
    made = table(t0=["", "1"], t1=[" 2 ", ""], t2=["", " "])
    joined = join_step_columns(made, {"t*": ("t0", "t1", "t2")})
    assert joined.columns["t*"] == [["", "2"], ["1"]]


def test_no_step_is_taken_for_the_id_or_the_target():
    steps = {f"t{i}": ["7", "8", "9"] for i in range(4)}
    train = table(**steps, outcome=["a", "b", "a"])
    test = table(**{name: cells for name, cells in steps.items() if name != "t2"})
    schema = find_schema(Assembled(train, test, None, match_rows(test, None)), DataConfig())
    assert (schema.id, schema.target.name, schema.sequence) == (None, "outcome", ("t*",))
    assert schema.steps == {"t*": ("t0", "t1", "t2", "t3")}
