"""Demos of tags, numbers and grades: what is reachable is what was drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seqblend.core.config import DataConfig
from seqblend.core.seeds import rng_for
from seqblend.data.demo import BEST
from seqblend.data.demo_tasks import (
    TASK_KINDS,
    draw_grades,
    draw_numbers,
    draw_tags,
    sample_scored,
    write_task_demo,
)
from seqblend.reading.discovery import find_files
from seqblend.reading.reader import read_competition


@pytest.mark.parametrize(
    ("kind", "task", "shape"),
    [
        ("tags", "multi_label", (300, 6)),
        ("numbers", "regression", (300, 1)),
        ("grades", "single_label", (300,)),
    ],
)
def test_a_demo_is_read_as_its_task(tmp_path, kind, task, shape):
    metric, best = write_task_demo(tmp_path, kind, n_train=300, n_test=50)
    found = read_competition(find_files(tmp_path), DataConfig(), name=kind)
    assert found.task.name == task
    assert found.targets.shape == shape
    reachable = json.loads((tmp_path / BEST).read_text())
    assert (reachable["metric"], reachable["train"]) == (metric, best)


def test_probabilities_and_expectations_are_those_of_what_is_drawn():
    scores = sample_scored(20_000, 2, rng_for(0, "demo test")).scores
    tags, p = draw_tags(scores, rng_for(1, "demo test"))
    grades, q = draw_grades(scores[:, :1], rng_for(2, "demo test"))
    numbers, expected = draw_numbers(scores, rng_for(3, "demo test"))
    np.testing.assert_allclose(scores.std(0), 1)
    for drawn, shares in ((tags, p), (np.eye(q.shape[1])[grades], q)):
        for low in (0.0, 0.1, 0.3, 0.6, 0.9):
            rows = (shares >= low) & (shares < low + 0.1)
            error = 4 * np.sqrt(0.25 / max(rows.sum(), 1))
            assert drawn[rows].mean() == pytest.approx(shares[rows].mean(), abs=error)
    assert (numbers - expected).std() == pytest.approx(0.5, abs=0.02)


def test_the_order_of_tokens_matters(tmp_path):
    assert set(TASK_KINDS) == {"tags", "numbers", "grades"}
    found = sample_scored(2_000, 1, rng_for(0, "order"))
    bags = np.stack([np.bincount(row, minlength=101) for row in found.rows])
    weights, *_ = np.linalg.lstsq(bags, found.scores, rcond=None)
    explained = 1 - ((found.scores - bags @ weights) ** 2).mean()
    assert 0.5 < explained < 0.8
