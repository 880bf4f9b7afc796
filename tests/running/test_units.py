import dataclasses
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import Touch, write_competition
from unit_examples import CPU, make_project, runs_of, train_all

from seqblend.app.pipeline import blend_finished
from seqblend.app.report_data import make_report_data
from seqblend.app.submit import Outcome, blend_results, describe_submission
from seqblend.core.config import DataConfig
from seqblend.core.errors import InputError, UnitError
from seqblend.core.provenance import git_commit
from seqblend.core.storage import (
    commit_folder,
    read_array,
    read_finished,
    read_json,
    read_record,
    write_array,
)
from seqblend.evaluation.metrics import score
from seqblend.evaluation.temperature import apply_temperature
from seqblend.models.recurrent import RecurrentClassifier
from seqblend.reading.cache import load_or_read
from seqblend.reading.discovery import find_files
from seqblend.running.results import check_result, collect_run, finished_runs, read_test_stacks
from seqblend.running.runs import PILOT, Unit, plan_units
from seqblend.running.units import _rows_of, restore_member, run_unit


def _collect(project, run: str):
    """The run of a project with one seed."""
    task = project.competition.task
    return collect_run(project.workspace, run, 1, project.fold, project.fingerprint, task)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A project with every unit of nblr and bilstm done."""
    project = make_project(tmp_path_factory.mktemp("units"))
    train_all(project)
    return project


def test_a_finished_unit_gives_its_validation_probabilities_again_byte_for_byte(trained):
    for run in runs_of(trained):
        for fold in range(2):
            job = trained.job(Unit(run, 0, fold))
            member = restore_member(job, CPU)
            rows = np.flatnonzero(trained.fold == fold)
            again = member.predict(trained.competition.train.take(rows))
            assert again.tobytes() == read_array(job.folder / "valid.npy").tobytes()
            test = member.predict(trained.competition.test)
            assert test.tobytes() == read_array(job.folder / "test.npy").tobytes()


def test_a_unit_run_again_writes_the_same_bytes(trained):
    run = runs_of(trained)[1]
    job = trained.job(Unit(run, 0, 1))
    before = {name: (job.folder / name).read_bytes() for name in ("valid.npy", "weights.npz")}
    run_unit(job, CPU, lambda _: None)
    assert before == {name: (job.folder / name).read_bytes() for name in before}


def test_the_pilot_trains_inside_the_training_rows_of_fold_0_and_names_the_epochs(trained):
    run = runs_of(trained)[1]
    pilot = read_json(trained.job(Unit(run, 0, PILOT)).folder / "manifest.json")
    fold = read_json(trained.job(Unit(run, 0, 0)).folder / "manifest.json")
    assert 1 <= pilot["epochs"] <= 3
    assert pilot["epochs_chosen_on_validation"]
    assert fold["epochs"] == pilot["epochs"]
    assert not fold["epochs_chosen_on_validation"]
    valid = read_array(trained.job(Unit(run, 0, PILOT)).folder / "valid.npy")
    assert len(valid) == pytest.approx(0.2 * np.sum(trained.fold != 0), abs=3)


def test_the_pilot_that_chooses_the_epochs_sees_no_row_that_fold_0_scores(trained):
    run, fold = runs_of(trained)[1], trained.fold
    pilot, scored = (
        _rows_of(Unit(run, 0, place), trained.competition.targets, fold, trained.folds.keys)
        for place in (PILOT, 0)
    )
    assert not np.intersect1d(np.concatenate(pilot), scored[1]).size
    assert (fold[scored[1]] == 0).all()


def test_folds_predict_with_the_temperature_that_the_pilot_found(trained):
    run = runs_of(trained)[1]
    pilot, job = (trained.job(Unit(run, 0, place)) for place in (PILOT, 0))
    history = read_json(pilot.folder / "history.json")
    manifest = read_json(pilot.folder / "manifest.json")
    assert manifest["temperature"] == history["valid_temperature"][manifest["epochs"] - 1] != 1.0
    fold = read_json(job.folder / "manifest.json")
    assert fold["temperature"] == manifest["temperature"]
    plain = read_json(job.folder / "history.json")["valid_loss"][-1]  # as the network gave them
    labels = trained.competition.targets[trained.fold == 0]
    valid = read_array(job.folder / "valid.npy")
    undone = score(
        "log_loss", labels, apply_temperature(valid, 1 / fold["temperature"]).astype(float)
    )
    assert undone == pytest.approx(plain, abs=1e-4)
    assert score("log_loss", labels, valid) != pytest.approx(plain, abs=1e-4)


def test_every_epoch_is_recorded(trained):
    run = runs_of(trained)[1]
    history = read_json(trained.job(Unit(run, 0, 0)).folder / "history.json")
    wanted = {
        "epoch",
        "train_loss",
        "train_accuracy",
        "valid_loss",
        "valid_accuracy",
        "valid_macro_precision",
        "valid_macro_recall",
        "valid_macro_f1",
        "valid_auc",
        "rate",
        "gradient_norm",
        "train_seconds",
        "tokens_per_second",
    }
    assert wanted <= set(history)
    assert len({len(history[name]) for name in wanted}) == 1


@pytest.mark.fault("C6")
def test_changed_settings_name_another_run_and_irrelevant_ones_do_not(tmp_path):
    def names(*settings, **changes):
        return [run.name for run in runs_of(make_project(tmp_path, *settings, **changes))]

    nblr, bilstm = names()
    assert names("train.lr=0.5")[0] == nblr
    assert names("train.lr=0.5")[1] != bilstm
    assert names("nblr.strength=3")[1] == bilstm
    assert names("nblr.strength=3")[0] != nblr
    assert set(names(folds=3)).isdisjoint({nblr, bilstm})
    assert names() == [nblr, bilstm]


def test_a_run_is_the_mean_of_its_units_in_file_order(trained):
    run = runs_of(trained)[0]
    result = _collect(trained, run.name)
    folders = [trained.job(Unit(run, 0, k)).folder for k in range(2)]
    for k, folder in enumerate(folders):
        np.testing.assert_allclose(
            result.oof[trained.fold == k], read_array(folder / "valid.npy"), atol=1e-6
        )
    mean = np.mean([read_array(folder / "test.npy") for folder in folders], axis=0)
    np.testing.assert_allclose(result.test, mean, atol=1e-6)
    check_result(result, trained.fold, trained.fingerprint, trained.competition.task)


def test_a_blends_test_predictions_are_the_mean_of_its_folds_blends(trained):
    results = [_collect(trained, run.name) for run in runs_of(trained)]
    blend, submission = blend_results(trained, results, None)
    mean = 0.0
    for k in range(2):
        places = [trained.job(Unit(run, 0, k)).folder for run in runs_of(trained)]
        mean += blend.blend.apply(np.stack([read_array(p / "test.npy") for p in places])) / 2
    (folder,) = trained.workspace.blends.glob("*")
    np.testing.assert_allclose(read_array(folder / "test.npy"), mean, atol=1e-6)
    nested = read_json(folder / "manifest.json")["nested"]
    assert nested["forecast_low"] <= nested["forecast_middle"] <= nested["forecast_high"]
    assert "averaging_gain" in nested
    said = describe_submission(trained, Outcome(results, blend, submission))
    assert "cross-fitted accuracy" in said
    assert "expected on the test rows" in said


def test_a_run_of_several_seeds_gives_each_fold_the_mean_over_them(tmp_path):
    project = make_project(tmp_path, models=("bilstm",))
    (run,) = runs_of(project)
    for unit in plan_units([run], 2, 2):
        run_unit(project.job(unit), CPU, lambda _: None)
    task = project.competition.task
    result = collect_run(project.workspace, run.name, 2, project.fold, project.fingerprint, task)
    first, second = read_test_stacks(project.workspace, [result], 2)
    folders = [project.job(Unit(run, seed, 0)).folder for seed in range(2)]
    mean = np.mean([read_array(folder / "test.npy") for folder in folders], axis=0)
    np.testing.assert_allclose(first[0], mean, atol=1e-7)
    np.testing.assert_allclose((first[0] + second[0]) / 2, result.test, atol=1e-6)


@pytest.mark.fault("C6")
def test_runs_of_other_folds_are_left_out_by_name(trained):
    for run in runs_of(trained):
        _collect(trained, run.name)
    notes = []
    assert len(finished_runs(trained.workspace, trained.fingerprint, notes.append)) == 2
    other = dataclasses.replace(trained.fingerprint, folds="0" * 16)
    assert finished_runs(trained.workspace, other, notes.append) == []
    assert "folds_digest differ" in notes[0]


@pytest.mark.fault("F1")
def test_a_damaged_file_is_set_aside_and_never_loaded(tmp_path):
    project = make_project(tmp_path, models=("nblr",))
    unit = Unit(runs_of(project)[0], 0, 0)
    run_unit(project.job(unit), CPU, lambda _: None)
    folder = project.job(unit).folder
    write_array(folder / "valid.npy", np.zeros((3, 3), dtype=np.float32))
    notes = []
    assert read_finished(folder, notes.append) is None
    assert (folder / "valid.npy.corrupt").exists()
    assert "valid.npy does not match its hash" in notes[0]


@pytest.mark.parametrize("model", ["bilstm", "scratch_lstm"])
@pytest.mark.parametrize("epochs", [0, 12])
def test_an_epoch_that_early_stopping_chose_is_named_and_declared(tmp_path, model, epochs):
    write_competition(tmp_path / "tiny", share=0.0)  # nothing to learn: the loss soon rises
    settings = ["train.early_stopping=true", "train.lr=0.05", "train.max_epochs=12"]
    settings.append(f"train.epochs={epochs}")
    project = make_project(tmp_path, *settings, models=(model,))
    (run,) = runs_of(project)
    assert [unit.fold for unit in plan_units([run], 1, 2)] == [0, 1]
    manifest = run_unit(project.job(Unit(run, 0, 0)), CPU, lambda _: None)
    losses = read_json(project.job(Unit(run, 0, 0)).folder / "history.json")["valid_loss"]
    assert manifest["epochs_chosen_on_validation"]
    assert manifest["epochs"] == 1 + np.argmin(losses) < len(losses) == manifest["epochs_trained"]
    assert manifest["scores"]["log_loss"] == pytest.approx(min(losses), abs=1e-5)


def test_a_hold_out_leaves_the_other_rows_without_predictions(tmp_path):
    project = make_project(tmp_path, folds=1, models=("nblr",))
    train_all(project)
    (run,) = runs_of(project)
    result = _collect(project, run.name)
    assert np.isnan(result.oof[project.fold < 0]).all()
    assert np.mean(project.fold == 0) == pytest.approx(0.2, abs=0.02)


def test_a_unit_says_which_commit_and_which_labels_made_it(trained):
    unit = read_json(trained.job(Unit(runs_of(trained)[0], 0, 0)).folder / "manifest.json")
    assert unit["git_commit"] == git_commit()
    assert unit["labels_digest"] == trained.fingerprint.labels
    assert len(unit["labels_digest"]) == 16


@pytest.fixture
def copy(trained, tmp_path):
    """The trained project with its runs collected, somewhere else: to be damaged."""
    shutil.copytree(trained.workspace.root.parent, tmp_path / "working")
    shutil.copytree(trained.files.train.parent, tmp_path / "tiny")
    project = make_project(tmp_path)
    for run in runs_of(project):
        _collect(project, run.name)
    return project


def set_content(folder: Path, name: str, write) -> None:
    """Replace a file by what `write(path)` puts there, and let the manifest have its hash."""
    manifest = read_record(folder / "manifest.json")
    write(folder / name)
    manifest["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    commit_folder(folder, manifest, manifest.pop("files"))


@pytest.mark.fault("F1")
@pytest.mark.parametrize("damage", ["corrupt", "deleted", "unit deleted"])
def test_a_damaged_unit_leaves_its_run_out_of_blend_and_report_by_name(copy, damage):
    nblr, bilstm = runs_of(copy)
    unit = copy.job(Unit(bilstm, 0, 1)).folder
    if damage == "corrupt":
        (unit / "history.json").write_text("{")
    elif damage == "deleted":
        (unit / "history.json").unlink()
    else:
        shutil.rmtree(unit)
    notes = []
    outcome = blend_finished(copy, notes.append, None, None)
    assert [result.name for result in outcome.results] == [nblr.name]
    assert make_report_data(copy, outcome, "").records[0].run == nblr.name
    assert (unit / "history.json.corrupt").exists() == (damage == "corrupt")
    assert notes[-1].startswith(f"{bilstm.name} is left out, missing or damaged: {bilstm.name}/")
    assert "./run.sh --models bilstm" in notes[-1]
    if damage != "unit deleted":
        assert f"{bilstm.name}/seed0-fold1: history.json does not match its hash" in notes[0]
        assert not (unit / "manifest.json").exists()


@pytest.mark.fault("F1", "F3")
def test_a_damaged_run_is_left_out_by_name(copy):
    nblr, bilstm = runs_of(copy)
    (copy.workspace.run(nblr.name) / "oof.npy").write_bytes(b"")
    notes = []
    (left,) = finished_runs(copy.workspace, copy.fingerprint, notes.append)
    assert left.name == bilstm.name
    assert f"{nblr.name} is left out, missing or damaged: its files" in notes[-1]


@pytest.mark.fault("X1")
@pytest.mark.parametrize("name", ["valid.npy", "weights.npz"])
def test_a_pickle_with_a_matching_hash_is_one_line_and_never_executed(copy, tmp_path, name):
    mark, run = tmp_path / "executed", runs_of(copy)[0]
    job = copy.job(Unit(run, 0, 0))
    harmful = np.array([Touch(mark)], dtype=object)
    save = np.save if name == "valid.npy" else lambda path, array: np.savez(path, weight=array)
    set_content(job.folder, name, lambda path: save(path, harmful))
    assert read_finished(job.folder, pytest.fail) is not None
    read = {
        "valid.npy": lambda: _collect(copy, run.name),
        "weights.npz": lambda: restore_member(job, CPU),
    }
    with pytest.raises(InputError, match=rf"{name}: expected plain arrays.* Delete it and .*again"):
        read[name]()
    assert not mark.exists()


def test_a_run_that_stands_is_not_written_again(copy):
    files = [path for path in copy.workspace.root.glob("runs/*/*.*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert len(before) == 6
    for run in runs_of(copy):
        _collect(copy, run.name)
    assert {path: path.stat().st_mtime_ns for path in files} == before


@pytest.mark.fault("N1")
def test_a_unit_that_diverges_names_step_rate_and_rows(tmp_path):
    project = make_project(tmp_path, "train.lr=1e3", "train.weight_decay=1e30", models=("bilstm",))
    reports = []
    with pytest.raises(
        UnitError, match=r"step \d+, with train.lr at 250 .*rows, by id: "
    ) as caught:
        run_unit(project.job(Unit(runs_of(project)[0], 0, PILOT)), CPU, reports.append)
    ids = str(caught.value).rpartition(": ")[2].partition(" and ")[0].split(", ")
    assert set(ids) <= set(project.competition.train_ids)
    assert len([values for values in reports if "recovery" in values]) == 2


@pytest.mark.fault("M1")
def test_recoveries_stand_in_the_manifests_of_unit_and_run(tmp_path, monkeypatch):
    project = make_project(tmp_path, "train.epochs=1", "train.batch_rows=8", models=("bilstm",))
    forward = RecurrentClassifier.forward
    monkeypatch.setattr(RecurrentClassifier, "forward", _cramped(forward))
    train_all(project)
    (run,) = runs_of(project)
    manifest = read_json(project.job(Unit(run, 0, 0)).folder / "manifest.json")
    assert [r["parts"] for r in manifest["recoveries"]] == [2]
    result = _collect(project, run.name)
    recoveries = [(r["unit"], r["parts"]) for r in result.manifest["recoveries"]]
    assert recoveries == [(f"{run.name}/seed0-fold{k}", 2) for k in range(2)]


def _cramped(forward):
    """`forward` on a machine with memory for four rows in training."""

    def limited(model, tokens, lengths):
        if model.training and len(tokens) > 4:
            raise MemoryError
        return forward(model, tokens, lengths)

    return limited


@pytest.mark.fault("C6")
def test_a_unit_refuses_other_rows_than_those_of_its_digest(tmp_path):
    """Another run of the same name and sizes has replaced them since the project was opened."""
    project = make_project(tmp_path, models=("nblr",))
    files = find_files(write_competition(tmp_path / "other" / "tiny", seed=1))
    load_or_read(project.workspace.data, files, DataConfig(), "", "tiny", lambda _: None)
    job = project.job(Unit(runs_of(project)[0], 0, 0))
    with pytest.raises(InputError, match="expected the rows that this run began with, found rows"):
        run_unit(job, CPU, lambda _: None)
    assert not job.folder.exists()


@pytest.mark.fault("F1")
@pytest.mark.parametrize("name", ["targets.npy", "ids/tokens.npy", "ids/offsets.npy"])
def test_a_unit_refuses_rows_that_were_damaged_since_the_project_was_opened(tmp_path, name):
    project = make_project(tmp_path, models=("nblr",))
    path = project.workspace.data / name
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    job = project.job(Unit(runs_of(project)[0], 0, 0))
    with pytest.raises(InputError, match=f"began with, found {name} damaged"):
        run_unit(job, CPU, lambda _: None)


@pytest.mark.fault("F1")
@pytest.mark.parametrize("kind", ["folds", "keys"])
def test_swapped_folds_fail_a_unit_and_are_made_again_by_the_next_command(tmp_path, kind):
    project = make_project(tmp_path, models=("nblr",))
    path = project.workspace.data / f"{kind}-{project.fingerprint.folds}.npy"
    before, array = path.read_bytes(), read_array(path)
    write_array(path, np.concatenate([array[-1:], array[:-1]]))
    job = project.job(Unit(runs_of(project)[0], 0, 0))
    with pytest.raises(InputError, match="expected the folds with the digest"):
        run_unit(job, CPU, lambda _: None)
    again = make_project(tmp_path, models=("nblr",))
    assert path.read_bytes() == before
    assert path.with_name(f"{path.name}.corrupt").exists()
    assert (
        run_unit(again.job(job.unit), CPU, lambda _: None)["folds_digest"]
        == again.fingerprint.folds
    )
