"""Cut points on the expected grade, against trying all of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from blend_examples import drawn

from seqblend.evaluation.cut_points import apply_cut_points, expected_grades, fit_cut_points
from seqblend.evaluation.metrics import predict_classes, score


def graded(n: int, c: int, seed: int = 0):
    """Probabilities float64 [n, c] and grades of a hidden number that both follow."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=n)
    labels = np.searchsorted(np.linspace(-1.2, 1.2, c - 1), truth)
    seen = (c - 1) * (truth + rng.normal(0, 0.6, n) + 2) / 4
    logits = -((np.arange(c) - seen[:, None]) ** 2)
    p = np.exp(logits)
    return p / p.sum(1, keepdims=True), labels


def best_of_all(metric: str, p: np.ndarray, labels: np.ndarray) -> float:
    """The best score over every pair of cuts between neighbouring expected grades."""
    grades = np.unique(expected_grades(p))
    places = [-0.5, *((grades[1:] + grades[:-1]) / 2), p.shape[1] - 0.5]
    pairs = itertools.combinations_with_replacement(places, p.shape[1] - 1)
    scores = [score(metric, labels, apply_cut_points(p, np.array(pair))) for pair in pairs]
    return max(value for value in scores if value is not None)


@pytest.mark.parametrize("metric", ["qwk", "accuracy", "macro_f1"])
@pytest.mark.parametrize("seed", range(5))
def test_they_reach_what_trying_all_of_two_classes_reaches(metric, seed):
    p, labels = graded(60, 2, seed)
    fitted = score(metric, labels, apply_cut_points(p, fit_cut_points(metric, p, labels)))
    assert fitted == pytest.approx(best_of_all(metric, p, labels))


@pytest.mark.parametrize("seed", range(5))
def test_they_come_near_what_trying_all_of_three_grades_reaches(seed):
    p, labels = graded(40, 3, seed)
    fitted = score("qwk", labels, apply_cut_points(p, fit_cut_points("qwk", p, labels)))
    best = best_of_all("qwk", p, labels)
    assert best - 0.02 <= fitted <= best + 1e-12


def test_they_score_better_than_the_most_probable_class_on_other_rows():
    p, labels = graded(8_000, 6)
    p = (p + 0.1) ** np.array([1.0, 1.4, 0.8, 1, 1.5, 0.7])  # grades that are not calibrated
    p /= p.sum(1, keepdims=True)
    cuts = fit_cut_points("qwk", p[:4_000], labels[:4_000])
    new = score("qwk", labels[4_000:], apply_cut_points(p[4_000:], cuts))
    assert new > score("qwk", labels[4_000:], p[4_000:]) + 0.01


def test_they_ascend_are_finite_and_the_same_again():
    p, labels = drawn(500, 6)
    cuts = fit_cut_points("qwk", p, labels)
    assert cuts.shape == (5,)
    assert (np.diff(cuts) >= 0).all()
    assert ((cuts >= -0.5) & (cuts <= 5.5)).all()
    np.testing.assert_array_equal(cuts, fit_cut_points("qwk", p, labels))


def test_the_order_of_rows_does_not_matter():
    p, labels = graded(3_000, 5)
    order = np.random.default_rng(1).permutation(3_000)
    cuts = fit_cut_points("qwk", p, labels)
    np.testing.assert_array_equal(cuts, fit_cut_points("qwk", p[order], labels[order]))


def test_a_row_gets_as_many_grades_as_its_expected_grade_reaches_cuts():
    p = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1.0]])  # 0, 0.5, 1.5, 2
    given = apply_cut_points(p, np.array([0.5, 1.6]))
    np.testing.assert_array_equal(predict_classes(given), [0, 1, 1, 2])
    np.testing.assert_allclose(given, p / 2 + np.eye(3)[[0, 1, 1, 2]] / 2, atol=2e-6)
    np.testing.assert_allclose(given.sum(1), 1)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_a_grade_without_any_probability_is_the_most_probable_all_the_same(kind):
    p = np.eye(3, dtype=kind)
    for cuts, grade in (([-0.5, -0.5], 2), ([2.5, 2.5], 0), ([-0.5, 2.5], 1)):
        given = apply_cut_points(p, np.array(cuts)).astype(np.float32)
        np.testing.assert_array_equal(predict_classes(given), grade)


def test_without_two_grades_the_cuts_are_halfway():
    p, labels = graded(20, 4)
    np.testing.assert_array_equal(fit_cut_points("qwk", p[:0], labels[:0]), [0.5, 1.5, 2.5])
    np.testing.assert_array_equal(fit_cut_points("qwk", p, np.ones(20, int)), [0.5, 1.5, 2.5])


def test_rows_that_all_look_alike_get_the_grade_that_scores_best():
    p, labels = np.tile([0.0, 0.9, 0.1], (5, 1)), np.array([1, 2, 2, 2, 0])
    cuts = fit_cut_points("accuracy", p, labels)
    np.testing.assert_array_equal(predict_classes(apply_cut_points(p, cuts)), np.full(5, 2))


def test_many_rows_take_places_at_quantiles_and_lose_little():
    p, labels = graded(5_000, 3)
    few = score("qwk", labels, apply_cut_points(p, fit_cut_points("qwk", p, labels)))
    grades = expected_grades(p)
    tried = np.quantile(grades, np.linspace(0.02, 0.98, 60))
    best = max(
        score("qwk", labels, apply_cut_points(p, np.array(pair)))
        for pair in itertools.combinations(tried[::2], 2)
    )
    assert few >= best - 1e-3
