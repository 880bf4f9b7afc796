"""Class weights, against what is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from blend_examples import drawn

from seqblend.blending.methods import adjust
from seqblend.evaluation.calibration import OFFSETS, fit_class_weights
from seqblend.evaluation.metrics import score


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
