"""Ways to decide a grade from a blend's probabilities, each scored on rows it was not fitted on."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from seqblend.blending.decisions import compare_decisions
from seqblend.blending.methods import Blend
from seqblend.blending.selection import select_blend
from seqblend.tasks.adjustments import CutPoints
from seqblend.tasks.task import task_for

GRADES = task_for("ordinal", tuple("12345"))


def draw(n=1_500, seed=0):
    """(grades int64 [n], stack float32 [1, n, 5]): spread out around the middle grades."""
    rng = np.random.default_rng(seed)
    grades = np.clip(np.round(rng.normal(2, 1.2, n)), 0, 4).astype(np.int64)
    place = grades + rng.normal(0, 1.0, n)
    odds = np.exp(-0.5 * (np.arange(5) - place[:, None]) ** 2 / 4) * [0.3, 1, 3, 1, 0.3]
    return grades, (odds / odds.sum(1, keepdims=True)).astype(np.float32)[None]


def test_each_decision_is_scored_by_fits_on_the_other_folds():
    grades, stack = draw()
    fold = np.arange(len(grades)) % 3
    chosen = CutPoints.fit("qwk", stack[0], grades)
    blend = Blend("mean", np.ones(1), ("a",), GRADES, adjustment=chosen)
    found = compare_decisions(blend, stack, grades, fold, "qwk")
    assert [name for name, _, _ in found] == [
        "the largest probability",
        "class weights",
        "cut points on the expected grade",
    ]
    assert [is_used for _, _, is_used in found] == [False, False, True]
    decided = np.empty(len(grades), dtype=np.int64)
    for k in range(3):
        own = fold == k
        fitted = CutPoints.fit("qwk", stack[0, ~own].astype(float), grades[~own])
        decided[own] = fitted.apply(stack[0, own].astype(float)).argmax(1)
    plain = cohen_kappa_score(grades, stack[0].argmax(1), weights="quadratic")
    by_cuts = cohen_kappa_score(grades, decided, weights="quadratic")
    assert found[0][1] == pytest.approx(plain)
    assert found[2][1] == pytest.approx(by_cuts)
    assert by_cuts > plain + 0.02


def test_rows_without_a_fold_are_left_out():
    grades, stack = draw()
    fold = np.arange(len(grades)) % 3
    fold[::7] = -1
    known = fold >= 0
    stack[:, ~known] = np.nan
    blend = Blend("mean", np.ones(1), ("a",), GRADES)
    found = compare_decisions(blend, stack, grades, fold, "qwk")
    part = compare_decisions(blend, stack[:, known], grades[known], fold[known], "qwk")
    assert found == part
    assert found[0][2]


def test_what_is_submitted_is_marked():
    grades, stack = draw()
    fold = np.arange(len(grades)) % 3
    chosen = select_blend(stack, grades, fold, "qwk", ("a",), GRADES).blend
    used = [
        name
        for name, _, is_used in compare_decisions(chosen, stack, grades, fold, "qwk")
        if is_used
    ]
    assert used == [chosen.adjustment.title]


@pytest.mark.parametrize(
    ("name", "metric"), [("ordinal", "log_loss"), ("single_label", "accuracy")]
)
def test_there_is_nothing_to_compare_with_a_single_adjustment(name, metric):
    grades, stack = draw(200)
    blend = Blend("mean", np.ones(1), ("a",), task_for(name, GRADES.columns))
    assert compare_decisions(blend, stack, grades, np.arange(200) % 3, metric) == []
