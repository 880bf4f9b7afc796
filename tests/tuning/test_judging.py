"""When a trial is pruned: the paired test on shards, successive halving, gains and their noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from seqblend.core.config import TrainConfig
from seqblend.core.seeds import rng_for
from seqblend.evaluation.class_predictions import row_losses
from seqblend.evaluation.paired import compare_losses
from seqblend.training.fitting import pilot_loss_key
from seqblend.tuning.confirm import holm_adjusted
from seqblend.tuning.pruning import (
    LEVEL,
    SHARDS,
    fold_noise,
    is_in_better_half,
    is_rung,
    is_significantly_worse,
    min_folds,
    p_worse,
    shard_means,
    survives,
)


@pytest.mark.parametrize("shift", [-1.0, 0.0, 0.3, 1.0])
def test_the_p_value_is_that_of_scipys_paired_test(shift):
    rng = rng_for(0, "test")
    a, b = rng.normal(shift, 1, 16), rng.normal(0, 1, 16)
    expected = stats.ttest_rel(a, b, alternative="greater").pvalue
    assert p_worse(a - b) == pytest.approx(expected, rel=1e-9)


def test_differences_without_spread_need_no_test():
    assert p_worse(np.full(8, 0.1)) == 0.0
    assert p_worse(np.zeros(8)) == 1.0
    assert p_worse(np.array([3.0])) == 1.0


def test_shards_are_fixed_equal_parts_that_keep_every_row():
    losses = np.arange(20.0)
    means = shard_means(losses, fold=1)
    assert len(means) == SHARDS
    assert shard_means(losses, fold=1).tolist() == means.tolist()
    assert shard_means(losses, fold=2).tolist() != means.tolist()
    sizes = [3, 3, 3, 3, 2, 2, 2, 2]
    assert np.dot(means, sizes) == pytest.approx(losses.sum())
    assert len(shard_means(losses[:5], fold=0)) == 5


def test_row_losses_are_clipped_logarithms():
    p = np.array([[0.25, 0.75], [1.0, 0.0]], dtype=np.float32)
    assert row_losses(np.array([1, 1]), p) == pytest.approx([-np.log(0.75), -np.log(1e-7)])


def simulate(gap: float, noise: float, least: int, trials: int = 2000) -> tuple[float, float]:
    """(share given up, mean folds seen) over five folds: shards of unit spread, noise a fold."""
    rng = rng_for(0, "simulation")
    seen = []
    for _ in range(trials):
        folds = rng.normal(0, 1, (5, SHARDS)) + rng.normal(gap, noise, (5, 1))
        zeros = np.zeros((5, SHARDS)).tolist()
        stops = (k for k in range(1, 5) if is_significantly_worse(folds[:k].tolist(), zeros, least))
        seen.append(next(stops, 5))
    return float(np.mean(np.array(seen) < 5)), float(np.mean(seen))


def test_equally_good_trials_are_rarely_given_up():
    assert simulate(0.0, 0.0, least=2)[0] < 3 * LEVEL  # three looks
    assert simulate(0.0, 0.7, least=2)[0] < 0.15
    assert simulate(0.0, 1.2, least=3)[0] < simulate(0.0, 1.2, least=2)[0]


def test_bad_trials_are_given_up_after_the_second_fold():
    share, folds = simulate(2.0, 0.3, least=2)
    assert share > 0.99
    assert folds < 2.1


def test_nothing_is_given_up_before_the_least_number_of_folds_or_at_the_end():
    bad, best = np.ones((5, 8)).tolist(), np.zeros((5, 8)).tolist()
    assert [k for k in range(1, 6) if is_significantly_worse(bad[:k], best, 2)] == [2, 3, 4]
    assert [k for k in range(1, 6) if is_significantly_worse(bad[:k], best, 3)] == [3, 4]


def test_fold_noise_is_what_shards_do_not_explain():
    rng = rng_for(0, "noise")
    one = rng.normal(0, 1, (4000, SHARDS)) + rng.normal(0, 0.5, (4000, 1))
    fold, shard = fold_noise(one.tolist(), np.zeros((4000, SHARDS)).tolist())
    assert fold == pytest.approx(0.5, abs=0.05)
    assert shard == pytest.approx(1.0, abs=0.02)


def test_noisy_folds_ask_for_a_third_one():
    trial, best = [[-1.0, 0.0, 1.0]] * 2, [[5.0, 5.0, 5.0]] * 5  # shards: unit spread
    assert [min_folds(noise, trial, best) for noise in (None, 0.6, 0.8)] == [3, 2, 3]


def test_rungs_double():
    assert [epoch for epoch in range(1, 40) if is_rung(epoch)] == [2, 4, 8, 16, 32]


def test_the_better_half_of_a_rung_goes_on():
    others = [{1: 1.0, 2: loss} for loss in (0.2, 0.4, 0.6, 0.8)]
    assert survives({1: 1.0, 2: 0.5}, others)
    assert not survives({1: 1.0, 2: 0.7}, others)
    assert survives({1: 9.0}, others)  # no rung
    assert survives({1: 1.0, 2: 0.7}, others[:3])  # too few to tell
    assert survives({1: 1.0, 2: 0.7}, [*others[:3], {1: 0.1}])  # which has not come so far


def test_what_counts_at_a_rung_is_the_least_loss_so_far():
    others = [{1: 0.1, 2: 0.9}] * 4
    assert not survives({1: 0.5, 2: 0.2}, others)
    assert survives({1: 0.1, 2: 2.0}, others)
    assert survives({1: 1.0, 2: 0.5}, [{1: 1.0, 2: 0.9, 3: 0.1}] * 4)  # they were worse then


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "valid_calibrated_loss"),
        ({"calibrate": False}, "valid_loss"),
        ({"early_stopping": True}, "valid_loss"),  # its folds predict with temperature 1
    ],
)
def test_pilots_are_judged_after_scaling_where_their_folds_predict_with_it(settings, key):
    assert pilot_loss_key(TrainConfig(**settings)) == key


def test_ties_go_on():
    assert is_in_better_half(1.0, [1.0] * 9)


def test_a_gain_has_the_interval_of_paired_rows_and_the_noise_of_training():
    before, after = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 1.0, 3.5, 3.0])
    d = before - after
    half = 1.959964 * d.std(ddof=1) / 2
    gain = compare_losses(after, before)
    assert (gain.mean, gain.low, gain.high) == pytest.approx((0.5, 0.5 - half, 0.5 + half))
    assert gain.p_value == pytest.approx(2 * stats.norm.sf(0.5 / (d.std(ddof=1) / 2)))
    wider = compare_losses(after, before, training_std=1.0)
    assert wider.high - wider.mean == pytest.approx(np.hypot(half, 1.959964))
    assert wider.p_value == pytest.approx(
        2 * stats.norm.sf(1.959964 * 0.5 / np.hypot(half, 1.959964))
    )


def test_the_interval_holds_0_where_the_p_value_is_above_5_percent():
    before, noise = np.array([1.0, 2.0, 3.0, 4.0]), 0.4  # all differences alike: the error is 0.4
    for gap, is_below in ((1.959965 * noise, True), (1.959963 * noise, False)):
        gain = compare_losses(before - gap, before, training_std=noise)
        assert (gain.low > 0) == (gain.p_value < 0.05) == is_below


def test_a_difference_without_any_error_is_certain_and_none_is_no_difference():
    losses = np.array([1.0, 2.0])
    assert compare_losses(losses - 0.5, losses).p_value == 0.0
    assert compare_losses(losses, losses).p_value == 1.0


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # 3 x 0.01; 2 x 0.03; 1 x 0.04 but not below 0.06
        ([0.03], [0.03]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.5, 0.4, 0.001], [0.8, 0.8, 0.003]),
        ([0.9, 0.6], [1.0, 1.0]),
        ([], []),
    ],
)
def test_holms_p_values_are_those_by_hand(p_values, adjusted):
    assert holm_adjusted(p_values) == pytest.approx(adjusted)


def test_of_three_that_are_equally_good_holm_passes_one_in_twenty_searches_or_fewer():
    draws = rng_for(0, "test").normal(0, 1, (4_000, 3))
    p_values = 2 * stats.norm.sf(np.abs(draws))
    assert (p_values.min(1) < 0.05).mean() > 0.13  # each for itself: 1 - 0.95^3
    assert np.mean([min(holm_adjusted(row.tolist())) < 0.05 for row in p_values]) < 0.06
