"""Members fitted once more, on all rows: what such a fit is, and its part in the submission."""

import time
from dataclasses import replace

import numpy as np
import pytest
from unit_examples import CPU, make_project, runs_of, train_all

from seqblend.app.pipeline import blend_finished, make_plan, run_plan
from seqblend.app.refit import deadline_before_refit, refit_members
from seqblend.app.submit import predict_test
from seqblend.blending.fold_average import blend_fit
from seqblend.core.console import make_console
from seqblend.core.storage import read_array, read_json
from seqblend.data.demo_tasks import write_task_demo
from seqblend.running.runs import PILOT, REFIT, Unit
from seqblend.running.trained_blend import EncodedRows, find_trained
from seqblend.running.units import restore_member, run_unit

MODELS = ("nblr", "bilstm")


def train(project, console):
    """(plan, outcome) of the folds."""
    plan = make_plan(project, console)
    return plan, run_plan(project, plan, console, deadline=None, out=None)


@pytest.mark.parametrize("model", ["nblr", "bilstm", "scratch_rnn"])
def test_it_trains_on_every_row_for_the_epochs_of_the_pilot_and_scores_none(tmp_path, model):
    project = make_project(tmp_path, models=(model,))
    train_all(project)
    (run,) = runs_of(project)
    job = project.job(Unit(run, 0, REFIT))
    manifest = run_unit(job, CPU, lambda _: None)
    assert manifest["scores"] == {}
    assert not (job.folder / "valid.npy").exists()
    if run.has_pilot:
        pilot = read_json(project.job(Unit(run, 0, PILOT)).folder / "manifest.json")
        assert manifest["epochs"] == pilot["epochs"] > 0
        assert manifest["temperature"] == pilot["temperature"]
        assert "valid_loss" not in read_json(job.folder / "history.json")
    fold = read_json(project.job(Unit(run, 0, 0)).folder / "manifest.json")
    assert manifest["parameters"] > fold["parameters"]  # words that only a validation row has
    again = restore_member(job, CPU).predict(project.competition.test)
    assert again.tobytes() == read_array(job.folder / "test.npy").tobytes()


def test_with_early_stopping_it_has_the_median_epochs_of_the_folds(tmp_path):
    settings = "train.early_stopping=true", "train.epochs=3"
    project = make_project(tmp_path, *settings, models=("bilstm",))
    train_all(project)
    (run,) = runs_of(project)
    folds = [project.job(Unit(run, 0, k)).folder / "manifest.json" for k in range(2)]
    expected = int(np.median([read_json(path)["epochs"] for path in folds]))
    manifest = run_unit(project.job(Unit(run, 0, REFIT)), CPU, lambda _: None)
    assert manifest["epochs"] == manifest["epochs_trained"] == expected


def test_it_is_one_more_fit_of_the_submission_and_predicts_new_rows_too(tmp_path, capsys):
    project, console = make_project(tmp_path, models=MODELS), make_console()
    plan, outcome = train(project, console)
    before, first = predict_test(project, outcome.results, outcome.blend), outcome.submission
    refit_members(project, plan, outcome, console, deadline=None, out=None)
    assert "on all rows: plan: 2 units (0 done)" in capsys.readouterr().out
    after = predict_test(project, outcome.results, outcome.blend)
    assert len(before.fits) == 2
    assert after.fits[:2].tobytes() == before.fits.tobytes()
    assert outcome.submission.path != first.path
    assert outcome.blend.nested["refit"]
    stack = [
        read_array(project.workspace.run(result.name) / "seed0-all-rows" / "test.npy")
        for result in outcome.results
    ]
    alone = blend_fit(outcome.blend.blend, "accuracy", np.stack(stack))
    assert after.fits[2].tobytes() == alone.tobytes()
    trained = next(find_trained([tmp_path / "working"], print))
    predicted = trained.predict(EncodedRows(project.competition.test, ()), ["cpu"])
    assert predicted.tobytes() == after.test.tobytes()

    reported = blend_finished(project, print, None, None)  # as report.py and blend.py do
    assert reported.submission.sha256 == outcome.submission.sha256

    plan, again = train(project, console)
    refit_members(project, plan, again, console, deadline=None, out=None)
    assert again.submission.path == outcome.submission.path
    assert "on all rows" not in capsys.readouterr().out


def test_where_one_is_missing_the_submission_is_that_of_the_folds(tmp_path, capsys):
    project, console = make_project(tmp_path, models=MODELS), make_console()
    plan, outcome = train(project, console)
    submitted = outcome.submission.path.read_bytes()
    refit_members(project, plan, outcome, console, deadline=1.0, out=None)
    assert "no time for it" in capsys.readouterr().out
    assert [unit.fold for unit in outcome.missing] == [REFIT, REFIT]
    assert outcome.submission.path.read_bytes() == submitted
    run_unit(project.job(outcome.missing[0]), CPU, lambda _: None)
    blended = blend_finished(project, print, None, None)
    assert not blended.blend.nested["refit"]
    run_unit(project.job(outcome.missing[1]), CPU, lambda _: None)
    assert blend_finished(project, print, None, None).blend.nested["refit"]


@pytest.mark.parametrize(("kind", "folds"), [("tags", 2), ("numbers", 1)])
def test_other_tasks_a_hold_out_and_several_seeds_have_one_such_fit(tmp_path, kind, folds):
    write_task_demo(tmp_path / "tiny", kind, n_train=120, n_test=30)
    project, console = (
        make_project(tmp_path, models=("tfidf", "bilstm"), folds=folds),
        make_console(),
    )
    project = replace(project, config=replace(project.config, seeds=2))
    plan, outcome = train(project, console)
    refit_members(project, plan, outcome, console, deadline=None, out=None)
    assert outcome.blend.nested["refit"]
    assert len(predict_test(project, outcome.results, outcome.blend).fits) == folds + 1
    trained = next(find_trained([tmp_path / "working"], print))
    submitted = read_array(trained.folder / "test.npy")
    found = trained.predict(EncodedRows(project.competition.test, ()), ["cpu"])
    assert found.tobytes() == submitted.tobytes()


def test_the_time_of_one_more_fold_is_kept_for_it(tmp_path):
    project = make_project(tmp_path)
    assert deadline_before_refit(project, None) is None
    kept = 1e6 - deadline_before_refit(project, 1e6)
    assert kept == pytest.approx((1e6 - time.monotonic()) / 2, rel=0.01)
