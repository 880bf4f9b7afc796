"""What every task promises to members and blends, on rows of its own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from conftest import sequence_set, view_of
from fit_examples import make_context
from scipy.optimize import approx_fprime

from seqblend.blending.methods import fit_blend
from seqblend.blending.selection import select_blend
from seqblend.core.config import TrainConfig
from seqblend.core.errors import InputError
from seqblend.tasks.task import Task, task_for, task_names
from seqblend.training.contract import Rows
from seqblend.training.members import fit_member, member_from_arrays

COLUMNS = ("a", "b", "c")


def draw(name: str, n: int = 240, seed: int = 0) -> tuple[Task, Rows]:
    """A task of three columns, and rows whose targets follow from which tokens they hold."""
    rng = np.random.default_rng(seed)
    holds = rng.random((n, 3)) < [0.5, 0.3, 0.6]
    rows = [[3 + j if has else 6 + j for j, has in enumerate(row)] for row in holds]
    if name == "multi_label":
        targets = holds.astype(np.int64)
    elif name == "regression":
        targets = 10 + holds @ np.array([[5.0, 0.2, 1], [1, 0.1, 0], [0, 0.3, -7]])
        targets += 0.1 * rng.normal(size=targets.shape)
    else:
        targets = holds[:, 0] + holds[:, 1].astype(np.int64)
    return task_for(name, COLUMNS), Rows(sequence_set(rows), targets)


def noisy(task: Task, targets: np.ndarray, seed: int, spread: float) -> np.ndarray:
    """float32 [n, c]: predictions that know the targets and are wrong by so much."""
    rng = np.random.default_rng(seed)
    known = np.eye(3)[targets] if targets.ndim == 1 else targets.astype(np.float64)
    if task.has_probabilities:
        odds = 2 * known - 1 + spread * rng.normal(size=known.shape)
        p = np.exp(odds) if task.has_classes else 1 / (1 + np.exp(-odds))
        return task.clip(task.normalise(p))
    return task.clip(known + spread * known.std(0) * rng.normal(size=known.shape) + 0.1)


every_task = pytest.mark.parametrize("name", task_names())


@every_task
@pytest.mark.parametrize(
    "model", ["nblr", "tfidf", "neighbours", "positions", "boosting", "bag", "bilstm"]
)
def test_members_learn_and_come_back_from_their_arrays(name, model):
    task, rows = draw(name)
    train = TrainConfig(lr=0.03, epochs=25, warmup=5, steps_per_epoch=8, precision="float32")
    context = make_context(model)
    context = dataclasses.replace(
        context, task=task, view=view_of(12), train=train, epochs=train.epochs
    )
    valid = draw(name, seed=1)[1]
    member = fit_member(rows, valid, context)
    array = member.predict(valid.sequences)
    assert array.dtype == np.float32
    task.check(array, "predictions", "")
    prior = np.broadcast_to(task.prior(rows.targets), array.shape)
    assert task.losses(valid.targets, array).mean() < 0.3 * task.losses(valid.targets, prior).mean()
    again = member_from_arrays(member.arrays(), context)
    assert again.predict(valid.sequences).tobytes() == array.tobytes()


@every_task
def test_the_prior_is_the_best_constant(name):
    task, rows = draw(name)
    targets, prior = rows.targets, task.prior(rows.targets)
    best = task.losses(targets, np.tile(prior, (len(targets), 1))).mean()
    assert task.prior_loss(targets) == pytest.approx(best)
    for j in range(3):
        for step in (-0.01, 0.01):
            moved = prior + step * np.eye(3)[j]
            moved = task.normalise(np.tile(moved, (len(targets), 1)))
            assert task.losses(targets, moved).mean() > best


@every_task
def test_the_blend_loss_is_that_of_the_mixture_and_so_is_its_gradient(name):
    task, rows = draw(name)
    stack = np.stack([noisy(task, rows.targets, seed, 1.0) for seed in range(2)])
    problem = task.blend_loss(stack, rows.targets)
    point = np.array([0.7, 0.4, 0.2, -0.1, 0.05])

    def loss(x: np.ndarray) -> float:
        return problem.evaluate(x[:2], x[2:])[0]

    np.testing.assert_allclose(
        problem.evaluate(point[:2], point[2:])[1],
        approx_fprime(point, loss, 1e-7),
        atol=2e-6,
        rtol=2e-6,
    )
    losses = []
    for weights in (np.array([1.0, 0.0]), np.array([0.3, 0.9])):
        offsets = np.array([0.1, 0.0, -0.2])
        mixed = task.mix(weights, stack, problem.bias_of(weights, offsets))
        own = problem.evaluate(weights, offsets)[0]
        losses.append((task.losses(rows.targets, mixed).mean(), own))
    (a, b), (c, d) = losses
    if task.has_probabilities:  # the same number; of numbers only up to the columns' scales
        assert (a, c) == (pytest.approx(b, rel=1e-6), pytest.approx(d, rel=1e-6))
    else:
        assert (a < c) == (b < d)


@every_task
def test_a_blend_beats_its_members_and_a_useless_one_gets_no_weight(name):
    task, rows = draw(name, 600)
    arrays = [noisy(task, rows.targets, seed, spread) for seed, spread in enumerate((1.2, 1.2, 9))]
    stack, names = np.stack(arrays), ("x", "y", "z")
    alone = min(task.losses(rows.targets, array).mean() for array in arrays)
    for method in task.blend_methods[2:]:
        blend = fit_blend(method, stack, rows.targets, task.metrics[0], names, task)
        array = blend.apply(stack)
        task.check(array, "a blend", "")
        assert task.losses(rows.targets, array).mean() < 0.95 * alone
        assert abs(blend.weights[2]) < 0.1
    result = select_blend(stack, rows.targets, np.arange(600) % 3, task.metrics[0], names, task)
    low, high = result.nested["low"], result.nested["high"]
    assert low <= result.cross_fitted <= high


@every_task
def test_temperatures_mend_what_is_too_sure(name):
    task, rows = draw(name, 2_000)
    array = noisy(task, rows.targets, 0, 1.0)
    temperature, loss = task.fit_temperature(array, rows.targets)
    if loss is None:
        assert task.apply_temperature(array, temperature) is array
        return
    scaled = task.apply_temperature(array, temperature)
    assert task.losses(rows.targets, scaled).mean() == pytest.approx(loss, rel=1e-4)
    assert loss <= task.losses(rows.targets, array).mean() + 1e-6
    one = task.fit_temperature(scaled, rows.targets)[0]
    np.testing.assert_allclose(one, 1.0, atol=0.05)


@pytest.mark.fault("S3")
@every_task
def test_what_is_no_prediction_is_refused_with_its_row(name):
    task, rows = draw(name)
    array = noisy(task, rows.targets, 0, 1.0)
    array[7, 1] = np.nan
    with pytest.raises(InputError, match="row 7"):
        task.check(array, "predictions", "Train again")


@every_task
def test_strata_are_numbered_and_hold_equal_targets_together(name):
    task, rows = draw(name)
    strata = task.strata(np.concatenate([rows.targets, rows.targets]))
    assert strata.dtype == np.int64
    np.testing.assert_array_equal(*np.split(strata, 2))
    assert 2 <= len(np.unique(strata)) <= 12
