"""The pipeline's smaller parts: names of members, and steps whose units are done already."""

from types import SimpleNamespace

import numpy as np
import pytest
from conftest import classes_of

from seqblend.app.pipeline import _convex_loss, _more_jobs
from seqblend.app.submit import by_name
from seqblend.running.results import RunResult


def make_result(name, recipe=""):
    model = name.rpartition("-")[0]
    return RunResult(name, model, np.zeros(1), np.zeros(1), {"recipe": recipe})


def test_a_model_that_is_there_twice_has_its_recipe_in_its_name():
    results = [
        make_result("nblr-1"),
        make_result("bilstm-2"),
        make_result("bilstm-3", "light"),
        make_result("bilstm-4", "variant 1"),
    ]
    named = by_name(results)
    assert list(named) == ["nblr", "bilstm", "bilstm-light", "bilstm-variant_1"]
    assert list(named.values()) == results


def test_two_of_one_recipe_are_told_apart_by_their_folders():
    results = [make_result("gru-1"), make_result("gru-2"), make_result("gru-3", "light")]
    assert list(by_name(results)) == ["gru-1", "gru-2", "gru-light"]


def test_a_step_whose_units_are_all_done_is_followed_by_the_next():
    steps = [["a fold 0", "a fold 1"], ["b fold 0", "b fold 1"], []]
    done = {"a fold 0": {}, "a fold 1": {}, "b fold 0": {}}
    selection = SimpleNamespace(next_units=lambda *_, may_decide: steps.pop(0))
    plan = SimpleNamespace(
        selection=selection,
        extend=lambda _, units, note: {unit: done[unit] for unit in units if unit in done},
    )
    schedule = SimpleNamespace(done={}, sure=list)
    project = SimpleNamespace(job=lambda unit: f"job of {unit}")
    progress = SimpleNamespace(say=print)
    assert _more_jobs(project, plan, progress, schedule) == ["job of b fold 1"]
    assert schedule.done == done
    assert _more_jobs(project, plan, progress, schedule) == []


def test_what_a_run_brought_is_measured_by_the_loss_whatever_the_metric_chose():
    rng, n = np.random.default_rng(0), 400
    labels = rng.integers(3, size=n)
    fold = np.where(np.arange(n) < 50, -1, np.arange(n) % 2)  # 50 rows are never scored

    def make(name, noise):
        scores = 2 * np.eye(3)[labels] + noise * rng.normal(size=(n, 3))
        p = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        p[fold < 0] = np.nan
        return RunResult(f"{name}-1", name, p.astype(np.float32), p[:2], {"recipe": ""})

    one, other, noise = make("one", 1.0), make("two", 1.0), make("noise", 50.0)
    competition = SimpleNamespace(task=classes_of(3), targets=labels)
    project = SimpleNamespace(competition=competition, fold=fold)
    alone = _convex_loss(project, [one])
    expected = -np.log(one.oof[fold >= 0][np.arange(350), labels[fold >= 0]]).mean()
    assert alone == pytest.approx(expected, rel=1e-5)
    assert _convex_loss(project, [one, other]) < 0.9 * alone
    assert 0.98 * alone < _convex_loss(project, [one, noise]) <= 1.0001 * alone
