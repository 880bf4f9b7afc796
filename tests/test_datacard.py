import numpy as np
from conftest import sequence_set

from seqblend.reporting.datacard import count_overlap, cut_share, unseen_token_rate


def test_the_overlap_counts_rows_on_both_sides():
    both = sequence_set([[1, 2], [3], [1, 2], [4], [1, 2], [5], [4, 4]])
    train, test = both.take(slice(0, 4)), both.take(slice(4, 7))
    assert count_overlap(train, test) == (2, 1)


def test_the_cut_share_counts_tokens():
    assert cut_share(np.array([10, 4]), 5) == 5 / 14
    assert cut_share(np.array([3, 4]), 5) == 0


def test_unseen_tokens_are_those_that_no_training_row_has():
    both = sequence_set([[0, 1], [1, 2, 2, 2]])
    assert unseen_token_rate(both.take(slice(0, 1)), both.take(slice(1, 2)), 3) == 0.75
