"""Greedy selection and hill climbing: incremental scores are the scores, picks the published."""

from __future__ import annotations

import numpy as np
import pytest
from blend_examples import members, noise, softmax

from seqblend.benchmark.selection import COLUMNS, Task, compare, our_picks, published_picks
from seqblend.blending.bounds import best_bounded
from seqblend.blending.greedy import greedy_picks, greedy_weights, hill_weights, sort_members
from seqblend.blending.incremental import open_sum
from seqblend.blending.methods import fit_blend
from seqblend.metrics import METRICS, score

SEVERAL = ["accuracy", "macro_f1", "mcc", "log_loss", "auc"]


def mixture(stack, steps):
    """What Blend.apply makes of a sum: clipped where a weight left it below 0."""
    total = sum(times * stack[member].astype(float) for member, times in steps)
    total = np.maximum(total / sum(times for _, times in steps), 1e-7)
    return total / total.sum(1, keepdims=True)


def signed(metric, labels, p):
    return (1 if METRICS[metric].higher_is_better else -1) * score(metric, labels, p)


@pytest.mark.parametrize("metric", SEVERAL)
@pytest.mark.parametrize("c", [2, 3])
@pytest.mark.parametrize("low", [0.5, -0.3])
def test_the_score_one_step_ahead_is_the_score_of_the_mixture(metric, c, low):
    stack, labels, _ = members(5, 300, c)
    growing, taken = open_sum(metric, stack, labels), [(2, 1.0), (0, 1.0)]
    for step in taken:
        growing.add(step)
    steps = [(member, times) for member in range(5) for times in (low, 1.0)]
    for _ in range(4):
        place, rating = growing.best(steps)
        values = [signed(metric, labels, mixture(stack, [*taken, step])) for step in steps]
        assert rating[0] == pytest.approx(max(values), abs=1e-6)
        assert values[place] == pytest.approx(max(values), abs=1e-6)
        growing.add(steps[place])
        taken.append(steps[place])
        assert growing.rate()[0] == pytest.approx(values[place], abs=1e-6)


@pytest.mark.parametrize("c", [2, 3])
def test_log_loss_of_a_sum_with_negative_parts_is_that_of_the_clipped_mixture(c):
    stack, labels, _ = members(3, 300, c)
    growing, steps = open_sum("log_loss", stack, labels), [(0, 1.0), (1, -0.6)]
    for step in steps:
        growing.add(step)
    assert (sum(times * stack[member] for member, times in steps) < 0).any()
    expected = signed("log_loss", labels, mixture(stack, steps))
    assert growing.rate()[0] == pytest.approx(expected, abs=1e-6)
    steps.append((2, -0.05))
    assert growing.best(steps[-1:])[1][0] == pytest.approx(
        signed("log_loss", labels, mixture(stack, steps)), abs=1e-6
    )


def test_a_class_that_leads_by_more_than_members_differ_is_not_looked_at_again():
    stack, labels, _ = members(4, 400, 3)
    growing = open_sum("accuracy", stack, labels)
    for _ in range(10):
        growing.add((0, 1.0))
    undecided = growing.lead <= growing.risk[0]
    flips = [(growing.sum + growing.scores[j]).argmax(0) != growing.predicted for j in range(4)]
    assert not (np.any(flips, axis=0) & ~undecided).any()
    assert undecided.mean() < 0.2


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "auc"])
@pytest.mark.parametrize("seed", range(3))
def test_picks_are_those_of_the_published_algorithm_with_sklearns_metrics(metric, seed):
    stack, labels, _ = members(6, 600, 2, seed)
    theirs = published_picks(metric, stack, labels, 15)[0]
    assert our_picks(metric, stack, labels, 15) == theirs
    assert len(set(theirs)) > 1


def test_picks_by_accuracy_of_five_classes_are_the_published_ones_too():
    stack, labels, _ = members(8, 2_000, 5)
    assert (
        our_picks("accuracy", stack, labels, 12)
        == (published_picks("accuracy", stack, labels, 12)[0])
    )


def test_a_comparison_names_the_task_and_both_times():
    row = dict(zip(COLUMNS, compare(Task("auc", 4, 300, 2), steps=4), strict=True))
    assert row["task"] == "auc, 300 rows x 4 members x 2 classes"
    assert row["same picks"] == "yes"
    assert row["published"].endswith(" s")
    assert float(row["times faster"]) > 0


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "auc", "macro_f1"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("method", ["greedy", "hill"])
def test_a_search_is_in_sample_at_least_as_good_as_the_best_single(metric, seed, method):
    stack, labels, _ = members(4, 150, 3, seed=seed)
    blended = fit_blend(method, stack, labels, metric, tuple("abcd")).apply(stack)
    singles = [signed(metric, labels, p) for p in stack]
    assert signed(metric, labels, blended) >= max(singles) - 1e-9


def test_greedy_breaks_ties_of_accuracy_by_log_loss_and_then_by_position():
    labels = np.array([0, 1])
    sure, unsure = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.6, 0.4], [0.4, 0.6]])
    stack = np.stack([unsure, sure, sure]).astype(np.float32)
    np.testing.assert_array_equal(greedy_weights("accuracy", stack, labels), [0, 1, 0])


def test_only_the_best_prefix_of_the_picks_is_kept():
    stack, labels, _ = members(5, 300, 2)
    growing = open_sum("accuracy", stack, labels)
    picks = greedy_picks(growing, sort_members(growing))
    scores = [score("accuracy", labels, stack[picks[:k]].mean(0)) for k in range(1, len(picks) + 1)]
    assert scores[-1] == max(scores)


def test_the_search_begins_with_the_best_prefix_of_the_sorted_members():
    labels = np.arange(400) % 2
    stack = np.concatenate([noise(1, 400, 2), members(3, 400, 2)[0]])
    stack[1:] = softmax(2.0 * np.eye(2)[labels] + np.random.default_rng(0).normal(size=(3, 400, 2)))
    growing = open_sum("log_loss", stack, labels)
    order = sort_members(growing)
    assert order[-1] == 0
    assert greedy_picks(growing, order)[:3] == order[:3]


def test_bags_are_drawn_from_eight_members_on_and_give_the_same_every_time():
    stack, labels, _ = members(9, 300, 2)
    one, other = (greedy_weights("auc", stack, labels) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert one.sum() == pytest.approx(1)
    growing = open_sum("auc", stack, labels)
    plain = greedy_picks(growing, sort_members(growing))
    assert (one > 0).sum() > len(set(plain))  # a member left out of a bag makes room for others


def test_a_member_that_carries_the_others_error_gets_a_negative_weight():
    rng = np.random.default_rng(0)
    labels, error = rng.integers(0, 2, 2_000), rng.normal(size=2_000)
    logits = np.stack([2.0 * (labels - 0.5) + error, error])  # the second is the first one's error
    positive = 1 / (1 + np.exp(-logits))
    stack = np.stack([1 - positive, positive], 2).astype(np.float32)
    for metric in ("auc", "accuracy", "log_loss"):
        weights = hill_weights(metric, stack, labels)
        assert weights.sum() == pytest.approx(1)
        assert weights[1] < 0
        single = signed(metric, labels, stack[0])
        mixed = fit_blend("hill", stack, labels, metric, ("a", "b")).apply(stack)
        assert signed(metric, labels, mixed) > single + 0.01


def test_bounds_save_looks_and_do_not_change_the_answer():
    exact, asked = [0.3, 0.9, 0.9, 0.1], []

    def look(i):
        asked.append(i)
        return exact[i]

    assert best_bounded([0.4, 0.95, 1.0, 0.2], look) == (1, (0.9, 0.0))
    assert asked == [2, 1]


def test_an_area_with_one_class_is_no_obstacle():
    stack = noise(3, 50, 2)
    weights = greedy_weights("auc", stack, np.zeros(50, np.int64))
    assert weights.sum() == pytest.approx(1)
