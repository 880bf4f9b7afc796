"""Temperatures and class weights are fitted on other folds than those they adjust."""

from __future__ import annotations

import numpy as np
import pytest
from blend_examples import drawn, members

from seqblend.blending.crossfit import cross_fit_adjustment, fit_adjustment
from seqblend.blending.methods import adjust
from seqblend.evaluation.calibration import measure_reliability


def test_a_temperature_mends_the_calibration_error_of_other_rows():
    p, labels = drawn(6_000)
    part = np.arange(6_000) % 5
    scaled = cross_fit_adjustment("log_loss", adjust(p, 1 / 3), labels, part)
    assert measure_reliability(labels, adjust(p, 1 / 3)).error > 0.15
    assert measure_reliability(labels, scaled).error < 0.03
    fitted = fit_adjustment("log_loss", adjust(p, 1 / 3), labels)
    assert fitted == {"temperature": pytest.approx(3, rel=0.1)}


def test_class_weights_are_chosen_on_other_parts():
    stack, labels, part = members(1, 400, 3)
    before = cross_fit_adjustment("macro_f1", stack[0], labels, part)
    for k in range(5):
        changed = np.where(part == k, (labels + 1) % 3, labels)
        after = cross_fit_adjustment("macro_f1", stack[0], changed, part)
        assert before[part == k].tobytes() == after[part == k].tobytes()
