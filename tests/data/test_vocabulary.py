import numpy as np
import pytest
from conftest import sequence_set

from seqblend.core.config import VocabularyConfig
from seqblend.data.sequences import UNK
from seqblend.data.vocabulary import fit_vocabulary


def test_ids_follow_count_then_text():
    train = sequence_set([[3, 3, 1], [1, 2, 3], [0]])
    remap, size = fit_vocabulary(train, 5, VocabularyConfig(min_count=1))
    # counts: 3 three times, 1 twice, 0 and 2 once (a tie: the smaller text first), 4 never
    assert remap.tolist() == [4, 3, 5, 2, UNK]
    assert size == 6


def test_rare_tokens_and_those_beyond_the_size_are_unknown():
    train = sequence_set([[3, 3, 3, 1, 1, 2]])
    assert fit_vocabulary(train, 4, VocabularyConfig(min_count=2))[0].tolist() == [1, 3, 1, 2]
    assert fit_vocabulary(train, 4, VocabularyConfig(min_count=1, size=1))[0].tolist() == [
        1,
        1,
        1,
        2,
    ]


@pytest.mark.fault("K2")
def test_validation_rows_have_no_part_in_it():
    train = sequence_set([[0, 1, 1], [2, 2, 2]])
    other = sequence_set([[0, 1, 1], [2, 2, 2], [9, 9, 9, 9]])
    config = VocabularyConfig(min_count=1)
    np.testing.assert_array_equal(
        fit_vocabulary(train, 10, config)[0],
        fit_vocabulary(other.take(np.array([0, 1])), 10, config)[0],
    )
