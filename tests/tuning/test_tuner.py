"""Tuning end to end: trials are runs, their results are used, and a kill loses nothing."""

from __future__ import annotations

import dataclasses
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import optuna
import pytest
import torch
from conftest import REPOSITORY
from tuning_examples import SMALL

import run
import tune
from seqblend.app.cli import run_script
from seqblend.app.pipeline import make_plan
from seqblend.core.config import Config, configure, parse_assignments
from seqblend.core.console import make_console
from seqblend.core.storage import (
    commit_folder,
    forget_file,
    read_finished,
    read_json,
    read_record,
    write_array,
    write_record,
)
from seqblend.models.registry import entries
from seqblend.reporting.report import render_page
from seqblend.reporting.sections.tuning_section import tuning_section
from seqblend.running.executors import _DroppedError
from seqblend.running.inputs import Places
from seqblend.running.project import Project, Request, open_project
from seqblend.running.results import finished_runs
from seqblend.running.runs import PILOT, PilotResult, Unit
from seqblend.running.tuned import REMARK
from seqblend.running.units import run_unit
from seqblend.tuning.confirm import SEED, holm_adjusted, make_confirmation
from seqblend.tuning.planner import Planner, make_planner, warm_starts
from seqblend.tuning.study import DEFAULT, NOISE_REPLICATE
from seqblend.tuning.trial_run import Rules, TrialRun, candidates
from seqblend.tuning.tuner import Settings, best_model, prepare_study
from seqblend.tuning.verdict import outcome_of

CPU = torch.device("cpu")
FLAGS = ["--folds", "2", "--workers", "1", *(f for s in SMALL for f in ("--set", s))]
TRIALS = 5


def tune_bigru(data: Path, working: Path, *flags: str) -> int:
    """The script in this process; its exit code."""
    argv = ["bigru", "--data", str(data), "--working", str(working), *FLAGS, *flags]
    return run_script(tune.main, argv)


def open_tiny(
    data: Path, working: Path, *, model: str = "bigru", note=lambda _: None, **changes
) -> Project:
    config = configure(Config(models=(model,)), parse_assignments(SMALL), entries())
    config = dataclasses.replace(config, folds=dataclasses.replace(config.folds, count=2))
    places = Places((), working, working.parent / "submissions")
    return open_project(config, places, Request(data=data, workers=1, **changes), note=note)


def study_of(working: Path) -> optuna.Study:
    """The only study below a working folder."""
    (path,) = working.glob("*/studies/*.journal")
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    storage = optuna.storages.JournalStorage(backend)
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def rules_of(data: Path, working: Path) -> tuple[Rules, Planner]:
    """The rules of the only study below a working folder, and its planner."""
    (path,) = working.glob("*/studies/*.journal")
    project = open_tiny(data, working, is_untuned=True)
    planner = make_planner(project, "bigru", pytest.fail)
    space = planner.space("train,options")
    return Rules(project, prepare_study(planner, space, path, Settings(), pytest.fail)), planner


def live_trials(working: Path) -> list[tuple]:
    """What is known of each trial, those aside that a dead process left."""
    trials = [t for t in study_of(working).get_trials() if t.state.name != "FAIL"]
    return [(t.state.name, t.value, t.params, t.user_attrs["role"]) for t in trials]


@pytest.fixture(scope="module")
def working(tiny, tmp_path_factory) -> Path:
    """A working folder in which bigru was tuned."""
    folder = tmp_path_factory.mktemp("tuner") / "working"
    assert tune_bigru(tiny, folder, "--trials", str(TRIALS), "--pruner", "none") == 0
    return folder


def test_every_trial_is_a_run_whose_units_are_on_disk(working):
    trials = study_of(working).get_trials()
    assert [t.user_attrs["role"] for t in trials[:2]] == [DEFAULT, NOISE_REPLICATE]
    assert len(trials) == TRIALS
    for trial in trials:
        seed = 1 if trial.user_attrs["role"] == NOISE_REPLICATE else 0
        units = [
            working / "tiny/runs" / trial.user_attrs["run"] / f"seed{seed}-fold{k}" for k in (0, 1)
        ]
        losses = [read_finished(unit, pytest.fail)["scores"]["log_loss"] for unit in units]
        assert trial.value == pytest.approx(np.mean(losses))
        assert [len(shards) for shards in trial.user_attrs["shards"]] == [8, 8]


def test_the_noise_replicate_shares_the_pilot_and_differs_in_its_folds(working):
    default, again = study_of(working).get_trials()[:2]
    assert default.user_attrs["run"] == again.user_attrs["run"]
    assert default.value != again.value


def test_a_plan_says_what_a_trial_takes_and_warns_where_time_is_short(tiny, tmp_path):
    planner = make_planner(open_tiny(tiny, tmp_path / "working"), "bigru", pytest.fail)
    space = planner.space("train.lr")
    (plan,) = planner.plan_lines(space, 6, None)
    assert plan.startswith("plan: a complete trial: 3 units, about ")
    assert "; 6 of them " in plan
    assert len(planner.plan_lines(space, None, 3600.0)) == 1
    plan, warning = planner.plan_lines(space, None, 1.0)
    assert "1.0 s on 1 worker are enough for 0." in plan
    assert "a longer --timeout or fewer rows" in warning


def test_the_same_command_again_counts_no_trial_twice(tiny, working):
    before = live_trials(working)
    record = (working / "tiny/tuned/bigru.json").read_bytes()
    assert tune_bigru(tiny, working, "--trials", str(TRIALS), "--pruner", "none") == 0
    assert live_trials(working) == before
    assert (working / "tiny/tuned/bigru.json").read_bytes() == record


def test_what_is_kept_says_what_it_is_worth(working):
    record = read_json(working / "tiny/tuned/bigru.json")
    assert record["trials"] == {"done": TRIALS, "pruned": 0, "failed": 0, "for_noise": 1}
    assert record["remark"] == REMARK
    assert record["folds_after"] == 2
    losses = [after["log_loss"] for after in record["after"].values()]
    assert record["after"][str(record["best"]["trial"])]["log_loss"] == min(losses)
    best = record["after"][str(record["best"]["trial"])]
    is_better = best["gain"]["mean"] > 0 and best["p_value"] < 0.05
    assert record["settings"] == (record["best"]["values"] if is_better else {})


def test_finalists_are_tested_together(working):
    record = read_json(working / "tiny/tuned/bigru.json")
    default = str(record["default"]["trial"])
    finalists = [after for number, after in record["after"].items() if number != default]
    assert len(finalists) == 2
    alone, holm = ([f["p_value"] for f in fs] for fs in ([f["gain"] for f in finalists], finalists))
    assert holm == holm_adjusted(alone)
    assert min(holm) > min(alone)


def test_what_is_confirmed_has_the_epochs_and_the_temperature_that_were_found(tiny, working):
    rules, planner = rules_of(tiny, working)
    confirmation = make_confirmation(rules, planner, None, lambda: None)
    assert len(confirmation.runs) == 3
    for trial, again in zip(confirmation.trials, confirmation.runs, strict=True):
        pilot = read_json(
            rules.project.workspace.run(trial.user_attrs["run"]) / "pilot" / "manifest.json"
        )
        for fold in (0, 1):
            folder = confirmation.project.job(Unit(again, SEED, fold)).folder
            unit = read_finished(folder, pytest.fail)  # the tuner fitted it
            found = (unit["epochs"], unit["temperature"])
            assert found == (pilot["epochs"], pilot["temperature"])
            assert found[1] != 1.0
            assert not unit["epochs_chosen_on_validation"]
            history = read_json(folder / "history.json")
            assert unit["scores"]["log_loss"] != pytest.approx(history["valid_loss"][-1], abs=1e-6)
        assert not (confirmation.project.workspace.run(again.name) / "pilot").exists()


def test_a_confirming_run_has_a_name_of_its_own_even_on_the_same_folds(tiny, working):
    _, planner = rules_of(tiny, working)
    run = planner.run(planner.space("train.lr").start)
    pilots = [PilotResult(3, 1.1), PilotResult(3, 1.2), PilotResult(4, 1.1)]
    assert len({run.name, *(run.with_pilot(pilot).name for pilot in pilots)}) == 4
    assert run.with_pilot(pilots[0]) == run.with_pilot(PilotResult(3, 1.1))


def test_a_pilot_is_judged_by_the_loss_that_its_folds_will_have(working):
    for trial in study_of(working).get_trials():
        pilot = working / "tiny/runs" / trial.user_attrs["run"] / "pilot"
        history = read_json(pilot / "history.json")
        assert list(trial.intermediate_values.values()) == history["valid_calibrated_loss"]
        assert trial.user_attrs["pilot"] == min(history["valid_calibrated_loss"])
        assert history["valid_calibrated_loss"] != history["valid_loss"]


def test_the_next_run_uses_what_was_tuned_and_finds_its_units_done(tiny, working):
    path = working / "tiny/tuned/bigru.json"
    before = path.read_text()
    record = read_record(path)
    best = min(study_of(working).get_trials()[2:], key=lambda t: t.value)
    write_record(path, record | {"settings": best.params})
    notes: list[str] = []
    project = open_tiny(tiny, working, note=notes.append)
    plan = make_plan(project, make_console())
    assert [run.name for run in plan.runs] == [best.user_attrs["run"]]
    assert not plan.missing
    assert any(note.startswith(f"bigru: {REMARK}: ") for note in notes)
    untuned = make_plan(open_tiny(tiny, working, is_untuned=True), make_console())
    default = study_of(working).trials[0].user_attrs["run"]
    assert default in {unit.run.name for unit in untuned.units}
    write_record(path, record | {"settings": best.params, "data": "others"})
    assert open_tiny(tiny, working, note=notes.append).config.tuned == {}
    assert "tuned on other rows" in notes[-1]
    path.write_text(before)


def test_what_the_user_sets_stands_above_what_was_tuned(tiny, working):
    path = working / "tiny/tuned/bigru.json"
    before = path.read_text()
    write_record(path, read_record(path) | {"settings": {"options.hidden": 32}})
    assert open_tiny(tiny, working).config.tuned == {}  # SMALL names options.hidden
    path.write_text(before)


@pytest.mark.fault("F4")
def test_a_lost_journal_is_rebuilt_from_the_finished_runs(tiny, working):
    (path,) = working.glob("tiny/studies/*.journal")
    whole, before = path.read_bytes(), live_trials(working)
    path.write_bytes(b"\x00" + whole[: len(whole) // 2])
    assert tune_bigru(tiny, working, "--trials", str(TRIALS), "--pruner", "none") == 0
    assert sorted(map(str, live_trials(working))) == sorted(map(str, before))
    path.with_name(path.name + ".corrupt").unlink()
    path.write_bytes(whole)


def test_the_members_of_the_verdict_may_join_a_blend_and_say_what_they_are(tiny, working):
    project = open_tiny(tiny, working, is_untuned=True)
    results = finished_runs(project.workspace, project.fingerprint, pytest.fail)
    remarks = {r.name: r.manifest["remark"] for r in results}
    default = study_of(working).trials[0].user_attrs["run"]
    assert remarks.pop(default) == ""
    assert set(remarks.values()) <= {REMARK}


def test_without_a_name_the_best_neural_model_so_far_is_tuned(tiny, working, tmp_path):
    assert best_model(open_tiny(tiny, working, is_untuned=True)) == "bigru"
    fresh = open_tiny(tiny, tmp_path / "working")
    assert best_model(fresh) == "bigru"
    assert best_model(fresh, ("nblr", "lstm")) == "lstm"
    assert best_model(fresh, ("nblr",)) == "nblr"


def test_the_report_shows_the_search(working):
    section = tuning_section([read_json(working / "tiny/tuned/bigru.json")])
    trials = section.blocks[1].data
    assert len(trials) == TRIALS
    assert ",".join(trials).startswith("trial,role,outcome,log_loss,metric,folds,seconds,")
    assert [block.title for block in section.blocks] == ["bigru", "Trials of bigru, the best first"]
    assert "new folds and new seed" in render_page("tiny", None, [section])


def test_weights_stay_with_the_best_and_probabilities_with_all(working):
    runs = {t.user_attrs["run"]: t.value for t in study_of(working).get_trials()}
    assert len(runs) == TRIALS - 1 <= 5  # the best four and the default
    assert all((working / "tiny/runs" / run / "seed0-fold0/weights.npz").exists() for run in runs)


def test_a_file_that_is_forgotten_leaves_its_folder_finished(tmp_path):
    hashes = {name: write_array(tmp_path / name, np.zeros(2)) for name in ("a.npy", "b.npy")}
    commit_folder(tmp_path, {"seed": 0}, hashes)
    forget_file(tmp_path, "a.npy")
    forget_file(tmp_path, "a.npy")
    manifest = read_finished(tmp_path, pytest.fail)
    assert (manifest["seed"], list(manifest["files"])) == (0, ["b.npy"])
    assert not (tmp_path / "a.npy").exists()


def test_other_models_with_the_same_options_are_warm_starts(tiny, working):
    project = open_tiny(tiny, working, model="bilstm", is_untuned=True)
    space = make_planner(project, "bilstm", pytest.fail).space("train,options")
    starts = warm_starts(project, "bilstm", space)
    trials = {str(t.params) for t in study_of(working).get_trials()}
    assert len(starts) <= 1
    assert all(str(values) in trials for values in starts)
    assert warm_starts(project, "bigru", space) == []
    assert warm_starts(project, "nblr", space) == []


def test_a_trial_whose_unit_fails_is_noted_and_not_tried_again(rules):
    trial_run = begin(rules)
    trial_run.fail("the loss is not finite")
    (trial,) = rules.study.finished
    assert outcome_of(trial) == "failed"
    assert candidates(rules.study) == []
    assert rules.study.ask().user_attrs["role"] == NOISE_REPLICATE


@pytest.fixture
def rules(tiny, tmp_path) -> Rules:
    """Rules of a study of bigru that has just begun."""
    project = open_tiny(tiny, tmp_path / "working")
    planner = make_planner(project, "bigru", pytest.fail)
    space = planner.space("train.lr")
    study = prepare_study(planner, space, tmp_path / "s.journal", Settings(), pytest.fail)
    return Rules(project, study)


def begin(rules: Rules) -> TrialRun:
    """The next trial's trial_run."""
    trial = rules.study.ask()
    planner = make_planner(rules.project, "bigru", pytest.fail)
    return TrialRun(rules, trial, planner.run(trial.params))


def fit(trial_run: TrialRun, *, most: int = 9) -> None:
    """Fit a trial_run's units in this process until it ends."""
    while trial_run.unit is not None and most > 0:
        manifest, most = (
            run_unit(trial_run.rules.project.job(trial_run.unit), CPU, lambda _: None),
            most - 1,
        )
        if trial_run.unit.fold == PILOT:
            history = read_json(trial_run.rules.project.job(trial_run.unit).folder / "history.json")
            for epoch, loss in zip(history["epoch"], history["valid_loss"], strict=True):
                trial_run.observe(epoch, loss)
        trial_run.add_unit(manifest)


def test_a_trial_is_a_pilot_and_then_fold_after_fold(rules):
    trial_run = begin(rules)
    assert trial_run.unit.fold == PILOT
    fit(trial_run, most=1)
    assert trial_run.unit == Unit(trial_run.run, 0, 0)
    fit(trial_run)
    assert trial_run.outcome == "done"
    twin = begin(rules)
    fit(twin)
    assert (twin.role, twin.seed) == (NOISE_REPLICATE, 1)
    assert [t.number for t in candidates(rules.study)] == [0]
    assert rules.best().number == 0
    assert rules.noise()[1] > 0


def test_a_pilot_worse_than_most_is_given_up_and_leaves_nothing_behind(rules):
    for loss in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6):
        trial_run = begin(rules)
        trial_run.observe(1, 1.0)
        trial_run.observe(2, loss)
        trial_run.fail("enough") if loss < 0.6 else trial_run.give_up()
    last = rules.study.finished[-1]
    assert last.state == optuna.trial.TrialState.PRUNED
    assert last.intermediate_values == {1: 1.0, 2: 0.6}

    def drop(values: dict) -> None:
        if "epoch" in values:
            raise _DroppedError

    job = rules.project.job(Unit(trial_run.run, 0, PILOT))
    with pytest.raises(_DroppedError):
        run_unit(job, CPU, drop)
    assert not job.folder.exists()


def test_a_trial_given_up_after_two_folds_has_the_mean_to_be_expected(tiny, tmp_path):
    project = open_tiny(tiny, tmp_path / "working", model="nblr")
    planner = make_planner(project, "nblr", pytest.fail)
    space = planner.space("options.smoothing")
    study = prepare_study(planner, space, tmp_path / "s.journal", Settings(), pytest.fail)
    rules = Rules(project, study)
    best = study.ask()
    for key, fact in {
        "losses": [0.2, 0.4, 0.6],
        "shards": [[0.2] * 8, [0.4] * 8, [0.6] * 8],
        "run": "a",
    }.items():
        best.set_user_attr(key, fact)
    study.study.tell(best, 0.4)
    again = study.ask()
    again.set_user_attr("shards", [[0.2] * 8, [0.4] * 8, [0.6] * 8])
    study.study.tell(again, 0.4)
    trial_run = TrialRun(rules, study.ask(), planner.run(space.start))
    trial_run._losses, trial_run._shards = [0.3, 0.7], [[0.3] * 8, [0.7] * 8]
    assert trial_run._prune()
    trial = study.finished[-1]
    assert (trial.value, trial.user_attrs["pruned_at"]) == (pytest.approx(0.6), 2)
    assert trial.state == optuna.trial.TrialState.COMPLETE
    assert trial.number not in [t.number for t in candidates(study)]


def test_nothing_but_tuning_imports_optuna():
    for path in (REPOSITORY / "src").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.parent.name != "tuning":
            assert "import optuna" not in text, path
            assert "from optuna" not in text, path
            names = ("from seqblend.tuning", "from seqblend.app.tune ")
            at_import = [line for line in text.splitlines() if line.startswith(names)]
            is_of_tuning = path.name == "tune.py"
            assert not at_import or is_of_tuning, path


@pytest.mark.fault("F4", "R2")
@pytest.mark.slow
def test_killed_ten_times_it_ends_like_an_undisturbed_session(tiny, tmp_path):
    def start(working: Path) -> subprocess.Popen:
        flags = ["nblr", "--data", tiny, "--working", working, "--folds", "3", "--workers", "1"]
        argv = [sys.executable, REPOSITORY / "src/tune.py", *flags, "--trials", "12"]
        return subprocess.Popen([*map(str, argv)], stdout=subprocess.DEVNULL)

    assert start(tmp_path / "a").wait() == 0
    rng = random.Random(0)
    for _ in range(10):
        process = start(tmp_path / "b")
        time.sleep(rng.uniform(3, 9))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start(tmp_path / "b").wait() == 0
    assert live_trials(tmp_path / "b") == live_trials(tmp_path / "a")
    records = [read_json(tmp_path / name / "tiny/tuned/nblr.json") for name in "ab"]
    assert records[0]["settings"] == records[1]["settings"]


@pytest.mark.fault("C2")
@pytest.mark.slow
def test_ctrl_c_keeps_everything_and_leaves_no_trial_open(tiny, tmp_path):
    flags = ["nblr", "--data", tiny, "--working", tmp_path / "w", "--folds", "3", "--trials", "99"]
    argv = [sys.executable, REPOSITORY / "src/tune.py", *flags]
    process = subprocess.Popen(
        [*map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("trial 3 "):
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    assert "type the same command again" in process.communicate()[1]
    states = [t.state.name for t in study_of(tmp_path / "w").get_trials()]
    assert "RUNNING" not in states
    assert states.count("COMPLETE") >= 3


@pytest.mark.slow
def test_the_whole_way_tunes_first_and_then_uses_what_it_found(tiny, tmp_path, capsys):
    flags = ["--data", tiny, "--working", tmp_path / "w", "--models", "nblr,gru", *FLAGS]
    folder = tmp_path / "w/tiny"
    argv = [*map(str, flags), "--tune", "25s", "--budget", "10m"]
    assert run_script(run.main, argv) == 0
    shown = capsys.readouterr().out
    assert "tuning gru for 25.0 s" in shown
    record = read_json(folder / "tuned/gru.json")
    path = folder / "tuned/gru.json"
    trials = [t for t in record["table"] if t["outcome"] == "done" and t["may_win"]]
    path.write_text(json.dumps(record | {"settings": trials[-1]["values"]}))
    assert run_script(run.main, [*map(str, flags)]) == 0
    assert f"gru, {REMARK}" in capsys.readouterr().out
    page = (folder / "report/index.html").read_text()
    assert f"out of fold, {REMARK}" in page
    assert "Trials of gru" in page
