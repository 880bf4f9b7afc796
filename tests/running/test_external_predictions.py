"""Imported predictions: aligned by id, every fault one line, and kept under a fingerprint."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import write_competition
from processes import start_script

from seqblend.app.submit import blend_results
from seqblend.core.config import Config, FoldConfig
from seqblend.core.errors import FlagError, InputError
from seqblend.running import external_predictions
from seqblend.running.external_predictions import (
    REMARK,
    import_predictions,
    parse_predictions_flags,
    read_predictions,
)
from seqblend.running.inputs import Places
from seqblend.running.project import Project, Request, open_project
from seqblend.running.results import MADE_BY, find_mismatch, finished_runs
from seqblend.tasks.task import task_for

CLASSES = ["blue", "green", "red"]


def open_tiny(folder: Path, *, seed: int = 0) -> Project:
    """The project of a small competition; nothing is trained."""
    data = write_competition(folder / "tiny")
    places = Places((folder,), folder / "working", folder / "submissions", None)
    config = Config(models=("nblr",), folds=FoldConfig(count=3, seed=seed))
    return open_project(config, places, Request(data=data, workers=1))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_tiny(tmp_path)


def table(ids, seed: int = 0) -> list[list]:
    """Rows of id and three probabilities, shuffled."""
    rng = np.random.default_rng(seed)
    rows = [[i, *p] for i, p in zip(ids, rng.dirichlet(np.ones(3), len(ids)), strict=True)]
    return [rows[k] for k in rng.permutation(len(rows))]


def write(path: Path, rows, header=("id", *CLASSES)) -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def files(project: Project, folder: Path) -> tuple[Path, Path]:
    competition = project.competition
    return (
        write(folder / "oof.csv", table(competition.train_ids, 1)),
        write(folder / "test.csv", table(competition.test_ids, 2)),
    )


@pytest.mark.fault("F3")
def test_files_are_aligned_by_id_and_blended_like_runs_of_our_own(project, tmp_path):
    oof, test = files(project, tmp_path)
    run = import_predictions(project, "mine", (oof, test))
    (result,) = finished_runs(project.workspace, project.fingerprint, pytest.fail)
    assert (result.name, result.model, result.manifest["remark"]) == (run, "mine", REMARK)
    with open(oof) as file:
        given = {row["id"]: [float(row[name]) for name in CLASSES] for row in csv.DictReader(file)}
    expected = [given[row_id] for row_id in project.competition.train_ids]
    order = [project.competition.classes.index(name) for name in CLASSES]
    np.testing.assert_allclose(result.oof[:, order], expected, atol=1e-6)
    blend, submission = blend_results(project, [result], None)
    assert blend.blend.members == ("mine",)
    assert submission.path.exists()
    assert import_predictions(project, "mine", (oof, test)) == run  # again: the same run


def test_a_blend_of_the_same_runs_has_one_name_in_any_order(project, tmp_path):
    competition = project.competition
    for name, seed in (("mine", 1), ("yours", 2)):
        parts = [
            write(tmp_path / f"{name}{i}.csv", table(ids, 2 * seed + i))
            for i, ids in enumerate((competition.train_ids, competition.test_ids))
        ]
        import_predictions(project, name, parts)
    results = finished_runs(project.workspace, project.fingerprint, pytest.fail)
    paths = {blend_results(project, several, None)[1].path for several in (results, results[::-1])}
    assert len(results) == 2
    assert len(paths) == 1


def test_the_blends_manifest_says_what_made_every_member(project, tmp_path):
    oof, test = files(project, tmp_path)
    run = import_predictions(project, "mine", (oof, test))
    blend_results(project, finished_runs(project.workspace, project.fingerprint, pytest.fail), None)
    (path,) = project.workspace.root.glob("blends/*/manifest.json")
    manifest = json.loads(path.read_text())
    assert set(manifest["made_by"][run]) == set(MADE_BY)
    assert project.fingerprint.as_dict().items() <= manifest.items()
    keys = {"versions", "git_commit", "bias", "adjustment", "nested"}
    assert keys < set(manifest)


@pytest.mark.fault("F3", "S3")
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: rows[1:], r"1 ids are missing \(the first: '\d+'\)"),
        (lambda rows: [*rows, rows[0]], r"1 ids come more than once \(the first: '\d+'\)"),
        (lambda rows: [*rows, ["x9", 1, 0, 0]], r"1 ids are not the competition's .*'x9'"),
        (lambda rows: [[*rows[0][:3], ""], *rows[1:]], r"1 of 60 rows are not probabil.* id '\d+'"),
        (lambda rows: [[rows[0][0], 0.9, 0.9, 0.9], *rows[1:]], r"expected no NaN, none below 0"),
        (lambda rows: [[rows[0][0], -0.1, 0.6, 0.5], *rows[1:]], r"1 of 60 rows are not probabil"),
        (lambda rows: [[rows[0][0], "half", 0, 1], *rows[1:]], r"line 2: expected a number in"),
    ],
    ids=["missing", "twice", "extra", "empty", "sum", "negative", "text"],
)
def test_every_fault_of_the_rows_is_one_clear_line(project, tmp_path, spoil, message):
    competition = project.competition
    path = write(tmp_path / "oof.csv", spoil(table(competition.train_ids)))
    with pytest.raises(InputError, match=message) as raised:
        read_predictions(path, competition, competition.train_ids, known=competition.train_ids)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(("oof.csv", str(path)))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (("id", "blue", "green", "purple"), "expected a column of probabilities for each class"),
        (("name", *CLASSES), "expected an id column 'id', it has name, blue, green, red"),
    ],
)
def test_other_columns_are_named(project, tmp_path, header, message):
    competition = project.competition
    ids = competition.train_ids if header[0] == "id" else competition.train_ids[1:]
    path = write(tmp_path / "oof.csv", table(ids), header)
    with pytest.raises(InputError, match=message):
        read_predictions(path, competition, competition.train_ids, known=competition.train_ids)


def test_with_two_classes_the_positive_ones_column_is_enough(project, tmp_path):
    form = dataclasses.replace(project.competition.form, kind="probability", classes=(1,))
    two = dataclasses.replace(
        project.competition, task=task_for("single_label", ("no", "yes")), form=form
    )
    path = write(tmp_path / "p.csv", [["b", 0.9], ["a", 0.2]], ("id", "probability"))
    found = read_predictions(path, two, ["a", "b"], known=["a", "b"])
    np.testing.assert_allclose(found, [[0.8, 0.2], [0.1, 0.9]])
    other = dataclasses.replace(two, form=dataclasses.replace(form, classes=(0,)))
    found = read_predictions(path, other, ["a", "b"], known=["a", "b"])
    np.testing.assert_allclose(found, [[0.2, 0.8], [0.9, 0.1]])


@pytest.mark.parametrize(
    ("column", "first"), [("no", 0.9), ("No_prob", 0.9), ("yes", 0.1), ("label", 0.1)]
)
def test_a_lone_column_is_of_the_class_that_it_names(project, tmp_path, column, first):
    two = dataclasses.replace(project.competition, task=task_for("single_label", ("no", "yes")))
    path = write(tmp_path / "p.csv", [["b", 0.9], ["a", 0.9]], ("id", column))
    found = read_predictions(path, two, ["a", "b"], known=["a", "b"])
    np.testing.assert_allclose(found, [[first, 1 - first]] * 2)


@pytest.mark.parametrize(
    ("name", "header", "rows", "found"),
    [
        ("regression", ("p", "id", "q"), [[-4, "b", 2.5], [7, "a", 1]], [[7, 1], [-4, 2.5]]),
        ("multi_label", ("q", "p", "id"), [[1, 0.9, "b"], [0, 1, "a"]], [[1, 0], [0.9, 1]]),
        ("regression", ("id", "P_hat", "Q_hat"), [["b", 3, 4], ["a", 1, 2]], [[1, 2], [3, 4]]),
    ],
)
def test_predictions_of_target_columns_are_found_by_name(
    project, tmp_path, name, header, rows, found
):
    form = dataclasses.replace(project.competition.form, columns=("P_hat", "Q_hat"))
    several = dataclasses.replace(project.competition, task=task_for(name, "pq"), form=form)
    path = write(tmp_path / "p.csv", rows, header)
    np.testing.assert_allclose(read_predictions(path, several, ["a", "b"], known=["a", "b"]), found)


@pytest.mark.parametrize(
    ("name", "header", "row", "message"),
    [
        ("regression", ("id", "p", "r"), ["a", 1, 2], r"each target column \(p, q\) beside 'id'"),
        ("regression", ("id", "p", "q"), ["a", 1, ""], r"1 of 1 rows .* id 'a'"),
        ("multi_label", ("id", "p", "q"), ["a", 1, 1.5], r"1 of 1 rows .* id 'a'"),
    ],
)
def test_what_is_no_prediction_of_target_columns_is_refused(
    project, tmp_path, name, header, row, message
):
    several = dataclasses.replace(project.competition, task=task_for(name, "pq"))
    path = write(tmp_path / "p.csv", [row], header)
    with pytest.raises(InputError, match=message):
        read_predictions(path, several, ["a"], known=["a"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine", "expects NAME=OOF,TEST or a pattern .* got 'mine', which finds no file"),
        ("nblr=a,b", "'nblr' is a model of this package"),
        ("mine=a.csv,b.csv", "no file a.csv"),
        ("../x=a,b", "finds no file"),
    ],
)
def test_a_wrong_flag_is_one_line(text, message):
    with pytest.raises(FlagError, match=message):
        parse_predictions_flags([text])


def test_a_run_of_other_folds_is_left_out_and_refused_by_name(project, tmp_path):
    oof, test = files(project, tmp_path)
    run = import_predictions(project, "mine", (oof, test))
    (result,) = finished_runs(project.workspace, project.fingerprint, pytest.fail)
    other, notes = open_tiny(tmp_path, seed=1), []
    assert finished_runs(other.workspace, other.fingerprint, notes.append) == []
    assert notes == [f"{run} is left out: its folds_digest differ"]
    with pytest.raises(InputError, match=rf"{run} cannot be blended .* its folds_digest differ"):
        blend_results(other, [result], None)


def test_a_manifest_that_does_not_say_how_it_was_made_is_a_mismatch(project, tmp_path):
    oof, test = files(project, tmp_path)
    import_predictions(project, "mine", (oof, test))
    (result,) = finished_runs(project.workspace, project.fingerprint, pytest.fail)
    for key in MADE_BY:
        lacking = {name: value for name, value in result.manifest.items() if name != key}
        assert find_mismatch(lacking, project.fingerprint) == f"its manifest does not say {key}"


def test_the_flag_joins_blends_and_shows_whatever_models_are_named(project, tmp_path, home):
    oof, test = files(project, tmp_path)
    flags = ["--data", tmp_path / "tiny", "--folds", "3", "--set", "embedding.path=none"]
    flags += ["--models", "nblr"]
    done = start_script(home, "blend.py", *flags, "--add", f"mine={oof},{test}")
    assert done.returncode == 0, done.stderr
    assert "joined: mine-" in done.stdout
    assert "expected on the test rows" in done.stdout


def save_arrays(folder: Path, project: Project, names: list[str]) -> dict[str, np.ndarray]:
    """oof_NAME.npy and test_NAME.npy of random probabilities; {name: oof}."""
    rng, folder = np.random.default_rng(3), folder / "others"
    folder.mkdir()
    competition, found = project.competition, {}
    for name in names:
        for kind, ids in (("oof", competition.train_ids), ("test", competition.test_ids)):
            array = rng.dirichlet(np.ones(3), len(ids))
            np.save(folder / f"{kind}_{name}.npy", array)
            found.setdefault(name, array)
    return found


def test_a_pattern_adds_every_pair_of_arrays_in_the_files_order(project, tmp_path):
    arrays = save_arrays(tmp_path, project, ["one", "two-b", "test2"])
    found = parse_predictions_flags([f"{tmp_path}/others/*.npy"])
    assert list(found) == ["one", "test2", "two-b"]
    for name, paths in found.items():
        import_predictions(project, name, paths)
    results = finished_runs(project.workspace, project.fingerprint, pytest.fail)
    assert len(results) == 3
    for result in results:
        np.testing.assert_allclose(result.oof, arrays[result.model], atol=1e-6)
    blend, _ = blend_results(project, results, None)
    assert set(blend.blend.members) == set(arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "test_one.npy").unlink(), "oof_one.npy has no counterpart"),
        (lambda folder: (folder / "notes.npy").touch(), "notes.npy is neither named as oof"),
        (lambda folder: (folder / "one-oof.npy").touch(), "are both 'one'"),
        (lambda folder: (folder / "oof_nblr.npy").rename(folder / "oof_x.npy"), "no counterpart"),
    ],
)
def test_files_that_are_no_pairs_are_named(project, tmp_path, change, message):
    save_arrays(tmp_path, project, ["one", "nblr"])
    change(tmp_path / "others")
    with pytest.raises(FlagError, match=message):
        parse_predictions_flags([f"{tmp_path}/others/*.npy"])


def test_a_name_may_occur_once(project, tmp_path):
    save_arrays(tmp_path, project, ["one"])
    pair = ",".join(str(tmp_path / "others" / f"{kind}_one.npy") for kind in ("oof", "test"))
    with pytest.raises(FlagError, match="two members are named 'one'"):
        parse_predictions_flags([f"one={pair}", f"{tmp_path}/others/*.npy"])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 3)), r"expected 60 rows, .* 3 columns \(blue, green, red\); .* \(3, 3\)"),
        (np.zeros((60, 2)), r"its shape is \(60, 2\)"),
        (np.array(["a"] * 60), "expected numbers that numpy.save wrote"),
        (np.array([{}] * 60), "expected numbers that numpy.save wrote"),
        (np.full((60, 3), np.nan), "60 of 60 rows are not probabilities .* row 0"),
    ],
)
def test_an_array_of_another_form_is_one_line(project, tmp_path, array, message):
    save_arrays(tmp_path, project, ["one"])
    path = tmp_path / "others" / "oof_one.npy"
    np.save(path, array)
    with pytest.raises(InputError, match=message):
        import_predictions(project, "one", (path, path.with_name("test_one.npy")))


def test_one_column_of_an_array_is_the_class_that_the_submission_asks_for(tmp_path, project):
    path = tmp_path / "p.npy"
    np.save(path, np.array([0.2, 0.9]))
    form = dataclasses.replace(project.competition.form, kind="probability", classes=(0,))
    task = task_for("single_label", ("no", "yes"))
    two = dataclasses.replace(project.competition, task=task, form=form)
    found = external_predictions._read_array(path, two, ["a", "b"], np.arange(2))
    np.testing.assert_allclose(found, [[0.2, 0.8], [0.9, 0.1]])
