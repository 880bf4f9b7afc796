"""Answers of the test rows for every task, and rows that are not scored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seqblend.core.errors import InputError
from seqblend.data.sequences import Competition, SubmissionForm
from seqblend.reading.solution import read_solution
from seqblend.tasks.task import task_for

IDS = ["a", "b", "c"]


def competition(task: str, columns: tuple[str, ...], targets: np.ndarray) -> Competition:
    written = ("prediction",) if task != "multi_label" else columns
    form = SubmissionForm("id", written, "values", IDS)
    return Competition("made", task_for(task, columns), targets, [], IDS, {}, "", form)


TAGS = competition("multi_label", ("p", "q"), np.zeros((0, 2), dtype=np.int64))
NUMBERS = competition("regression", ("y",), np.zeros((0, 1)))
CLASSES = competition("single_label", ("0", "1"), np.zeros(0, dtype=np.int64))


def write(folder: Path, **columns: list) -> Path:
    pd.DataFrame(columns).to_csv(folder / "solution.csv", index=False)
    return folder / "solution.csv"


def test_columns_are_read_by_name_and_aligned_by_id(tmp_path):
    path = write(tmp_path, Q=[1, 0, 1, 1], id=[*"cxba"], p=[0, 0, 1, 0])
    found = read_solution(path, TAGS)
    assert found.rows.tolist() == [0, 1, 2]
    assert found.targets.tolist() == [[0, 1], [1, 1], [0, 1]]
    assert found.targets.dtype == np.int64


@pytest.mark.parametrize("name", ["y", "prediction", "anything"])
def test_numbers_are_read_from_the_column_of_train_or_submission_or_the_only_one(tmp_path, name):
    found = read_solution(write(tmp_path, **{"id": [*"bca"], name: [0.5, -2, 3]}), NUMBERS)
    assert found.targets.tolist() == [[3], [0.5], [-2]]
    assert found.targets.dtype == np.float64


def test_rows_with_minus_1_for_0_or_1_are_not_scored(tmp_path):
    found = read_solution(write(tmp_path, id=IDS, p=[-1, 0, 1], q=[-1, 1, 0]), TAGS)
    assert found.rows.tolist() == [1, 2]
    assert found.targets.tolist() == [[0, 1], [1, 0]]
    one = read_solution(write(tmp_path, id=IDS, prediction=[1, -1, 0]), CLASSES)
    assert (one.rows.tolist(), one.targets.tolist()) == ([0, 2], [1, 0])
    numbers = read_solution(write(tmp_path, id=IDS, y=[1, -1, 0]), NUMBERS)
    assert numbers.targets.tolist() == [[1], [-1], [0]]


@pytest.mark.parametrize(
    ("columns", "of", "message"),
    [
        ({"p": [-1] * 3, "q": [-1] * 3}, TAGS, "every row has -1 in p, q"),
        ({"p": [0, 1, 0]}, TAGS, "expected the targets p, q. Rename them"),
        ({"p": [0, 2, 0], "q": [1, 1, 1]}, TAGS, "1 values are neither 0 nor 1"),
        ({"y": [1.5, "x", 2]}, NUMBERS, r"1 values are no numbers, the first \('x'\)"),
        ({"y": [1.5, None, 2]}, NUMBERS, "1 values are missing"),
        ({"r": [1, 2, 3], "s": [1, 2, 3]}, NUMBERS, "expected the targets y. Rename them"),
    ],
)
def test_answers_that_do_not_fit_say_why(tmp_path, columns, of, message):
    with pytest.raises(InputError, match=message):
        read_solution(write(tmp_path, id=IDS, **columns), of)
