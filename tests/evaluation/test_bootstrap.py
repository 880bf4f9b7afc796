"""Standard errors and bootstraps: three ways to the same figure."""

from __future__ import annotations

import numpy as np
import pytest
from blend_examples import members

from seqblend.evaluation.bootstrap import bootstrap, score_contributions, standard_error
from seqblend.evaluation.metrics import METRICS, score


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("c", [2, 4])
def test_the_parts_of_rows_give_the_bootstraps_standard_error(metric, c):
    stack, labels, _ = members(2, 1_500, c)
    parts = [score_contributions(metric, labels, p) for p in stack]
    assert parts[0].mean() == pytest.approx(score(metric, labels, stack[0]), abs=2e-3)
    drawn = bootstrap(metric, labels, list(stack), 2_000)
    assert standard_error(parts[0]) == pytest.approx(drawn[0].std(), rel=0.08)
    paired = standard_error(parts[0] - parts[1])
    assert paired == pytest.approx((drawn[0] - drawn[1]).std(), rel=0.08)
    assert paired < np.hypot(*(standard_error(part) for part in parts))  # errors are shared


@pytest.mark.parametrize("metric", METRICS)
def test_many_at_once_are_distributed_like_one_at_a_time(metric):
    stack, labels, _ = members(2, 400, 3)
    together = bootstrap(metric, labels, list(stack), 2_000)
    (alone,) = bootstrap(metric, labels, [stack[1]], 2_000)
    shares = [0.025, 0.5, 0.975]
    ends = np.quantile(together[1], shares), np.quantile(alone, shares)
    np.testing.assert_allclose(*ends, atol=0.12 * np.ptp(ends[1]))


def test_equal_predictions_are_drawn_equal():
    stack, labels, _ = members(1, 200, 2)
    for metric in METRICS:
        drawn = bootstrap(metric, labels, [stack[0], stack[0]], 50)
        np.testing.assert_array_equal(drawn[0], drawn[1])


def test_a_score_that_is_undefined_has_no_parts():
    stack, _, _ = members(1, 50, 2)
    zeros = np.zeros(50, np.int64)
    assert score_contributions("auc", zeros, stack[0]) is None
    assert score_contributions("mcc", zeros, stack[0]) is None
