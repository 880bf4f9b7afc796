"""Adjustments are fitted on other folds than those they change, and the best one is taken."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from blend_examples import drawn, members
from conftest import classes_of

from seqblend.blending.crossfit import cross_fit_adjustment
from seqblend.evaluation.calibration import measure_reliability
from seqblend.tasks.adjustments import ClassWeights, Temperature


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
