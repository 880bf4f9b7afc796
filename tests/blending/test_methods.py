"""Blend methods: optimal weights, and scores of rows that were not used to fit them."""

from __future__ import annotations

import numpy as np
import pytest
from blend_examples import members, noise, softmax
from class_blends import cross_fit, fit_blend, make_fitter, select_blend, task_of
from scipy.optimize import minimize

from seqblend.blending.crossfit import make_blend_folds
from seqblend.blending.methods import Blend
from seqblend.blending.selection import _contain_score
from seqblend.blending.stacking import simplex_weights
from seqblend.evaluation.metrics import score
from seqblend.tasks.single_label import LogOddsLoss, SingleLabel

NAMES = tuple("abcdefgh")


@pytest.mark.parametrize("method", SingleLabel.blend_methods)
def test_a_blend_lies_on_the_simplex_and_so_do_the_weights_of_a_mean(method):
    stack, labels, _ = members(3, 200, 2)
    blend = fit_blend(method, stack, labels, "auc", NAMES[:3])
    if method != "stacking":
        assert blend.weights.sum() == pytest.approx(1)
        assert blend.weights.min() >= 0
    blended = blend.apply(stack)
    assert blended.dtype == np.float64
    assert blended.min() >= 0
    np.testing.assert_allclose(blended.sum(1), 1, atol=1e-12)


def test_the_means_have_known_values():
    stack = np.array([[[0.9, 0.1]], [[0.5, 0.5]]], np.float32)
    names = ("mean", "logodds_simplex")
    mean, logodds = (Blend(name, np.full(2, 0.5), ("a", "b"), task_of(stack)) for name in names)
    np.testing.assert_allclose(mean.apply(stack), [[0.7, 0.3]], atol=1e-7)
    np.testing.assert_allclose(logodds.apply(stack), [[0.75, 0.25]], atol=1e-6)  # odds 9 -> 3


@pytest.mark.parametrize("method", ["mean", "logodds_simplex"])
def test_equal_members_get_equal_weights(method):
    stack, labels, _ = members(1, 100, 3)
    blend = fit_blend(method, np.repeat(stack, 4, 0), labels, "log_loss", NAMES[:4])
    np.testing.assert_allclose(blend.weights, 0.25)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "auc", "mcc"])
@pytest.mark.parametrize("method", ["single", "logodds_simplex"])
def test_a_perfect_member_gets_all_the_weight(method, metric):
    labels = np.arange(300) % 3
    stack = np.concatenate([noise(2, 300, 3), np.eye(3, dtype=np.float32)[labels][None]])
    weights = fit_blend(method, stack, labels, metric, NAMES[:3]).weights
    np.testing.assert_allclose(weights, [0, 0, 1], atol=1e-6)


def loss_gradient(stack, labels, weights):
    """float64 [m]: of the log loss of softmax(weights . log p)."""
    logs = np.log(stack.astype(float))
    share = softmax(np.tensordot(weights, logs, 1)).astype(float)
    return ((share - np.eye(stack.shape[2])[labels]) * logs).sum(2).mean(1)


@pytest.mark.parametrize("m", [2, 5, 40])
@pytest.mark.parametrize("seed", range(3))
def test_no_other_weights_on_the_simplex_have_a_smaller_loss(m, seed):
    stack, labels, _ = members(m, 250, 3, seed=seed)
    stack[-1] = noise(1, 250, 3, seed)[0]
    weights = simplex_weights(LogOddsLoss(stack, labels))
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    # A convex loss lies above its tangent, whose least value on the simplex is at a corner.
    slope = loss_gradient(stack, labels, weights)
    assert slope @ weights - slope.min() < 1e-6


@pytest.mark.fault("K2")
@pytest.mark.parametrize("method", SingleLabel.blend_methods)
def test_the_labels_of_a_fold_do_not_touch_its_predictions(method):
    stack, labels, fold = members(4, 300, 2)
    before = cross_fit(method, stack, labels, fold, "auc")
    for k in range(5):
        changed = np.where(fold == k, 1 - labels, labels)
        after = cross_fit(method, stack, changed, fold, "auc")
        assert before[fold == k].tobytes() == after[fold == k].tobytes()


@pytest.mark.parametrize("metric", ["accuracy", "auc", "log_loss"])
def test_the_labels_of_a_fold_do_not_touch_its_nested_predictions_either(metric):
    stack, labels, fold = members(3, 200, 2)
    stack[2] = 1 - stack[1]  # it spoils a mean: weights are fitted, not equal
    fitter = make_fitter(stack, labels, metric, NAMES[:3])
    blends = fitter.fit_per_fold(np.arange(200), fold).values()
    assert all(np.ptp(blend.weights) > 0.2 for blend in blends)
    before = nested(stack, labels, fold, metric)
    for k in (0, 3):
        after = nested(stack, np.where(fold == k, 1 - labels, labels), fold, metric)
        assert before[fold == k].tobytes() == after[fold == k].tobytes()
        assert before.tobytes() != after.tobytes()


def nested(stack, labels, fold, metric):
    """float64 [n, c]: what a selection gives each fold, chosen and fitted on the others."""
    fitter = make_fitter(stack, labels, metric, NAMES[: len(stack)])
    rows = np.arange(len(labels))
    return fitter.predict_per_fold(fitter.fit_per_fold(rows, fold), rows, fold)


def test_a_single_hold_out_is_cross_fitted_on_folds_of_itself():
    stack, labels, _ = members(3, 400, 3)
    fold = np.where(np.arange(400) < 250, 0, -1)
    stack[:, fold < 0] = np.nan
    result = select_blend(stack, labels, fold, "log_loss", NAMES[:3])
    assert np.isnan(result.oof[fold < 0]).all()
    assert np.isfinite(result.oof[fold == 0]).all()
    assert result.cross_fitted == pytest.approx(
        score("log_loss", labels[:250], result.oof[:250]), abs=1e-6
    )
    simplex = cross_fit("logodds_simplex", stack, labels, fold, "log_loss")
    known = stack[:, :250]
    in_sample = fit_blend("logodds_simplex", known, labels[:250], "log_loss", NAMES[:3])
    assert not np.allclose(simplex[:250], in_sample.apply(known), atol=1e-9)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_noise_members_do_not_raise_the_cross_fitted_score(metric):
    stack, labels, fold = members(3, 600, 2)
    more = np.concatenate([stack, noise(4, 600, 2)])
    few = select_blend(stack, labels, fold, metric, NAMES[:3])
    many = select_blend(more, labels, fold, metric, tuple(f"m{j}" for j in range(7)))
    sign = -1 if metric == "log_loss" else 1
    assert sign * (many.cross_fitted - few.cross_fitted) < 0.015  # one standard error


@pytest.mark.fault("K4")
def test_with_shuffled_labels_the_cross_fitted_score_is_chance():
    stack, labels, fold = members(4, 600, 2)
    shuffled = np.random.default_rng(1).permutation(labels)
    for metric in ("accuracy", "auc"):
        honest = score(metric, shuffled, nested(stack, shuffled, fold, metric))
        assert abs(honest - 0.5) < 0.07  # three standard errors


def test_the_order_of_rows_and_of_members_does_not_matter():
    stack, labels, fold = members(4, 300, 3)
    rng = np.random.default_rng(5)
    rows, order = rng.permutation(300), rng.permutation(4)
    for method in SingleLabel.blend_methods:
        plain = cross_fit(method, stack, labels, fold, "accuracy")
        moved = cross_fit(method, stack[order][:, rows], labels[rows], fold[rows], "accuracy")
        np.testing.assert_allclose(moved, plain[rows], atol=1e-6)
        ours = fit_blend(method, stack, labels, "accuracy", NAMES[:4]).weights
        theirs = fit_blend(method, stack[order], labels, "accuracy", NAMES[:4]).weights
        np.testing.assert_allclose(theirs, ours[order], atol=1e-6)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_among_equals_the_smallest_blend_is_taken(metric):
    rng = np.random.default_rng(0)
    member = rng.dirichlet(np.ones(2), 400).astype(np.float32)
    labels = (rng.random(400) < member[:, 1]).astype(int)  # it is as sure as it should be
    stack = np.repeat(member[None], 3, 0)
    result = select_blend(stack, labels, np.arange(400) // 80, metric, NAMES[:3])
    assert (result.method, result.blend.size) == ("single", 1)


def test_a_difference_within_a_standard_error_does_not_buy_a_larger_blend():
    stack, labels, fold = members(3, 120, 2, seed=1)
    result = select_blend(stack, labels, fold, "log_loss", NAMES[:3])
    scores = {row["method"]: row["cross_fitted"] for row in result.table}
    sizes = {row["method"]: row["size"] for row in result.table}
    assert min(scores.values()) < scores[result.method]
    assert sizes[result.method] < sizes[min(scores, key=scores.get)]


def test_where_accuracy_ties_log_loss_chooses():
    right = np.eye(2)[np.arange(100) % 2] > 0
    sure, unsure = np.where(right, 0.9, 0.1), np.where(right, 0.55, 0.45)
    stack = np.stack([unsure, sure]).astype(np.float32)
    result = select_blend(stack, np.arange(100) % 2, np.arange(100) // 20, "accuracy", ("u", "s"))
    assert {row["cross_fitted"] for row in result.table} == {1.0}
    assert result.blend.weights[1] > 0.99
    assert result.blend.weights[1] > 5 * result.blend.weights[0]


def test_a_good_member_among_noise_is_found_by_the_selection():
    labels = np.arange(400) % 2
    right = np.arange(400) // 2 % 10 > 0  # 90 % of either class, as sure as it says
    good = np.where((np.eye(2)[labels] > 0) == right[:, None], 0.9, 0.1).astype(np.float32)
    stack = np.concatenate([noise(5, 400, 2), good[None]])
    result = select_blend(stack, labels, np.arange(400) % 80 // 16, "log_loss", NAMES[:6])
    assert result.best_single == "f"
    assert result.blend.members == NAMES[:6]
    assert result.cross_fitted == pytest.approx(result.best_single_score, abs=1e-3)
    assert result.method == "single"
    assert result.blend.weights[5] == 1


def test_the_table_shows_the_gap_of_every_method():
    stack, labels, fold = members(5, 200, 3)
    result = select_blend(stack, labels, fold, "log_loss", NAMES[:5])
    assert [row["method"] for row in result.table] == list(SingleLabel.blend_methods)
    for row in result.table:
        assert row["gap"] == pytest.approx(row["cross_fitted"] - row["in_sample"])
    by_name = {row["method"]: row for row in result.table}
    assert by_name["mean"]["gap"] == pytest.approx(0)
    assert by_name["logodds_simplex"]["gap"] > 0


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "auc"])
def test_one_member_blends_to_itself(metric):
    stack, labels, fold = members(1, 300, 2)
    result = select_blend(stack, labels, fold, metric, ("only",))
    np.testing.assert_array_equal(result.blend.weights, [1.0])
    np.testing.assert_allclose(result.oof, stack[0], atol=1e-6)
    assert result.cross_fitted == pytest.approx(result.best_single_score, abs=1e-6)


@pytest.mark.fault("N2")
def test_an_undefined_metric_stays_undefined():
    stack, _, fold = members(2, 50, 2)
    result = select_blend(stack, np.zeros(50, int), fold, "auc", NAMES[:2])
    assert result.cross_fitted is None
    assert result.best_single_score is None


def test_stacking_is_the_penalised_minimum_that_scipy_finds():
    stack, labels, _ = members(3, 200, 3)
    logs, centre = np.log(stack.astype(float)), simplex_weights(LogOddsLoss(stack, labels))

    def penalised(x):
        mixed = np.tensordot(x[:3], logs, 1) + x[3:]
        loss = np.log(np.exp(mixed).sum(1)) - mixed[np.arange(200), labels]
        return loss.sum() + 50 * ((x[:3] - centre) ** 2).sum() + 2 * (x[3:] ** 2).sum()

    theirs = minimize(penalised, np.r_[centre, 0, 0, 0], tol=1e-10).x
    blend = fit_blend("stacking", stack, labels, "log_loss", NAMES[:3])
    np.testing.assert_allclose(blend.weights, theirs[:3], atol=2e-4)
    np.testing.assert_allclose(blend.bias, theirs[3:] - theirs[3:].mean(), atol=2e-4)


def test_the_gradient_of_the_loss_is_its_differences():
    stack, labels, _ = members(3, 150, 3)
    problem, x, step = LogOddsLoss(stack, labels), np.array([0.5, 0.2, 0.4, 0.3, -0.1, 0.0]), 1e-5
    gradient = problem.evaluate(x[:3], x[3:])[1]
    for i, unit in enumerate(np.eye(6) * step):
        ends = [problem.evaluate((x + s * unit)[:3], (x + s * unit)[3:])[0] for s in (1, -1)]
        assert gradient[i] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)
    unbiased = [problem.evaluate(x[:3], bias) for bias in (None, np.zeros(3))]
    assert unbiased[0][0] == unbiased[1][0]
    np.testing.assert_array_equal(unbiased[0][1], unbiased[1][1][:3])


def test_blocks_of_rows_add_up(monkeypatch):
    stack, labels, _ = members(3, 1_000, 3)
    whole = LogOddsLoss(stack, labels)
    monkeypatch.setattr("seqblend.tasks.single_label.BLOCK", 900)
    cut = LogOddsLoss(stack, labels)
    assert len(cut.blocks) > 5
    weights, bias = np.full(3, 0.4), np.array([0.1, 0.0, -0.1])
    for ours, theirs in zip(
        cut.evaluate(weights, bias), whole.evaluate(weights, bias), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_rare_classes_get_the_weight_that_macro_f1_needs_whatever_the_labels_of_the_scored_fold():
    rng = np.random.default_rng(0)
    labels = (rng.random(4_000) < 0.08).astype(int)
    logits = 1.5 * labels - 2.4 - 0.5 + rng.normal(size=(3, 4_000)) * 0.8
    positive = 1 / (1 + np.exp(-logits))
    stack, fold = np.stack([1 - positive, positive], 2).astype(np.float32), np.arange(4_000) % 5
    result = select_blend(stack, labels, fold, "macro_f1", NAMES[:3])
    weights = result.blend.adjustment.class_weights
    assert weights[1] > 2 * weights[0]
    assert result.cross_fitted > result.best_single_score + 0.05
    changed = np.where(fold == 2, 1 - labels, labels)
    after = nested(stack, changed, fold, "macro_f1").astype(np.float32)
    assert result.oof[fold == 2].tobytes() == after[fold == 2].tobytes()


def test_overconfident_members_are_temperature_scaled_for_log_loss():
    stack, labels, fold = members(1, 2_000, 3)
    stack = softmax(4 * np.log(stack))
    result = select_blend(stack, labels, fold, "log_loss", ("only",))
    assert result.blend.adjustment.temperature > 2
    assert result.cross_fitted < 0.8 * result.best_single_score


def test_the_record_of_the_nested_choice_has_interval_and_gain():
    stack, labels, fold = members(4, 1_000, 2)
    nested = select_blend(stack, labels, fold, "accuracy", NAMES[:4]).nested
    assert nested["low"] < nested["cross_fitted"] < nested["high"]
    width = nested["high"] - nested["low"]
    assert width == pytest.approx(4 * np.sqrt(0.17 * 0.83 / 1_000), rel=0.15)
    assert nested["gain"] > nested["gain_error"] > 0
    assert nested["beats_single"] > 0.95


def test_more_than_five_folds_are_joined_and_stay_whole():
    fold = np.arange(400) % 12
    joined = make_blend_folds(np.arange(400) % 2, fold)
    assert set(joined) == set(range(5))
    assert all(len(set(joined[fold == k])) == 1 for k in range(12))


def test_an_interval_holds_the_score_that_stands_beside_it():
    record = {"cross_fitted": 0.30, "low": 0.31, "high": 0.48}
    assert _contain_score(record) == record | {"low": 0.30}
    assert _contain_score(record | {"cross_fitted": 0.5})["high"] == 0.5
    undefined = record | {"cross_fitted": None, "low": None, "high": None}
    assert _contain_score(undefined) == undefined
