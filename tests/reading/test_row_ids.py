"""Test rows and the sample submission's lines belong together by the values of their ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqblend.core.errors import InputError
from seqblend.reading.row_ids import find_id_column, match_rows
from seqblend.reading.tables import RawTable

IDS = ["t7", "t3", "t9"]
TEXT = ["a b", "c d", "e f"]


def _table(name="test.csv", **columns):
    return RawTable(Path(name), columns, None, "made")


def _sample(**columns):
    return _table("sample_submission.csv", **columns)


@pytest.mark.parametrize(
    ("test", "sample", "column", "ids"),
    [
        ({"id": IDS, "text": TEXT}, {"id": IDS[::-1], "y": ["0"] * 3}, "id", IDS),
        ({"ID": IDS, "text": TEXT}, {"Id": IDS[::-1], "y": ["0"] * 3}, "ID", IDS),
        ({"phrase": IDS, "text": TEXT}, {"id": IDS[::-1], "y": ["0"] * 3}, "phrase", IDS),
        ({"": IDS, "text": TEXT}, {"": IDS[::-1], "y": ["0"] * 3}, "", IDS),
        ({"id": IDS, "text": TEXT}, {"y": ["0"] * 3, "id": IDS[::-1]}, "id", IDS),
        ({"id": ["007", "8"], "text": TEXT[:2]}, {"id": ["8", "7"], "y": "00"}, "id", ["7", "8"]),
        ({"id": ["a_08", "a_09"], "s": "xy"}, {"id": ["9", "8"], "y": "00"}, "id", ["8", "9"]),
    ],
    ids=["name", "case", "other name", "unnamed", "second column", "numbers", "trailing numbers"],
)
def test_the_column_with_the_samples_ids_is_the_id_whatever_it_is_called(test, sample, column, ids):
    test = {name: list(cells) for name, cells in test.items()}
    sample = {name: list(cells) for name, cells in sample.items()}
    matched = match_rows(_table(**test), _sample(**sample))
    assert matched.column == column
    assert matched.ids == ids
    assert sorted(matched.order) == sorted(ids)
    assert not matched.warnings


def test_a_name_decides_where_two_columns_hold_the_ids():
    numbers = ["0", "1", "2"]
    test = _table(rank=["2", "0", "1"], id=["1", "2", "0"], text=TEXT)
    assert match_rows(test, _sample(id=numbers, y=["0"] * 3)).ids == ["1", "2", "0"]


def test_rows_are_counted_only_where_test_has_no_ids_and_the_table_says_so():
    sample = _sample(id=["row_0", "row_1", "row_2"], y=["0"] * 3)
    matched = match_rows(_table(text=TEXT), sample)
    assert matched.column is None
    assert matched.ids == ["row_0", "row_1", "row_2"]
    assert "by their order" in matched.warnings[0]
    with pytest.raises(InputError, match=r"3 ids in 'id' .* but 'key' has others\. Take test and"):
        match_rows(_table(key=IDS, text=TEXT), sample)
    with pytest.raises(InputError, match=r"has 3 ids .* test.csv has 2 rows; .* no column holds"):
        match_rows(_table(text=TEXT[:2]), sample)


def test_an_id_that_comes_again_is_told_from_one_that_does_not():
    long = _table(key=["a", "a", "b", "b"], value=["1", "2", "3", "4"])
    matched = match_rows(long, _sample(key=["b", "a"], y=["0"] * 2))
    assert matched.is_repeated
    assert matched.ids == ["a", "a", "b", "b"]


def test_without_a_sample_an_id_of_test_alone_is_taken():
    matched = match_rows(_table(index=IDS, sentence=TEXT), None)
    assert (matched.column, matched.order) == ("index", IDS)
    assert match_rows(_table(t1=["1", "2"], t2=["3", "4"], t3=["5", "6"]), None).column is None


def test_a_file_of_predictions_may_call_the_id_otherwise():
    assert find_id_column(_table(Key=IDS, p=["0"] * 3), "key", IDS) == "Key"
    assert find_id_column(_table(p=["0"] * 4, row=[*IDS, "t1"]), "id", IDS) == "row"
    assert find_id_column(_table(p=["0"] * 3), "id", IDS) is None


@pytest.mark.parametrize("index", ["", "index", "Unnamed: 0", "n"])
def test_an_id_goes_before_a_column_that_counts_rows(index):
    numbers = ["0", "1", "2"]
    test = _table(**{index: numbers, "id": IDS, "text": TEXT})
    sample = _sample(**{index: numbers, "id": IDS[::-1], "y": ["0"] * 3})
    matched = match_rows(test, sample)
    assert matched.column == "id"
    assert matched.order == IDS[::-1]


def test_two_columns_with_the_ids_in_different_orders_are_named():
    test = _table(parent=IDS[::-1], child=IDS, text=TEXT)
    with pytest.raises(InputError, match=r"'parent' and 'child' both have .* data.id=COLUMN"):
        match_rows(test, _sample(id=IDS, y=["0"] * 3))
    assert match_rows(test, _sample(id=IDS, y=["0"] * 3), "child").ids == IDS


def test_a_sample_that_repeats_the_columns_of_test_proves_the_order():
    dates, texts = ["1", "1", "2"], ["you too", "you too", "go on"]
    test = _table(Date=dates, Comment=texts)
    matched = match_rows(test, _sample(y=["0"] * 3, Date=dates, Comment=texts))
    assert (matched.column, matched.sample_column) == (None, None)
    assert matched.ids == ["0", "1", "2"]
