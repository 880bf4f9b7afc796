"""What every task is called by, and how wrong its rows are."""

import numpy as np
import pytest

from seqblend.tasks.task import task_for, task_names


@pytest.mark.parametrize("name", task_names())
def test_sizes_are_counted_in_words_of_the_task(name):
    one, several = (task_for(name, names) for names in (("a",), ("a", "b", "c")))
    singular, plural = one.column_name
    assert one.describe_size() == f"1 {singular}"
    assert several.describe_size() == f"3 {plural}"
    assert one.loss_name.strip()
    assert all(one.strata_name)


@pytest.mark.parametrize("name", task_names())
def test_a_row_that_is_predicted_as_it_is_has_no_error(name):
    task = task_for(name, ("a", "b", "c"))
    targets = np.array([0, 2]) if task.has_classes else np.array([[1, 0, 1], [0, 0, 1]])
    right = np.eye(3)[targets] if task.has_classes else targets.astype(np.float64)
    errors = task.errors(targets, right)
    assert errors.shape == (2, 1 if task.has_classes else 3)
    assert not errors.any()
    assert np.abs(task.errors(targets, right[::-1])).max() == 1
