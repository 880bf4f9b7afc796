"""Class weights, against what is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from blend_examples import drawn

from seqblend.evaluation.calibration import OFFSETS, _count_offsets, fit_class_weights
from seqblend.evaluation.confusion import Counts
from seqblend.evaluation.metrics import confusion_matrix, score
from seqblend.tasks.adjustments import ClassWeights


@pytest.mark.parametrize(
    "metric", ["accuracy", "macro_f1", "mcc", "balanced_accuracy", "f1", "weighted_f1", "qwk"]
)
def test_a_threshold_of_two_classes_is_the_best_of_all_that_are_tried(metric):
    p, labels = drawn(300, 2)
    weights = fit_class_weights(metric, p, labels)
    each = [np.exp([0.5 * offset, -0.5 * offset]) for offset in OFFSETS]
    values = [score(metric, labels, ClassWeights(pair).apply(p)) for pair in each]
    assert score(metric, labels, ClassWeights(weights).apply(p)) == pytest.approx(max(values))
    assert np.log(weights).sum() == pytest.approx(0)


@pytest.mark.parametrize("metric", ["macro_f1", "weighted_f1", "qwk"])
def test_class_weights_of_three_classes_reach_what_trying_all_reaches(metric):
    p, labels = drawn(200)
    keep = (labels > 0) | (np.arange(200) % 4 == 0)
    p, labels = p[keep], labels[keep]
    weights = fit_class_weights(metric, p, labels)
    grid = itertools.product(np.exp(OFFSETS[::4]), repeat=2)
    best = max(score(metric, labels, ClassWeights(np.array([1, *pair])).apply(p)) for pair in grid)
    assert score(metric, labels, ClassWeights(weights).apply(p)) > best - 0.02


def test_where_no_weight_helps_all_are_1():
    p = np.eye(3)[np.arange(30) % 3] * 0.9 + 0.1 / 3
    np.testing.assert_array_equal(fit_class_weights("accuracy", p, np.arange(30) % 3), np.ones(3))


def test_class_weights_are_fitted_on_fewer_rows_where_all_would_take_too_long(monkeypatch):
    p, labels = drawn(4_000, 2)
    p = ClassWeights(np.array([3.0, 1.0])).apply(p)  # class 0 is predicted too often
    every_fourth = fit_class_weights("accuracy", p[::4], labels[::4])
    monkeypatch.setattr("seqblend.evaluation.calibration.MOST_CELLS", 4_000)
    few = fit_class_weights("accuracy", p, labels)
    np.testing.assert_array_equal(few, every_fourth)
    assert few[1] / few[0] == pytest.approx(3, rel=0.3)


def test_counts_of_every_offset_are_those_of_the_classes_it_gives():
    p, labels = drawn(150, 4)
    logs, k = np.log(p), 2
    others = logs.copy()
    others[:, k] = -np.inf
    rival = others.argmax(1)
    lead = others.max(1) - logs[:, k]
    counts = _count_offsets(lead, rival, labels, k, 4)
    for i in range(0, len(OFFSETS), 5):
        predicted = np.where(lead < OFFSETS[i], k, rival)
        alone = Counts.of_matrix(confusion_matrix(labels, predicted, 4))
        for name in ("hit", "true", "predicted", "product"):
            np.testing.assert_array_equal(getattr(counts, name)[i], getattr(alone, name)[0])


def test_weights_for_a_metric_that_sees_probabilities_are_the_programmers_fault():
    with pytest.raises(ValueError, match="log_loss is no metric of the confusion matrix"):
        fit_class_weights("log_loss", *drawn(20, 2))
