"""What counts as probabilities of classes, probabilities of columns, and numbers."""

import numpy as np
import pytest

from seqblend.core.errors import InputError
from seqblend.evaluation.probabilities import check_numbers, check_probabilities, check_shares

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


@pytest.mark.parametrize("check", [check_shares, check_numbers])
def test_cells_that_are_right_pass_whatever_their_rows_sum_to(check):
    assert check(np.array([[0.0, 1.0], [1.0, 1.0]]), "these", "") is None
    assert check(GOOD[:0], "none", "") is None
    assert check_numbers(np.array([[-3.0, 1e6]]), "these", "") is None


@pytest.mark.parametrize("cell", [-0.01, 1.01, np.nan, np.inf])
def test_a_cell_outside_0_to_1_is_named_with_its_column(cell):
    wrong = np.array([[0.5, 0.5], [0.5, cell], [cell, cell]])
    message = r"^these: 2 of 3 rows are not probabilities .* id 1 with \S+ in column 2\. Do that$"
    with pytest.raises(InputError, match=message):
        check_shares(wrong, "these", "Do that", "id {}".format)


@pytest.mark.parametrize("cell", [np.nan, -np.inf])
def test_a_number_that_is_not_finite_is_named_with_its_column(cell):
    message = r"^these: 1 of 2 rows are not numbers .* row 1 with \S+ in column 1\. Do that$"
    with pytest.raises(InputError, match=message):
        check_numbers(np.array([[0.5, 7.0], [cell, 0.0]]), "these", "Do that")


@pytest.mark.parametrize("check", [check_shares, check_numbers])
@pytest.mark.parametrize("wrong", [GOOD[0], GOOD.astype(np.int64)])
def test_cells_of_another_shape_or_type_are_the_programmers_fault(check, wrong):
    with pytest.raises(ValueError, match="not float"):
        check(wrong, "these", "")
