"""The doctor end to end: every check in the file and on the terminal, before and after training."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import write_competition
from diagnosis_examples import draw_families
from processes import start_script
from report_examples import read_page, refuse_failures

from seqblend.app.display import leaderboard_rows, show_finished
from seqblend.app.doctor import best_two, run_diagnostics
from seqblend.app.doctor_display import show_diagnosis
from seqblend.app.finish import finish_run
from seqblend.app.pipeline import blend_finished, make_plan
from seqblend.app.report_data import make_report_data
from seqblend.app.row_checks import ROW_CHECKS, check_rows
from seqblend.app.submit import leaderboard_scores
from seqblend.blending.methods import Blend
from seqblend.core.config import Config, FoldConfig
from seqblend.core.console import Console
from seqblend.core.storage import read_json
from seqblend.diagnosis.record import to_plain
from seqblend.evaluation.paired import PairedDifference
from seqblend.reading.solution import read_solution
from seqblend.reporting.facts.entries import rank_entries
from seqblend.reporting.facts.leaderboard_table import tabulate
from seqblend.running.inputs import Places
from seqblend.running.project import Request, open_project
from seqblend.running.results import RunResult, collect_run
from seqblend.running.units import run_unit

ROWS = {
    "exact duplicates",
    "near duplicates",
    "families",
    "label from id",
    "label from row order",
    "label from length",
    "adversarial validation",
    "unseen tokens",
}


@pytest.fixture
def project(tmp_path):
    """A small competition opened for two linear models and three folds."""
    data = write_competition(tmp_path / "toy", n_train=120, n_test=60)
    places = Places((tmp_path / "input",), tmp_path / "working", tmp_path / "submissions")
    config = Config(folds=FoldConfig(count=3), models=("nblr", "tfidf"))
    return open_project(config, places, Request(data=data))


def train_all(project) -> None:
    """Every unit fitted and every run written."""
    plan = make_plan(project, Console(file=io.StringIO()))
    for unit in plan.missing:
        run_unit(project.job(unit), torch.device("cpu"), lambda _: None)
    for each in plan.runs:
        collect_run(
            project.workspace,
            each.name,
            1,
            project.fold,
            project.fingerprint,
            project.competition.task,
        )


def diagnose(project):
    """What the doctor finds, its file, and what it shows."""
    console = Console(file=io.StringIO(), width=200)
    diagnosis = run_diagnostics(project, pytest.fail)
    show_diagnosis(console, diagnosis, project.competition.task, project.competition.metric)
    return diagnosis, read_json(project.workspace.diagnosis), console.file.getvalue()


def test_rows_are_examined_before_anything_is_trained_and_nothing_trained_is_kept(project):
    diagnosis, found, shown = diagnose(project)
    names = {check["name"] for check in found["checks"]}
    assert names == ROWS | {"confidence of a linear model"}
    assert all(f"{name} (" in shown for name in names)
    assert found["cards"] == []
    assert not (project.workspace.root / "runs").exists()
    assert diagnose(project)[0] == diagnosis


def test_finished_runs_are_examined_too(project):
    train_all(project)
    _, found, shown = diagnose(project)
    names = {check["name"] for check in found["checks"]}
    finished = {"confidence of nblr", "confidence of tfidf", "label errors"}
    assert names == ROWS | finished
    assert {card["name"] for card in found["cards"]} == {"nblr", "tfidf"}
    assert sum(card["weight"] for card in found["cards"]) == 1  # no blend yet: the best run
    assert [one["share"] for one in found["shake_up"]] == [0.2, 0.3, 0.5]
    assert "shake-up" in shown


def test_the_blends_test_score_weighs_each_member_by_its_own_weight_whatever_their_order(project):
    train_all(project)
    outcome = blend_finished(project, pytest.fail, None, None)
    tests = {result.model: result.test for result in outcome.results}
    blend = Blend("mean", np.array([0.9, 0.1]), ("tfidf", "nblr"), project.competition.task)
    answers = read_solution(project.files.solution, project.competition).targets
    mixed = 0.9 * tests["tfidf"].astype(float) + 0.1 * tests["nblr"]
    by_hand = -np.log(mixed[np.arange(len(answers)), answers]).mean()
    for results in (outcome.results, outcome.results[::-1]):
        reordered = replace(outcome, results=results, blend=replace(outcome.blend, blend=blend))
        record = make_report_data(project, reordered, "./run.sh").blend
        assert record.test["log_loss"] == pytest.approx(by_hand, rel=1e-5)  # folds are float32


def test_terminal_report_and_live_display_rank_alike(project):
    train_all(project)
    outcome = blend_finished(project, pytest.fail, None, None)
    data = make_report_data(project, outcome, "./run.sh")
    entries = rank_entries(data)
    scores = dict(leaderboard_scores(project, outcome.results, outcome.blend))
    assert list(scores) == [entry.name for entry in entries]
    columns, shown = leaderboard_rows(data, entries)
    assert [row[0].partition(",")[0] for row in shown] == list(scores)
    assert [row[columns.index("OOF accuracy")] for row in shown] == list(scores.values())
    table = tabulate(data, entries)
    column = [column.key for column in table.columns].index("accuracy")
    assert [f"{row[column]:.4f}" for row in table.rows] == list(scores.values())


def test_the_two_best_submissions_are_a_blend_of_several_and_the_best_run():
    runs = [
        RunResult(name, name, np.full((2, 2), x), None, {}) for name, x in (("a", 0.1), ("b", 0.2))
    ]
    blended = np.full((2, 2), 0.5)
    several, alone = ({"a": 0.5, "b": 0.5}, blended), ({"a": 1.0, "b": 0.0}, blended)
    assert [p[0, 0] for p in best_two(runs, several)] == [0.5, 0.1]
    assert [p[0, 0] for p in best_two(runs, alone)] == [0.1, 0.2]
    assert best_two(runs[:1], None)[1] is None


def test_rows_are_checked_once_and_again_when_a_file_is_damaged_or_folds_change(project):
    notes = []
    first = check_rows(project, notes.append)
    assert len(notes) == len(ROW_CHECKS)
    assert check_rows(project, pytest.fail) == first
    next(project.workspace.root.glob("checks/near-*.json")).write_text("{")
    assert check_rows(project, notes.append) == first
    damaged, again = notes[len(ROW_CHECKS) :]
    assert "set aside" in damaged
    assert again == "checking near duplicates"
    check_rows(replace(project, fingerprint=replace(project.fingerprint, folds="0")), notes.append)
    assert len(notes) == 2 * len(ROW_CHECKS) + 2


def test_no_check_begins_that_would_not_end_in_time(project):
    notes = []
    assert check_rows(project, notes.append, deadline=time.monotonic()) == []
    assert notes[0].startswith("no time to check exact duplicates, ")
    assert check_rows(project, notes.append, deadline=time.monotonic() + 60)


def test_the_report_of_a_session_says_what_the_doctor_found(project):
    train_all(project)
    outcome = blend_finished(project, pytest.fail, None, None)
    console = Console(file=io.StringIO(), width=200)
    notes = []
    show_finished(console, project, outcome, finish_run(project, outcome, "", note=notes.append))
    assert notes  # a check is announced before it runs
    for note in notes:
        refuse_failures(note)
    text = read_page(project.workspace.report)
    assert "exact duplicates | " in text
    assert "Shake-up forecast" in text
    assert "(confident learning)" in text
    assert "loss without" in text
    shown = console.file.getvalue()
    assert "± margin" in shown
    assert "significant where it is larger than its 95 % margin" in shown
    late = finish_run(project, outcome, "", note=pytest.fail, deadline=time.monotonic())
    assert late.diagnosis is None
    assert "Validation" in (text := read_page(project.workspace.report))
    assert "exact duplicates" not in text  # no time for the doctor: the log of submissions alone


@pytest.mark.parametrize(
    ("part", "name", "lost"),
    [
        ("seqblend.reporting.report.models_section", "the report's section models", "Models"),
        ("seqblend.reporting.report.headline", "the report's verdict", ""),
        ("seqblend.app.finish.check_rows", "the doctor's checks", ""),
        ("seqblend.app.finish.make_report_data", "the report", "everything"),
    ],
)
def test_a_part_of_the_report_that_fails_costs_itself_alone(project, monkeypatch, part, name, lost):
    def fail(*_, **__):
        raise IndexError("as an example")

    train_all(project)
    outcome = blend_finished(project, pytest.fail, None, None)
    monkeypatch.setattr(part, fail)
    notes, console = [], Console(file=io.StringIO(), width=200)
    finished = finish_run(project, outcome, "", note=notes.append)
    show_finished(console, project, outcome, finished)
    assert "submission: " in console.file.getvalue()
    (warning,) = (note for note in notes if "could not" in note)
    assert warning.startswith(f"warning: {name} could not be made (IndexError: as an example)")
    record = read_json(project.workspace.root / "failure.json")
    assert "in fail" in record["traceback"]
    if lost == "everything":
        assert finished.data is None
        return
    text = read_page(project.workspace.report)
    assert ("This section could not be made" in text) == bool(lost)
    assert "Leaderboard" in text


@pytest.mark.slow
def test_the_script_shows_what_is_found(home, tiny):
    done = start_script(home, "doctor.py", "--data", tiny)
    assert done.returncode == 0, done.stderr
    assert "label from id (" in done.stdout
    assert (home / "working" / "tiny" / "diagnosis.json").is_file()


def test_groups_by_auto_are_the_folds_keys(tmp_path):
    rows, family = draw_families(np.random.default_rng(0))
    folder = tmp_path / "families"
    folder.mkdir()
    labels = ["ab"[i % 2] for i in range(len(rows))]
    train = [{"id": i, "sequence": rows[i], "label": labels[i]} for i in range(320)]
    test = [{"id": i, "sequence": rows[i]} for i in range(320, len(rows))]
    for name, content in (("train", train), ("test", test)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    sample = "id,label\n" + "".join(f"{row['id']},a\n" for row in test)
    (folder / "sample_submission.csv").write_text(sample)
    places = Places((tmp_path / "input",), tmp_path / "working", tmp_path / "submissions")
    torn = {}
    for groups in ("", "auto"):
        config = Config(folds=FoldConfig(groups=groups), models=("nblr",))
        fold = open_project(config, places, Request(data=folder, is_plan=True)).fold
        together = (family[:320, None] == family[:320]) & ~np.eye(320, dtype=bool)
        torn[groups] = (fold[:, None] != fold)[together].mean()
    assert torn[""] > 0.7
    assert torn["auto"] < 0.2


def test_what_json_has_no_word_for_is_null():
    difference = PairedDifference(float("nan"), np.float32(0.5), np.inf, 1.0, 2)
    plain = to_plain([{"b": difference}, (np.int64(3),)])
    assert plain[0] == {"b": {"mean": None, "error": 0.5, "low": None, "high": 1.0, "n": 2}}
    assert plain[1] == [3]
