"""Paired differences: by hand, against simulation, and between their three errors."""

from __future__ import annotations

import metric_examples as examples
import numpy as np
import pytest
from blend_examples import members

from seqblend.evaluation.bootstrap import bootstrap
from seqblend.evaluation.metrics import row_losses, score
from seqblend.evaluation.paired import (
    PairedDifference,
    compare_losses,
    compare_out_of_fold,
    compare_scores,
    paired_standard_error,
)

METRICS = (
    *("accuracy", "macro_f1", "log_loss", "auc", "balanced_accuracy", "mcc"),
    *("weighted_f1", "average_precision", "qwk", "map@2"),
)


def certain(labels, rows_right):
    """Two-class probabilities that are right in these rows and wrong in the others."""
    p = np.full((len(labels), 2), 0.2)
    p[np.arange(len(labels)), np.where(rows_right, labels, 1 - labels)] = 0.8
    return p


def test_a_difference_of_losses_is_the_paired_t_tests_by_hand():
    found = compare_losses(np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 6.0]))
    error = np.sqrt(7 / 3) / np.sqrt(3)  # of 1, 0, 3
    assert (found.mean, found.error, found.n) == pytest.approx((4 / 3, error, 3))
    assert (found.low, found.high) == pytest.approx(
        (4 / 3 - 1.959964 * error, 4 / 3 + 1.959964 * error)
    )
    assert not found.is_significant


def test_the_noise_of_training_adds_its_variance_to_that_of_rows():
    found = compare_losses(np.zeros(3), np.array([1.0, 0.0, 3.0]), training_std=2.0)
    assert found.error == pytest.approx(np.sqrt(7 / 9 + 4))


def test_a_difference_of_accuracies_is_known_by_hand():
    labels = np.array([0, 1] * 50)
    first = certain(labels, np.arange(100) < 80)
    second = certain(labels, np.arange(100) >= 30)  # 70 right; 30 rows are won and 20 lost
    found = compare_scores("accuracy", labels, first, second)
    assert found.mean == pytest.approx(0.1)
    assert found.error == pytest.approx(np.sqrt((0.5 - 0.01) / 99))
    assert not found.is_significant
    assert compare_scores("accuracy", labels, certain(labels, labels >= 0), second).is_significant


@pytest.mark.parametrize("metric", METRICS)
def test_the_better_one_is_ahead_and_swapping_turns_the_sign(metric):
    stack, labels, fold = members(1, 600, 3)
    worse = (stack[0] + np.roll(stack[0], 1, axis=0)) / 2
    for pair in (
        [compare_scores(metric, labels, *each) for each in ((stack[0], worse), (worse, stack[0]))],
        [
            compare_out_of_fold(metric, labels, fold, *each)
            for each in ((stack[0], worse), (worse, stack[0]))
        ],
    ):
        ahead, behind = pair
        assert ahead.mean > 0
        assert ahead.is_significant
        assert (behind.mean, behind.low, behind.high) == pytest.approx(
            (-ahead.mean, -ahead.high, -ahead.low), abs=0.3 * ahead.error
        )
        assert behind.error == pytest.approx(ahead.error, rel=0.1)
        scores = [score(metric, labels, p) for p in (stack[0], worse)]
        assert abs(ahead.mean) == pytest.approx(abs(scores[0] - scores[1]))


@pytest.mark.parametrize("metric", METRICS)
def test_influence_bootstrap_and_rows_agree_where_there_is_one_fit(metric):
    stack, labels, _ = members(2, 1_500, 3)
    by_influence = compare_scores(metric, labels, *stack)
    by_bootstrap = compare_out_of_fold(metric, labels, np.zeros(1_500, int), *stack)
    assert by_bootstrap.error == pytest.approx(by_influence.error, rel=0.08)
    assert by_bootstrap.mean == by_influence.mean
    assert by_bootstrap.low == pytest.approx(by_influence.low, abs=0.4 * by_influence.error)
    if metric == "log_loss":
        by_rows = compare_losses(*(row_losses(labels, p) for p in stack))
        assert by_rows.mean == pytest.approx(by_influence.mean)
        assert by_rows.error == pytest.approx(by_influence.error)


def test_draws_that_are_known_already_are_not_drawn_again():
    stack, labels, fold = members(2, 300, 2)
    draws = bootstrap("auc", labels, list(stack), 1000)
    drawn = compare_out_of_fold("auc", labels, fold, *stack)
    assert compare_out_of_fold("auc", labels, fold, *stack, draws=(draws[0], draws[1])) == drawn


def test_the_error_is_that_which_new_rows_give():
    rng = np.random.default_rng(0)
    means, errors = [], []
    for _ in range(60):
        labels = rng.integers(0, 2, 500)
        x = rng.normal(size=(500, 2)) + 1.5 * np.eye(2)[labels]
        p = np.exp(1.5 * x)
        p /= p.sum(axis=1, keepdims=True)
        worse = 0.5 * p + 0.5 * rng.dirichlet([1, 1], 500)
        found = compare_out_of_fold(
            "log_loss", labels, rng.permutation(500) % 5, p, worse, resamples=400
        )
        means.append(found.mean)
        errors.append(found.error)
    assert np.mean(means) > 0  # log loss: lower is better, a gain is positive all the same
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.35)


def test_equal_predictions_do_not_differ():
    stack, labels, fold = members(1, 200, 2)
    for found in (
        compare_scores("accuracy", labels, stack[0], stack[0]),
        compare_out_of_fold("accuracy", labels, fold, stack[0], stack[0]),
    ):
        assert found == PairedDifference(0.0, 0.0, 0.0, 0.0, 200)
        assert not found.is_significant


def test_the_folds_spread_counts_where_it_is_more_than_the_rows():
    """Both are right in half of the rows, each in folds of its own: rows alone would hide it."""
    labels, fold = np.array([0, 1] * 60), np.repeat(np.arange(6), 20)
    first, second = certain(labels, fold < 3), certain(labels, fold >= 3)
    found = compare_out_of_fold("accuracy", labels, fold, first, second)
    assert found.error == pytest.approx(np.std([1, 1, 1, -1, -1, -1], ddof=1) / np.sqrt(6))


def test_a_differences_error_is_that_of_rows_or_of_fits_whichever_is_greater():
    drawn, folds = np.array([1.0, 3.0, np.nan]), np.array([0.0, 3.0, 6.0])
    assert paired_standard_error(drawn, folds) == pytest.approx(3 / np.sqrt(3))
    assert paired_standard_error(drawn, folds[:2]) == 1  # two folds tell no spread
    assert paired_standard_error(10 * drawn, folds) == 10
    assert np.isnan(paired_standard_error(drawn[2:], folds))


def test_a_score_that_is_undefined_has_no_difference():
    stack, _, fold = members(2, 50, 2)
    zeros = np.zeros(50, np.int64)
    assert compare_scores("auc", zeros, *stack) is None
    assert compare_out_of_fold("mcc", zeros, fold, *stack) is None
    assert compare_scores("accuracy", zeros[:0], *stack[:, :0]) is None


@pytest.mark.parametrize("metric", [*examples.COLUMN_METRICS, *examples.VALUE_METRICS])
def test_columns_and_numbers_are_compared_as_classes_are(metric):
    targets, first, second = examples.sample(metric, 1_000)
    found = compare_scores(metric, targets, first, second)
    assert found.mean > 0
    assert found.is_significant
    out_of_fold = compare_out_of_fold(metric, targets, np.zeros(1_000, int), first, second)
    assert out_of_fold.mean == found.mean
    assert out_of_fold.error == pytest.approx(found.error, rel=0.12)
