"""The lexicon: one id per token, sorted by text, and at least one token in every row."""

import pickle

import numpy as np
import pytest

from seqblend.reading.kinds import plain_number
from seqblend.reading.lexicon import EMPTY, Interner, unseen_rate


def _view(*parts, canonical=str):
    interner = Interner()
    for rows in parts:
        interner.add(rows)
    return interner.finish("ids", canonical)


def _texts(view):
    return [
        [view.lexicon[i] for i in view.sequences.row(row)] for row in range(len(view.sequences))
    ]


def test_rows_come_back_as_they_went_in():
    rows = [["b", "a", "b"], ["c"], ["a b", "ü"]]
    assert _texts(_view(rows)) == rows


def test_the_lexicon_is_sorted_whatever_the_rows_order():
    one, other = _view([["b", "a"], ["c"]]), _view([["c"], ["b", "a"]])
    assert one.lexicon == other.lexicon == ["a", "b", "c"]
    np.testing.assert_array_equal(one.sequences.row(0), other.sequences.row(1))


def test_rows_that_others_collected_follow_and_may_have_been_pickled():
    one, other = Interner(), Interner()
    one.add([["b", "a"], []])
    other.add([["c", "a"], ["d"]])
    one.merge(pickle.loads(pickle.dumps(other)))
    whole = one.finish("ids")
    assert _texts(whole) == [["b", "a"], [EMPTY], ["c", "a"], ["d"]]
    assert whole.sequences.tokens.dtype == np.int32


@pytest.mark.fault("I1")
def test_an_empty_row_holds_one_empty_token_and_is_counted():
    interner = Interner()
    assert interner.add([[], ["a"], []]) == 2
    view = interner.finish("ids")
    assert _texts(view) == [[EMPTY], ["a"], [EMPTY]]
    assert view.sequences.lengths.tolist() == [1, 1, 1]


def test_tokens_with_the_same_canonical_text_become_one():
    view = _view([["3.0", "3", "007", "1.5"]], canonical=plain_number)
    assert _texts(view) == [["3", "3", "007", "1.5"]]
    assert view.lexicon == ["007", "1.5", "3"]


def test_tokens_are_int32_and_offsets_int64():
    view = _view([["a"]], [["b", "c"]])
    assert view.sequences.tokens.dtype == np.int32
    assert view.sequences.starts.dtype == view.sequences.lengths.dtype == np.int64


def test_the_unseen_rate_is_the_share_of_test_tokens_not_in_training():
    view = _view([["a", "b"]], [["a", "x", "y"], ["b"]])
    assert unseen_rate(view, slice(0, 1), slice(1, 3)) == 0.5
