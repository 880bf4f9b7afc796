"""Cards and leaks of labels and numbers."""

from dataclasses import replace

import numpy as np
import pytest
from diagnosis_examples import competition_of

from seqblend.data.duplicates import check_exact
from seqblend.diagnosis.cards import disagreement_name, make_cards, measure_disagreement
from seqblend.diagnosis.leaks import check_leaks
from seqblend.diagnosis.shakeup import forecast_shake_up
from seqblend.tasks.task import task_for

NUMBERS = task_for("regression", ("price", "size"))
LABELS = task_for("multi_label", ("toxic", "rude"))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_the_loss_without_the_only_good_member_is_that_of_the_other(rng):
    targets = rng.normal(size=(600, 2)) * [10, 1]
    good, flat = targets + 0.05 * targets.std(0) * rng.normal(size=(600, 2)), np.zeros((600, 2))
    stack, fold = np.stack([good, flat]).astype(np.float32), np.arange(600) % 5
    cards = make_cards(("good", "flat"), stack, targets, fold, good, {"good": 1.0}, NUMBERS)
    losses = [((array - targets) ** 2).mean(axis=1) for array in (good, flat)]
    rise = losses[1] - losses[0]
    assert cards[0].loss_without == pytest.approx(rise.mean(), rel=0.02)
    half = 1.96 * rise.std(ddof=1) / np.sqrt(600)
    assert cards[0].high - cards[0].low == pytest.approx(2 * half, rel=0.05)
    assert abs(cards[1].loss_without) < 0.02 * rise.mean()
    assert cards[0].disagreement == pytest.approx(0.0, abs=1e-6)
    assert np.isnan(cards[1].disagreement)  # a constant correlates with nothing


def test_without_classes_a_member_disagrees_by_one_less_its_correlation(rng):
    one, other = rng.normal(size=(2, 300, 2))
    expected = [1 - np.corrcoef(one[:, k], other[:, k])[0, 1] for k in range(2)]
    for task in (NUMBERS, LABELS):
        assert measure_disagreement(one, other, task) == pytest.approx(np.mean(expected))
        assert measure_disagreement(one, 3 * one + 5, task) == pytest.approx(0, abs=1e-9)
        assert disagreement_name(task) == "1 - correlation"


def test_a_column_that_is_constant_leaves_the_disagreement_to_the_others(rng):
    one, other = rng.normal(size=(2, 300, 3))
    one[:, 1], other[:, 2] = 0.5, 0.25
    alone = 1 - np.corrcoef(one[:, 0], other[:, 0])[0, 1]
    task = task_for("multi_label", ("a", "b", "c"))
    assert measure_disagreement(one, other, task) == pytest.approx(alone)
    assert np.isnan(measure_disagreement(one[:, 1:], other[:, 1:], task))


def leaky(task, targets, ids):
    """What leaks say of rows with these targets and ids."""
    rows = [[1, 2]] * len(targets)
    made = competition_of(rows, [[1]], np.arange(len(targets)) % 2, ids=ids)
    return {check.name: check for check in check_leaks(replace(made, task=task, targets=targets))}


@pytest.mark.fault("K3")
def test_ids_that_tell_a_number_are_flagged_in_words_of_numbers(rng):
    values = rng.normal(size=(2_000, 1))
    task = task_for("regression", ("price",))
    order = np.argsort(np.argsort(values[:, 0]))
    found = leaky(task, values, [f"r{k}" for k in order])
    flagged = found["target decile from id"]
    assert flagged.is_flagged
    assert "predicts the target decile" in flagged.means
    assert "share of the target decile's entropy" in flagged.description
    assert not found["target decile from row order"].is_flagged


@pytest.mark.fault("K3")
def test_ids_that_tell_the_labels_are_flagged_in_words_of_labels(rng):
    labels = (rng.random((2_000, 2)) < 0.4).astype(np.int64)
    ids = [f"{a}{b}-{i}" for i, (a, b) in enumerate(labels)]
    found = leaky(LABELS, labels, ids)
    assert found["label combination from id"].is_flagged
    assert not found["label combination from length"].is_flagged


def test_duplicates_conflict_where_their_strata_differ():
    targets = np.repeat([[0.0], [0.01], [9.0], [5.0]], 5, axis=0)
    rows = [[k % 5, 7] for k in range(20)]  # each row is there four times, with other numbers
    made = replace(
        competition_of(rows, [[8, k] for k in range(20)], np.arange(20) % 2),
        task=task_for("regression", ("price",)),
        targets=targets,
    )
    check = check_exact(made, np.arange(20) % 5)
    assert "20 train rows with conflicting target deciles" in check.figure


@pytest.mark.parametrize(("task", "metric"), [(NUMBERS, "rmse"), (LABELS, "mean_auc")])
def test_a_shake_up_is_forecast_for_every_metric(task, metric, rng):
    targets = rng.normal(size=(400, 2))
    if task is LABELS:
        targets = (targets > 0).astype(np.int64)
    one, other = (targets + s * rng.normal(size=(400, 2)) for s in (0.5, 5.0))
    found = forecast_shake_up(targets, one, other, metric, 200)
    assert [each.rows for each in found] == [40, 60, 100]
    assert found[0].error > found[2].error > 0
    assert all(each.flip < 0.01 for each in found)  # one is better by far, whatever the direction
