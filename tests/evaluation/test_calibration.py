"""Cross-fitted temperatures and class weights, against what is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from blend_examples import members

from seqblend.blending.crossfit import cross_fit_adjustment, fit_adjustment
from seqblend.blending.methods import adjust
from seqblend.evaluation.calibration import OFFSETS, fit_class_weights, measure_reliability
from seqblend.evaluation.metrics import score


def drawn(n: int, c: int = 3, seed: int = 0):
    """Probabilities float64 [n, c], and labels that are drawn with exactly these."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(c), n)
    return p, (rng.random(n)[:, None] > p.cumsum(1)).sum(1)


def test_a_temperature_mends_the_calibration_error_of_other_rows():
    p, labels = drawn(6_000)
    part = np.arange(6_000) % 5
    scaled = cross_fit_adjustment("log_loss", adjust(p, 1 / 3), labels, part)
    assert measure_reliability(labels, adjust(p, 1 / 3)).error > 0.15
    assert measure_reliability(labels, scaled).error < 0.03
    fitted = fit_adjustment("log_loss", adjust(p, 1 / 3), labels)
    assert fitted == {"temperature": pytest.approx(3, rel=0.1)}


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "mcc", "balanced_accuracy"])
def test_a_threshold_of_two_classes_is_the_best_of_all_that_are_tried(metric):
    p, labels = drawn(300, 2)
    weights = fit_class_weights(metric, p, labels)
    each = [np.exp([0.5 * offset, -0.5 * offset]) for offset in OFFSETS]
    values = [score(metric, labels, adjust(p, class_weights=pair)) for pair in each]
    assert score(metric, labels, adjust(p, class_weights=weights)) == pytest.approx(max(values))
    assert np.log(weights).sum() == pytest.approx(0)


def test_class_weights_of_three_classes_reach_what_trying_all_reaches():
    p, labels = drawn(200)
    keep = (labels > 0) | (np.arange(200) % 4 == 0)
    p, labels = p[keep], labels[keep]
    weights = fit_class_weights("macro_f1", p, labels)
    grid = itertools.product(np.exp(OFFSETS[::4]), repeat=2)
    best = max(
        score("macro_f1", labels, adjust(p, class_weights=np.array([1, *pair]))) for pair in grid
    )
    assert score("macro_f1", labels, adjust(p, class_weights=weights)) > best - 0.02


def test_class_weights_are_chosen_on_other_parts():
    stack, labels, part = members(1, 400, 3)
    before = cross_fit_adjustment("macro_f1", stack[0], labels, part)
    for k in range(5):
        changed = np.where(part == k, (labels + 1) % 3, labels)
        after = cross_fit_adjustment("macro_f1", stack[0], changed, part)
        assert before[part == k].tobytes() == after[part == k].tobytes()


def test_where_no_weight_helps_all_are_1():
    p = np.eye(3)[np.arange(30) % 3] * 0.9 + 0.1 / 3
    np.testing.assert_array_equal(fit_class_weights("accuracy", p, np.arange(30) % 3), np.ones(3))


def test_class_weights_are_fitted_on_fewer_rows_where_all_would_take_too_long(monkeypatch):
    p, labels = drawn(4_000, 2)
    p = adjust(p, class_weights=np.array([3.0, 1.0]))  # class 0 is predicted too often
    every_fourth = fit_class_weights("accuracy", p[::4], labels[::4])
    monkeypatch.setattr("seqblend.evaluation.calibration.MOST_CELLS", 4_000)
    few = fit_class_weights("accuracy", p, labels)
    np.testing.assert_array_equal(few, every_fourth)
    assert few[1] / few[0] == pytest.approx(3, rel=0.3)
