import numpy as np
import pytest
from conftest import sequence_set

from seqblend.reporting.facts.datacard import count_overlap, cut_share, describe_balance


@pytest.mark.fault("K3")
def test_the_overlap_counts_rows_on_both_sides():
    both = sequence_set([[1, 2], [3], [1, 2], [4], [1, 2], [5], [4, 4]])
    train, test = both.take(slice(0, 4)), both.take(slice(4, 7))
    assert count_overlap(train, test) == (2, 1)


def test_the_cut_share_counts_tokens():
    assert cut_share(np.array([10, 4]), 5) == 5 / 14
    assert cut_share(np.array([3, 4]), 5) == 0


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ([2000, 2000], "every class has 2,000 rows"),
        ([800] * 5, "every class has 800 rows"),
        ([30, 1200], "class '0' has 30 rows, class '1' has 1,200"),
        ([5, 7, 5, 9, 6], "the largest, class '3' has 9 rows; the smallest, class '0' has 5"),
        ([9] * 45 + [2], "the largest, class '0' has 9 rows; the smallest, class '45' has 2"),
    ],
)
def test_the_balance_cannot_mistake_a_class_for_a_size(sizes, text):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    assert describe_balance(labels, tuple(map(str, range(len(sizes))))) == text


def test_the_name_of_a_class_is_one_short_line():
    assert describe_balance(np.array([0, 1, 1]), ("a\nb", "x" * 10_000)) == (
        f"class 'a b' has 1 rows, class '{'x' * 39}…' has 2"
    )
