"""Lists in cells, as JSON, Python, NumPy and pandas write them."""

from __future__ import annotations

import pytest

from seqblend.core.errors import InputError
from seqblend.reading.list_cells import is_abbreviated, is_list, parse_list


@pytest.mark.parametrize(
    ("cell", "members"),
    [
        ("[1, 2, 03]", ["1", "2", "03"]),
        ('["a b", "c"]', ["a b", "c"]),
        ("['a b', 'it\\'s', \"o'k\"]", ["a b", "it's", "o'k"]),
        ("['red' 'green'\n 'blue']", ["red", "green", "blue"]),
        ("[ 1.5  2. ]", ["1.5", "2."]),
        ("(1, 2)", ["1", "2"]),
        ("{'a', 'b'}", ["a", "b"]),
        ("array([1, 2, 3], dtype=int64)", ["1", "2", "3"]),
        ("[1 2 ... 9]", ["1", "2", "9"]),
        ("['a', None, 'c']", ["a", "", "c"]),
        ("[]", []),
        ("", []),
    ],
)
def test_every_way_of_writing_a_list_is_read(cell, members):
    assert parse_list(cell, "here") == members


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("[[1, 2], [3, 4]]", r"here: .* nested values \(nested lists\).* data.ignore"),
        ("[(5, 2), (0, 0)]", "nested lists"),
        ("[{'t': 0}]", "a dictionary"),
        ("{'a': 1}", "a dictionary"),
        ("hello", r"'hello' is not a list, .* data.kind=text"),
    ],
)
def test_nested_values_are_refused_in_one_line(cell, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_list(cell, "here")
    assert "\n" not in str(caught.value)


def test_a_list_is_known_by_its_ends():
    assert [is_list(text) for text in ("[1]", "(1)", "{1}", "[1)", "1", "[")] == [True] * 3 + [
        False
    ] * 3
    assert is_abbreviated("[1 2 ... 9]")
    assert not is_abbreviated("['wait...', 'what']")
