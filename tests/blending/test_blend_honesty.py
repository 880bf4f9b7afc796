"""The score of a blend: noise members do not raise it, and its intervals cover the truth."""

from __future__ import annotations

import numpy as np
import pytest
from blend_examples import members, noise, softmax
from class_blends import cross_fit, fit_blend, make_fitter, select_blend

from seqblend.blending.selection import burman_corrected
from seqblend.evaluation.bootstrap import bootstrap, score_contributions
from seqblend.evaluation.metrics import score, sign_of
from seqblend.evaluation.resampling import standard_error

NAMES = tuple("abc")


def with_noise(seed: int):
    """3 members on 500 rows, the same and 50 of pure noise; labels; folds."""
    stack, labels, fold = members(3, 500, 2, seed)
    return stack, np.concatenate([stack, noise(50, 500, 2, 1_000 + seed)]), labels, fold


def stack_in_sample(metric: str, stack: np.ndarray, labels: np.ndarray) -> float:
    """Stacking's score on the rows it is fitted on; higher is better."""
    blend = fit_blend("stacking", stack, labels, metric, tuple(map(str, range(len(stack)))))
    return sign_of(metric) * score(metric, labels, blend.apply(stack))


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "least"), [("log_loss", 0.02), ("accuracy", 0.01)])
def test_fifty_noise_members_raise_the_in_sample_score_and_not_the_cross_fitted_one(metric, least):
    rises, honest = [], []
    for seed in range(20):
        few, many, labels, fold = with_noise(seed)
        rises.append(stack_in_sample(metric, many, labels) - stack_in_sample(metric, few, labels))
        plain, noisy = (
            select_blend(each, labels, fold, metric, tuple(f"m{j:02d}" for j in range(len(each))))
            for each in (few, many)
        )
        error = standard_error(score_contributions(metric, labels, plain.oof))
        honest.append((noisy.cross_fitted - plain.cross_fitted) / error)
    print(
        f"{metric}: in-sample {np.mean(rises):+.4f} ({min(rises):+.4f}..{max(rises):+.4f}), "
        f"cross-fitted in standard errors {np.round(honest, 2)}"
    )
    assert np.mean(rises) > least
    assert min(rises) > -0.01  # the fit does not look at accuracy
    assert np.abs(honest).max() < 2


@pytest.mark.parametrize("seed", range(3))
def test_fifty_noise_members_raise_stackings_in_sample_score_and_not_that_on_other_rows(seed):
    stack, labels, fold = members(3, 500, 2, seed)
    more = np.concatenate([stack, noise(50, 500, 2, seed)])
    in_sample, honest = [], []
    for each in (stack, more):
        names = tuple(map(str, range(len(each))))
        blend = fit_blend("stacking", each, labels, "log_loss", names)
        in_sample.append(score("log_loss", labels, blend.apply(each)))
        blended = cross_fit("stacking", each, labels, fold, "log_loss")
        honest.append(score("log_loss", labels, blended))
    assert in_sample[1] < in_sample[0] - 0.008
    assert honest[1] > honest[0] - 0.008


@pytest.mark.fault("K4")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "chance"), [("accuracy", 0.5), ("auc", 0.5), ("log_loss", None)]
)
def test_with_shuffled_labels_everything_is_chance(metric, chance):
    found, covers = [], 0
    for seed in range(20):
        stack, labels, fold = members(4, 500, 2, seed)
        labels = np.random.default_rng(seed).permutation(labels)
        result = select_blend(stack, labels, fold, metric, tuple("abcd"))
        found.append([row["cross_fitted"] for row in (*result.table, result.nested)])
        if chance is not None:  # log loss falls where a blend is less sure of nothing
            assert result.nested["gain"] < 3 * result.nested["gain_error"] + 1e-9
            covers += result.nested["low"] <= chance <= result.nested["high"]
    means = np.mean(found, axis=0)
    print(metric, np.round(means, 4), f"{covers} of 20 intervals hold chance")
    if chance is None:
        assert means.min() > np.log(2)  # nobody beats the classes' shares
    else:
        assert np.abs(means - chance).max() < 0.025  # of 20 x 500 rows
        assert covers >= 16


def draw_world(n: int, m: int, c: int, seed: int):
    """Members that share some error and are surer than they may be; labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, c, n)
    shared = rng.normal(size=(n, c)) + 1.5 * np.eye(c)[labels]
    logits = shared + rng.normal(size=(m, n, c)) * np.linspace(0.7, 1.5, m)[:, None, None]
    return softmax(logits), labels


def cover(metric: str, times: int, n: int, *, c: int = 2, m: int = 3):
    """(low, high, true score of the fitted blend) of simulations: float64 [times, 3].

    The true score is that on 100,000 other rows.
    """
    world, truth = draw_world(100_000, m, c, 10**6)
    found = []
    for seed in range(times):
        stack, labels = draw_world(n, m, c, seed)
        result = select_blend(stack, labels, np.arange(n) % 5, metric, tuple("abcd"[:m]))
        true = score(metric, truth, result.blend.apply(world))
        found.append((result.nested["low"], result.nested["high"], true))
    return np.array(found)


def share_covered(found: np.ndarray) -> float:
    """Of rows (low, high, true)."""
    low, high, true = found.T
    return float(((low <= true) & (true <= high)).mean())


def fold_blends(metric: str, stack: np.ndarray, labels: np.ndarray, fold: np.ndarray):
    """What each fold's blend gives on all rows: list of float64 [n, c]."""
    fitter = make_fitter(stack, labels, metric, NAMES)
    blends = fitter.fit_per_fold(np.arange(len(labels)), fold).values()
    return [blend.apply(stack) for blend in blends]


def test_what_fewer_rows_cost_moves_the_interval_and_not_the_score():
    stack, labels, fold = members(3, 200, 2)
    result = select_blend(stack, labels, fold, "log_loss", NAMES)
    per_fold = fold_blends("log_loss", stack, labels, fold)
    draws = bootstrap("log_loss", labels, [result.oof, result.blend.apply(stack), *per_fold])
    moved = draws[0] + draws[1] - draws[2:].mean(0)
    assert draws[1].mean() < draws[2:].mean() - 1e-4
    expected = np.quantile(moved, [0.025, 0.975])
    assert [result.nested["low"], result.nested["high"]] == pytest.approx(expected, abs=1e-6)
    assert result.cross_fitted == pytest.approx(score("log_loss", labels, result.oof), abs=1e-6)


@pytest.mark.parametrize("metric", ["accuracy", "auc", "mcc"])
def test_no_end_of_an_interval_is_beyond_the_best_score(metric):
    stack, labels, fold = members(3, 60, 2, skill=3.5)
    nested = select_blend(stack, labels, fold, metric, NAMES).nested
    assert nested["high"] <= 1.0


def test_what_fewer_rows_cost_is_what_the_folds_blends_lack_on_new_rows():
    costs, terms = [], []
    for seed in range(12):
        stack, labels, _ = members(6, 4_000, 2, seed)
        few, fold = np.arange(300), np.arange(300) % 5
        fitter = make_fitter(stack, labels, "log_loss", tuple("abcdef"))
        full = fitter.fit("stacking", few)
        per_fold = [fitter.fit("stacking", few[fold != k]) for k in range(5)]
        several = (full, *per_fold)
        new = [score("log_loss", labels[300:], b.apply(stack[:, 300:])) for b in several]
        costs.append(new[0] - np.mean(new[1:]))
        old = [score("log_loss", labels[:300], b.apply(stack[:, :300])) for b in several]
        terms.append(burman_corrected(0.0, old[0], np.array(old[1:])))
    assert np.mean(costs) < 0
    assert np.mean(terms) == pytest.approx(np.mean(costs), rel=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "auc"])
def test_the_interval_covers_the_fitted_blends_true_score(metric):
    share = share_covered(cover(metric, 1_000, 500))
    print(f"{metric}: {share:.3f} of 1,000")
    assert 0.93 <= share <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_the_interval_covers_the_truth_with_four_members_and_five_classes(metric):
    share = share_covered(cover(metric, 1_000, 500, c=5, m=4))
    print(f"{metric}, 5 classes: {share:.3f} of 1,000")
    assert 0.93 <= share <= 0.97


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_the_interval_is_as_wide_as_the_score_is_off(metric):
    found = cover(metric, 40, 300)
    low, high, true = found.T
    off = np.sqrt(np.mean(((low + high) / 2 - true) ** 2))
    assert share_covered(found) >= 0.88
    assert 0.75 < np.mean(high - low) / (2 * 1.96 * off) < 1.35
