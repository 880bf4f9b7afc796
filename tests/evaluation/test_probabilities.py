"""What counts as probabilities."""

import numpy as np
import pytest

from seqblend.core.errors import InputError
from seqblend.evaluation.probabilities import check_probabilities

GOOD = np.array([[0.25, 0.75], [1.0, 0.0]], np.float32)


@pytest.mark.parametrize("shift", [0.0, 9e-5, -9e-5])
def test_rows_that_sum_to_1_within_the_tolerance_pass(shift):
    shifted = GOOD + np.float32(shift / 2) * (GOOD > 0)
    assert check_probabilities(shifted, "these", "") is None
    assert check_probabilities(GOOD[:0], "none", "") is None


@pytest.mark.parametrize(
    "row", [[np.nan, 1], [0.5, 0.6], [-0.5, 1.5], [np.inf, 0], [np.inf, -np.inf], [0.4998, 0.5]]
)
def test_the_first_row_that_is_wrong_is_counted_and_named(row):
    wrong = np.concatenate([GOOD, np.array([row, row], np.float32)])
    with pytest.raises(InputError, match=r"^these: 2 of 4 rows are not .* id 2 with .*\. Do that$"):
        check_probabilities(wrong, "these", "Do that", "id {}".format)


@pytest.mark.parametrize("wrong", [GOOD[0], GOOD.astype(np.int64), GOOD[None]])
def test_another_shape_or_type_is_the_programmers_fault(wrong):
    with pytest.raises(ValueError, match="not float"):
        check_probabilities(wrong, "these", "")
