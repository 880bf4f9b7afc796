"""The forecast of the test score: what averaging over folds gains, and its interval's coverage."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pytest
from blend_examples import members, softmax
from class_blends import select_blend
from conftest import classes_of
from scipy.stats import kstest
from simulated_competitions import Competition, draw_competition

from seqblend.blending.fold_average import Gain, average_folds
from seqblend.blending.forecast import draw_forecast, forecast_score
from seqblend.evaluation.metrics import score
from seqblend.tasks.task import task_for

NAMES = tuple("abc")
METRICS = ("log_loss", "accuracy", "auc")


def folds_of_a_truth(n: int, c: int, seed: int, spread: float = 1.0, k: int = 5):
    """(k calibrated fits float32 [k, n, c] that each see the truth blurred, labels)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, c, n)
    shared = 1.0 * np.eye(c)[labels] + rng.normal(size=(n, c))
    blurred = shared + spread * rng.normal(size=(k, n, c))
    return softmax(blurred / (1 + spread**2)), labels


def averaged(metric: str, *, rows: int = 4_000, spread: float = 1.0, c: int = 2):
    """(the average, its labels, the fits float32 [k, n, c]) of a single member's fits."""
    oof, labels = folds_of_a_truth(2_000, c, 1, spread)
    fits, answers = folds_of_a_truth(rows, c, 2, spread)
    fold = np.arange(2_000) % 5
    own = oof[fold, np.arange(2_000)][None]
    result = select_blend(own, labels, fold, metric, ("only",))
    return average_folds(result, metric, labels, fits[:, None]), answers, fits


@pytest.mark.parametrize("c", [2, 5])
@pytest.mark.parametrize("metric", METRICS)
def test_the_gain_of_averaging_is_found_without_labels(metric, c):
    average, answers, _ = averaged(metric, rows=20_000, c=c)
    single = np.mean([score(metric, answers, fit) for fit in average.fits])
    true = score(metric, answers, average.test) - single
    assert abs(true) > 0.01
    assert average.gain.mean == pytest.approx(true, rel=0.25)
    assert average.gain.error < 0.1 * abs(true)


@pytest.mark.parametrize("metric", METRICS)
def test_equal_folds_gain_nothing(metric):
    stack, labels, fold = members(3, 600, 3)
    result = select_blend(stack, labels, fold, metric, NAMES)
    average = average_folds(result, metric, labels, [stack] * 5)
    assert average.gain.mean == pytest.approx(0, abs=1e-6)
    assert average.sharpening == 1
    np.testing.assert_allclose(average.test, result.blend.apply(stack), atol=1e-6)


def test_one_fold_gains_nothing():
    stack, labels, fold = members(3, 600, 3)
    result = select_blend(stack, labels, fold, "log_loss", NAMES)
    average = average_folds(result, "log_loss", labels, [stack])
    assert average.gain.mean == pytest.approx(0, abs=1e-6)
    assert average.sharpening == 1


def test_means_of_calibrated_fits_are_sharpened_and_score_better():
    average, answers, fits = averaged("log_loss", spread=2.0)
    assert average.sharpening < 0.8
    assert score("log_loss", answers, average.test) < score("log_loss", answers, fits.mean(0))


def test_overconfident_means_are_left_as_they_are():
    oof, labels = folds_of_a_truth(2_000, 2, 1)
    fits, _ = folds_of_a_truth(4_000, 2, 2)
    sure_oof, sure = softmax(2.0 * np.log(oof)), softmax(2.0 * np.log(fits))
    fold = np.arange(2_000) % 5
    own = sure_oof[fold, np.arange(2_000)]
    assert classes_of(2).likely_targets(sure, labels, own).sharpening == 1


def test_the_mean_of_the_folds_blends_never_loses_more_than_the_folds_do():
    stack, labels, fold = members(3, 600, 3)
    tests = [members(3, 3_000, 3, seed=5)[0]]
    tests += [softmax(np.log(tests[0]) + np.random.default_rng(k).normal(size=tests[0].shape))
              for k in range(4)]  # fmt: skip
    answers = members(3, 3_000, 3, seed=5)[1]
    result = select_blend(stack, labels, fold, "accuracy", NAMES)
    average = average_folds(result, "accuracy", labels, tests)
    folds = [score("log_loss", answers, fit) for fit in average.fits]
    assert score("log_loss", answers, average.fits.mean(0)) < np.mean(folds)


def test_squared_errors_gain_the_fits_variance_about_their_mean():
    rng, task = np.random.default_rng(0), task_for("regression", ("a", "b"))
    truth = rng.normal(size=(3_000, 2))
    fits = truth + rng.normal(size=(3_000, 2)) + 0.8 * rng.normal(size=(5, 3_000, 2))
    oof = truth + rng.normal(size=(3_000, 2)) * np.sqrt(1.64)
    likely = task.likely_targets(fits, truth, oof)
    drawn, mean = [likely.draw(rng) for _ in range(50)], fits.mean(0)
    variance = ((fits - mean) ** 2).mean()
    squares = [[((y - p) ** 2).mean() for p in (mean, fits)] for y in drawn]
    of_mean, of_fits = np.mean(squares, axis=0)
    assert of_fits - of_mean == pytest.approx(variance, rel=0.05)
    assert of_fits == pytest.approx(((truth - oof) ** 2).mean(), rel=0.03)


def test_several_labels_are_drawn_with_their_own_shares():
    rng, task = np.random.default_rng(0), task_for("multi_label", ("a", "b", "c"))
    p = np.broadcast_to([0.1, 0.5, 0.8], (5_000, 3)).astype(np.float32)
    labels = (rng.random((5_000, 3)) < p).astype(np.int64)
    likely = task.likely_targets(np.stack([p] * 3), labels, p)
    drawn = likely.draw(rng)
    assert drawn.dtype == np.int64
    np.testing.assert_allclose(drawn.mean(0), [0.1, 0.5, 0.8], atol=0.03)


def test_the_forecast_adds_the_gain_and_the_luck_of_the_test_rows():
    stack, labels, fold = members(3, 1_000, 2)
    result = select_blend(stack, labels, fold, "accuracy", NAMES)
    near, moved, few = (
        forecast_score("accuracy", result, labels, n_test, gain)
        for n_test, gain in ((10**6, None), (10**6, Gain(0.02, 0.0)), (125, None))
    )
    width = result.nested["high"] - result.nested["low"]
    assert (near.middle, near.gain) == (pytest.approx(result.cross_fitted, abs=0.005), 0)
    assert moved.middle - near.middle == pytest.approx(0.02, abs=1e-4)
    assert near.high - near.low == pytest.approx(width, rel=0.05)
    assert few.high - few.low == pytest.approx(3 * width, rel=0.1)


def test_an_undefined_score_has_no_forecast():
    stack, labels, fold = members(2, 100, 2)
    result = select_blend(stack, np.zeros_like(labels), fold, "auc", NAMES[:2])
    assert forecast_score("auc", result, np.zeros_like(labels), 50, None) is None


@pytest.mark.parametrize("metric", ["accuracy", "auc", "mcc"])
def test_no_end_of_a_forecast_is_beyond_the_best_score(metric):
    stack, labels, fold = members(3, 60, 2, skill=3.5)
    result = select_blend(stack, labels, fold, metric, NAMES)
    assert forecast_score(metric, result, labels, 20, Gain(0.01, 0.0)).high <= 1


def test_a_score_without_a_mistake_is_not_forecast_to_be_certain():
    labels = np.arange(400) % 2
    p = np.where(labels == 1, 0.99, 0.01)
    stack = np.stack([1 - p, p], axis=1).astype(np.float32)[None]
    result = select_blend(stack, labels, np.arange(400) // 2 % 5, "accuracy", ("only",))
    assert result.nested["low"] == 1
    forecast = forecast_score("accuracy", result, labels, 400, None)
    assert 0.97 < forecast.low < 0.995


def test_a_hundred_thousand_rows_of_ten_classes_take_seconds():
    stack, labels, fold = members(3, 500, 10)
    result = select_blend(stack, labels, fold, "auc", NAMES)
    big = members(3, 100_000, 10, seed=3)[0]
    start = time.process_time()
    average = average_folds(result, "auc", labels, [big] * 5)
    assert time.process_time() - start < 20
    assert average.test.shape == (100_000, 10)


@dataclass(frozen=True)
class Outcome:
    """position: of the test score among the forecast's draws; inside: the 95 % interval."""

    position: float
    is_inside: bool
    sharpened: float  # the fall of log loss on 20,000 rows by sharpening
    gain: float
    true_gain: float


def simulate(metric: str, made: Competition) -> Outcome:
    """A competition from its folds to its test score."""
    result = select_blend(made.oof, made.labels, made.fold, metric, NAMES)
    n_test = made.n_test
    average = average_folds(result, metric, made.labels, made.tests[:, :, :n_test])
    true = score(metric, made.answers[:n_test], average.test)
    parts = (metric, result, made.labels, n_test, average.gain)
    draws, forecast = draw_forecast(*parts), forecast_score(*parts)
    world = average_folds(result, metric, made.labels, made.tests)
    tied = np.isclose(draws, true, rtol=0, atol=1e-9).mean()
    position = (draws < true - 1e-9).mean() + np.random.default_rng(n_test).random() * tied
    fits = [score(metric, made.answers, fit) for fit in world.fits]
    of_mean, of_test = (
        score("log_loss", made.answers, p) for p in (world.fits.mean(0), world.test)
    )
    return Outcome(
        float(position),
        forecast.low <= true <= forecast.high,
        of_mean - of_test,
        average.gain.mean,
        score(metric, made.answers, world.test) - float(np.mean(fits)),
    )


def describe(metric: str, found: list[Outcome]) -> tuple[float, float]:
    """(share inside, p of a uniform position); prints them and the gains."""
    inside = float(np.mean([one.is_inside for one in found]))
    p = kstest([one.position for one in found], "uniform").pvalue
    gain, true = np.array([(one.gain, one.true_gain) for one in found]).T
    error = np.sqrt(np.mean((gain - true) ** 2))
    sharper = np.array([one.sharpened for one in found])
    print(f"\n{metric}: {inside:.3f} of {len(found)} inside, KS p {p:.3f}")
    print(f"gain: forecast {gain.mean():.4f}, true {true.mean():.4f}, root mean square {error:.4f}")
    print(f"sharpening lowers log loss by {sharper.mean():.5f}, least {sharper.min():.5f}")
    return inside, float(p)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, list[Outcome]]:
    """Of 200 simulated competitions, by metric."""
    made = map(draw_competition, range(200))
    found = [[simulate(metric, each) for metric in METRICS] for each in made]
    return dict(zip(METRICS, map(list, zip(*found, strict=True)), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("metric", METRICS)
def test_forecasts_cover_the_test_score_of_simulated_competitions(metric, outcomes):
    inside, p = describe(metric, outcomes[metric])
    assert 0.92 <= inside <= 0.98  # 95 % +- twice the error of 200 draws
    assert p > 0.05
