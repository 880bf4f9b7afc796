"""Adjustments are fitted on other folds than those they change, and the best one is taken."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from blend_examples import drawn, members
from conftest import classes_of

from seqblend.blending.crossfit import BlendFitter, cross_fit_adjustment
from seqblend.evaluation.calibration import measure_reliability
from seqblend.evaluation.metrics import score
from seqblend.tasks.adjustments import ClassWeights, CutPoints, Temperature
from seqblend.tasks.multi_label import MultiLabel
from seqblend.tasks.ordinal import Ordinal


def test_a_temperature_mends_the_calibration_error_of_other_rows():
    p, labels = drawn(6_000)
    part = np.arange(6_000) % 5
    (fit,) = classes_of(p.shape[1]).adjustments("log_loss")
    sharp = Temperature(1 / 3).apply(p)
    scaled = cross_fit_adjustment(fit, sharp, labels, part)
    assert measure_reliability(labels, sharp).error > 0.15
    assert measure_reliability(labels, scaled).error < 0.03
    assert fit(sharp, labels).record() == {"temperature": pytest.approx(3, rel=0.1)}


def test_class_weights_are_chosen_on_other_parts():
    stack, labels, part = members(1, 400, 3)
    fit = partial(ClassWeights.fit, "macro_f1")
    before = cross_fit_adjustment(fit, stack[0], labels, part)
    for k in range(5):
        changed = np.where(part == k, (labels + 1) % 3, labels)
        after = cross_fit_adjustment(fit, stack[0], changed, part)
        assert before[part == k].tobytes() == after[part == k].tobytes()


@pytest.mark.parametrize("seed", range(4))
def test_of_several_adjustments_the_one_that_scores_best_on_other_folds_is_taken(seed):
    rng = np.random.default_rng(seed)
    grades, fold = rng.integers(0, 4, 2_000), np.arange(2_000) % 5
    high = np.clip((grades + rng.normal(scale=0.4, size=2_000)) / 3, 0.05, 0.95)
    p = np.stack([1 - high, 0.04 + 0 * high, 0.04 + 0 * high, high], axis=1)
    p /= p.sum(1, keepdims=True)  # the middle is seen in the expected grade alone
    task = Ordinal(tuple("1234"))
    fits = task.adjustments("qwk")
    scores = [score("qwk", grades, cross_fit_adjustment(fit, p, grades, fold)) for fit in fits]
    fitter = BlendFitter(p[None].astype(np.float32), grades, "qwk", ("m",), task)
    chosen = fitter.select(np.arange(2_000), fold).adjustment
    assert scores[1] > scores[0] + 0.002
    assert isinstance(chosen, CutPoints)


def rare(n: int, seed: int):
    """(log-odds of a rare event, whether it happened), for members that are far too unsure."""
    rng = np.random.default_rng(seed)
    odds = -5 + 2 * rng.normal(size=n)
    return odds, rng.random(n) < 1 / (1 + np.exp(-odds))


def test_a_rare_class_gets_the_threshold_that_its_f1_needs():
    odds, is_one = rare(6_000, 0)
    p = 1 / (1 + np.exp(odds))
    task, fold = classes_of(2), np.arange(6_000) % 5
    (fit,) = task.adjustments("f1")
    array, labels = np.stack([p, 1 - p], 1), is_one.astype(np.int64)
    before = score("f1", labels, array)
    after = score("f1", labels, cross_fit_adjustment(fit, array, labels, fold))
    assert after > before + 0.1


@pytest.mark.parametrize("metric", ["column_macro_f1", "column_micro_f1"])
def test_rare_labels_get_thresholds_and_their_order_stays(metric):
    drawn_columns = [rare(6_000, seed) for seed in range(3)]
    odds, ones = (np.stack(part, 1) for part in zip(*drawn_columns, strict=True))
    array, labels = 1 / (1 + np.exp(-odds)), ones.astype(np.int64)
    (fit,) = MultiLabel(("a", "b", "c")).adjustments(metric)
    after = cross_fit_adjustment(fit, array, labels, np.arange(6_000) % 5)
    assert score(metric, labels, after) > score(metric, labels, array) + 0.1
    shifted = fit(array, labels)
    assert (np.diff(shifted.apply(array)[np.argsort(array[:, 0]), 0]) >= 0).all()
    assert (metric == "column_micro_f1") == (len(set(shifted.thresholds.tolist())) == 1)
