"""The checks of finished runs, against distributions whose truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from conftest import classes_of

from seqblend.core.seeds import rng_for
from seqblend.data.demo import draw_transitions, posterior, sample
from seqblend.diagnosis.cards import make_cards
from seqblend.diagnosis.forecasts import check_confidence, measure_drop
from seqblend.diagnosis.holdouts import HoldOut
from seqblend.diagnosis.mislabelled import check_labels, find_label_errors
from seqblend.diagnosis.shakeup import forecast_shake_up


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def draw(rng, shares, n, spread=1.5):
    """(labels int64 [n], exact posteriors float64 [n, c]) of Gaussians around each class's axis."""
    c = len(shares)
    labels = rng.choice(c, n, p=shares)
    x = rng.normal(size=(n, c)) + spread * np.eye(c)[labels]
    p = np.asarray(shares) * np.exp(spread * x)
    return labels, p / p.sum(axis=1, keepdims=True)


def test_accuracy_is_forecast_where_confidence_is_honest(rng):
    shares = [0.5, 0.5]
    labels, valid = draw(rng, shares, 4_000, spread=2.0)
    for spread in (2.0, 1.0):  # test rows as hard, and harder
        truth, test = draw(rng, shares, 4_000, spread)
        parts = [HoldOut(labels[k::4], valid[k::4], test, k) for k in range(4)]
        check = check_confidence("toy", parts)
        right = (test.argmax(axis=1) == truth).mean()
        assert check.estimate.value == pytest.approx(right, abs=0.02)
        assert check.is_flagged == (spread == 1.0)


def test_suspects_are_those_of_a_hand_made_example():
    labels = np.array([0, 0, 0, 1, 1, 1])
    p = np.array([0.9, 0.8, 0.1, 0.2, 0.1, 0.65])  # P(class 0); means: 0.6 of 0, 0.68 of 1's
    found = find_label_errors(labels, np.stack([p, 1 - p], axis=1))
    assert found.tolist() == [2, 5]  # margins -0.8 and -0.3


def test_planted_wrong_labels_are_found_and_few_others(rng):
    labels, p = draw(rng, [0.4, 0.3, 0.3], 3_000, spread=4.0)
    wrong = rng.choice(3_000, 60, replace=False)
    labels[wrong] = (labels[wrong] + 1) % 3
    found = find_label_errors(labels, p)
    hits = np.isin(found, wrong).sum()
    assert hits / len(found) > 0.9
    assert hits / len(wrong) > 0.9


def test_rows_without_a_prediction_and_classes_without_rows_are_no_suspects():
    labels = np.array([0, 1, 0, 1])
    oof = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [np.nan] * 3, [0.7, 0.2, 0.1]])
    check = check_labels("toy", labels, oof, list("abcd"))
    assert check.details["positions"] == []
    assert check.estimate.value == 0.0


def test_a_drop_of_confidence_has_the_error_that_drawing_rows_gives_it(rng):
    for n, m in ((50, 1_000), (1_000, 50)):  # few validation rows, few test rows
        drops, errors = [], []
        for _ in range(200):
            test = draw(rng, [0.5, 0.5], m)[1]
            parts = [HoldOut(*draw(rng, [0.5, 0.5], n), test, k) for k in range(3)]
            drop, error = measure_drop(parts)
            drops.append(drop)
            errors.append(error)
        assert abs(np.mean(drops)) < 0.005
        assert 0.8 < np.mean(errors) / np.std(drops) < 1.6  # fits' spread holds their rows' as well


def test_fits_that_bring_no_new_row_do_not_narrow_the_interval(rng):
    labels, valid = draw(rng, [0.5, 0.5], 600)
    tests = [draw(rng, [0.5, 0.5], 400)[1] for _ in range(3)]
    fits = [HoldOut(labels[k::3], valid[k::3], tests[k], k) for k in range(3)]
    once, thrice, often = (check_confidence("toy", fits * seeds) for seeds in (1, 3, 10))
    for repeated in (thrice, often):
        assert dataclasses.astuple(repeated.estimate) == pytest.approx(
            dataclasses.astuple(once.estimate)
        )


def test_seeds_that_differ_are_averaged_within_their_fold():
    labels = np.zeros(2, int)

    def fit(valid, test, fold):
        valid, test = (np.array([[p, 1 - p] for p in each]) for each in (valid, test))
        return HoldOut(labels, valid, test, fold)

    parts = [
        fit([0.9, 0.7], [0.6, 0.6], 0),
        fit([0.7, 0.7], [0.6, 0.6], 1),
        fit([0.9, 0.9], [0.8, 0.8], 0),
        fit([0.9, 0.7], [0.8, 0.8], 1),
    ]
    drop, error = measure_drop(parts)  # rows' confidence: 0.9, 0.8 and 0.8, 0.7; test rows 0.7
    assert drop == pytest.approx((0.15 + 0.05) / 2)
    of_fits, of_valid = np.var([0.15, 0.05], ddof=1) / 2, np.var([0.9, 0.8, 0.8, 0.7]) / 4
    assert error == pytest.approx(np.sqrt(of_fits + of_valid))


def test_the_labels_that_the_demo_drew_at_random_are_suspected_and_no_others():
    transitions = draw_transitions(1)
    rows, labels = sample(transitions, 400, rng_for(1, "demo-rows"))
    p = posterior(transitions, rows)
    wrong = np.flatnonzero(p.argmax(axis=1) != labels)
    assert len(wrong)
    assert sorted(find_label_errors(labels, p)) == wrong.tolist()


def test_a_public_score_spreads_as_draws_of_its_rows_do(rng):
    labels = np.zeros(4_000, dtype=np.int64)
    right = rng.random(4_000) < 0.8
    p = np.stack([right, ~right], axis=1).astype(float)
    fifth, half = forecast_shake_up(labels, p, None, "accuracy", 1_000, (0.2, 0.5))
    assert fifth.rows == 200
    assert fifth.flip is None
    assert fifth.error == pytest.approx(np.sqrt(0.8 * 0.2 / 200), rel=0.08)
    assert fifth.gap == pytest.approx(1.96 * np.sqrt(0.16 / 200 + 0.16 / 800), rel=0.1)
    assert half.error < fifth.error


def test_a_share_of_too_few_rows_for_the_metric_is_left_out(rng):
    labels = np.array([0] * 30 + [1])
    p = rng.dirichlet([1, 1], 31)
    assert forecast_shake_up(labels, p, p[::-1], "auc", 2) == []
    assert len(forecast_shake_up(labels, p, p[::-1], "auc", 60)) == 3


def test_twins_flip_half_of_the_time_and_unequal_ones_never(rng):
    labels = rng.integers(0, 2, 2_000)
    sure, half = np.eye(2)[labels] * 0.98 + 0.01, np.full((2_000, 2), 0.5)
    (clear,) = forecast_shake_up(labels, sure, half, "log_loss", 4_000, (0.5,))
    assert clear.flip == 0.0
    is_right = rng.permutation(np.arange(2_000) % 2 == 0)[:, None]
    one, other = np.where(is_right, sure, 1 - sure), np.where(is_right, 1 - sure, sure)
    (even,) = forecast_shake_up(labels, one, other, "log_loss", 400, (0.5,))
    assert 0.4 < even.flip < 0.6


def test_a_card_shows_what_a_member_is_worth(rng):
    labels, p = draw(rng, [0.5, 0.5], 1_500)
    stack = np.stack([p, p, np.full_like(p, 0.5)]).astype(np.float32)
    fold = np.arange(1_500) % 5
    cards = make_cards(
        ("good", "twin", "flat"),
        stack,
        labels,
        fold,
        p,
        {"good": 1.0},
        classes_of(2),
    )
    good, twin, flat = cards
    assert abs(good.loss_without) < 1e-4
    assert abs(flat.loss_without) < 2e-3
    alone = make_cards(
        ("good", "flat"),
        stack[[0, 2]],
        labels,
        fold,
        p,
        {},
        classes_of(2),
    )
    assert alone[0].loss_without > 0.1
    assert good.disagreement == 0.0
    assert flat.disagreement > 0.3
    assert (good.weight, twin.weight) == (1.0, 0.0)


def test_the_loss_without_a_member_is_that_of_the_others_refitted_with_its_interval(rng):
    labels, p = draw(rng, [0.5, 0.5], 1_000)
    p = np.sqrt(p) / np.sqrt(p).sum(axis=1, keepdims=True)  # too unsure: the flat one gets nothing
    stack = np.stack([p, np.full_like(p, 0.5)]).astype(np.float32)
    good, flat = make_cards(
        ("good", "flat"),
        stack,
        labels,
        np.arange(1_000) % 5,
        p,
        {},
        classes_of(2),
    )
    rises = np.log(2) + np.log(stack[0, np.arange(1_000), labels])
    half = 1.96 * rises.std(ddof=1) / np.sqrt(1_000)
    assert good.loss_without == pytest.approx(rises.mean(), abs=1e-5)
    assert (good.low, good.high) == pytest.approx(
        (rises.mean() - half, rises.mean() + half), abs=1e-5
    )
    assert (flat.low, flat.loss_without, flat.high) == pytest.approx((0, 0, 0), abs=1e-5)
