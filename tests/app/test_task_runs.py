"""Labels, numbers and grades from their files to a diagnosis, a leaderboard and a report."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from report_examples import read_page, refuse_failures
from test_doctor import diagnose, train_all

from seqblend.app.display import show_finished, show_project
from seqblend.app.doctor_display import show_diagnosis
from seqblend.app.finish import finish_run
from seqblend.app.pipeline import blend_finished
from seqblend.core.config import Config, DataConfig, FoldConfig
from seqblend.core.console import Console
from seqblend.core.errors import FlagError
from seqblend.core.storage import read_json
from seqblend.data.demo_tasks import write_task_demo
from seqblend.diagnosis.cards import MemberCard
from seqblend.diagnosis.record import Diagnosis
from seqblend.diagnosis.shakeup import ShakeUp
from seqblend.evaluation.metrics import score
from seqblend.evaluation.paired import PairedDifference
from seqblend.reading.metric_choice import try_metric
from seqblend.running.inputs import Places
from seqblend.running.project import Request, open_project
from seqblend.tasks.task import task_for
from seqblend.tuning.verdict import describe_gain

KINDS = {  # of demos: their task, metric, what a stratum is called, and the size in the first line
    "tags": ("multi_label", "mean_auc", "label combination", "6 labels"),
    "numbers": ("regression", "rmse", "target decile", "1 number"),
    "grades": ("ordinal", "qwk", "label", "5 grades"),
}


def open_demo(tmp_path, kind, **changes):
    """A small demo of the kind opened for two linear models and three folds."""
    task, metric, _, _ = KINDS[kind]
    write_task_demo(tmp_path / kind, kind, n_train=240, n_test=60)
    places = Places((tmp_path / "input",), tmp_path / "working", tmp_path / "submissions")
    config = Config(
        folds=FoldConfig(count=3),
        models=("nblr", "tfidf"),
        metric=metric,
        data=DataConfig(task=task, **changes),
    )
    return open_project(config, places, Request(data=tmp_path / kind))


@pytest.fixture(params=list(KINDS))
def kind(request):
    return request.param


def test_rows_are_examined_in_the_words_of_their_task(tmp_path, kind):
    project = open_demo(tmp_path, kind)
    _, found, shown = diagnose(project)
    names = {check["name"] for check in found["checks"]}
    stratum = KINDS[kind][2]
    assert names >= {f"{stratum} from {what}" for what in ("id", "row order", "length")}
    assert ("confidence of a linear model" in names) == (kind == "grades")
    assert "nan" not in shown


def test_finished_runs_are_examined_as_far_as_the_task_allows(tmp_path, kind):
    project = open_demo(tmp_path, kind)
    train_all(project)
    _, found, shown = diagnose(project)
    names = {check["name"] for check in found["checks"]}
    assert ({"confidence of nblr", "label errors"} <= names) == (kind == "grades")
    assert {card["name"] for card in found["cards"]} == {"nblr", "tfidf"}
    assert len(found["shake_up"]) == 3
    assert ("1 - correlation" in shown) == (kind != "grades")
    assert ("squared error without" in shown) == (kind == "numbers")


def test_a_run_ends_in_a_leaderboard_and_a_report_of_its_task(tmp_path, kind):
    project = open_demo(tmp_path, kind)
    train_all(project)
    outcome = blend_finished(project, pytest.fail, None, None)
    finished = finish_run(project, outcome, "./run.sh", note=refuse_failures)
    console = Console(file=io.StringIO(), width=200)
    show_project(console, project)
    show_finished(console, project, outcome, finished)
    shown, page = console.file.getvalue(), read_page(project.workspace.report)
    _, metric, _, size = KINDS[kind]
    assert f"· {size} ·" in shown
    assert f"OOF {metric}" in shown
    assert f"test {metric}" in shown
    assert "undefined" not in page
    best = read_json(tmp_path / kind / "demo-best.json")
    assert finished.data.best_reachable == best["train"]
    assert f"{finished.data.best_name}: {best['train']:.4f}" in shown
    assert ("Grade decisions" in page) == (kind == "grades")
    assert ("Confusion matrices" in page) == (kind == "grades")


def test_the_test_score_is_that_of_the_solution(tmp_path):
    project = open_demo(tmp_path, "numbers")
    train_all(project)
    outcome = blend_finished(project, pytest.fail, None, None)
    data = finish_run(project, outcome, "", note=refuse_failures).data
    lines = (tmp_path / "numbers" / "solution.csv").read_text().splitlines()[1:]
    truth = np.array([[float(line.split(",")[1])] for line in lines])
    for result in outcome.results:
        record = next(record for record in data.records if record.name == result.model)
        by_hand = np.sqrt(((result.test - truth) ** 2).mean())
        assert record.test["rmse"] == pytest.approx(by_hand, rel=1e-6)


def test_a_metric_that_no_table_has_is_scored_on_the_test_rows_too(tmp_path):
    file = tmp_path / "mine.py"
    body = "return 1 - abs(targets - predictions).max()"
    file.write_text(f"def gap(targets, predictions):\n    {body}\n")
    write_task_demo(tmp_path / "numbers", "numbers", n_train=240, n_test=60)
    places = Places((tmp_path / "input",), tmp_path / "working", tmp_path / "submissions")
    config = Config(folds=FoldConfig(count=3), models=("nblr",), metric=f"{file}:gap")
    project = open_project(config, places, Request(data=tmp_path / "numbers"))
    train_all(project)
    outcome = blend_finished(project, pytest.fail, None, None)
    finished = finish_run(project, outcome, "", note=refuse_failures)
    (result,) = outcome.results
    metric, known = project.competition.metric, project.fold >= 0
    expected = score(metric, project.competition.targets[known], result.oof[known])
    rows = {entry.name: entry.pooled for entry in finished.entries}
    assert rows["nblr"] == pytest.approx(expected)
    assert metric in finished.data.records[0].test
    page = read_page(project.workspace.report)
    assert "expected gap" in page
    assert str(tmp_path) not in page


def test_the_best_reachable_score_of_classes_is_an_accuracy(tmp_path):
    project = open_demo(tmp_path, "grades")
    folder = project.files.train.parent
    (folder / "demo-best.json").write_text(json.dumps({"expected_accuracy": 0.875}))
    train_all(project)
    outcome = blend_finished(project, pytest.fail, None, None)
    data = finish_run(project, outcome, "", note=refuse_failures).data
    assert (data.best_name, data.best_reachable) == ("best reachable accuracy", 0.875)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise KeyError('column')", r"mine\.py:gap raised KeyError: 'column' on 240 rows; exp"),
        ("return targets", r"mine\.py:gap returned ndarray .*; expected a float"),
    ],
)
def test_a_metric_that_cannot_be_used_is_known_before_any_fit(tmp_path, body, message):
    file = tmp_path / "mine.py"
    file.write_text(f"def gap(targets, predictions):\n    {body}\n")
    write_task_demo(tmp_path / "numbers", "numbers", n_train=240, n_test=60)
    places = Places((tmp_path / "input",), tmp_path / "working", tmp_path / "submissions")
    request = Request(data=tmp_path / "numbers", is_plan=True)
    with pytest.raises(FlagError, match=message):
        open_project(Config(metric=f"{file}:gap"), places, request)


def test_a_metric_may_be_undefined_for_a_constant(tmp_path):
    file = tmp_path / "mine.py"
    body = "import numpy as np\n    return np.corrcoef(targets.T, predictions.T)[0, 1]"
    file.write_text(f"def gap(targets, predictions):\n    {body}\n")
    targets = np.random.default_rng(0).normal(size=(20, 1))
    try_metric(f"{file}:gap", task_for("regression", ("y",)), targets)


def test_findings_in_a_unit_of_the_targets_have_their_digits():
    console, task = Console(file=io.StringIO(), width=200), task_for("regression", ("y",))
    card = MemberCard("nblr", 0.5, 1.5e-7, 1e-7, 2e-7, 0.125)
    found = Diagnosis([], [ShakeUp(0.2, 10, 3e-5, 6e-5, None)], [card])
    show_diagnosis(console, found, task, "rmse")
    shown = console.file.getvalue()
    for text in ("3.0000e-05", "6.0000e-05", "+1.5000e-07", "+1.0000e-07 to +2.0000e-07", "0.1250"):
        assert text in shown
    gain = PairedDifference.normal(1.5e-7, 1e-8, 20)
    assert describe_gain(gain, task.loss_metric).startswith("+1.5000e-07 (95 % +")
    assert describe_gain(gain, "log_loss").startswith("+0.0000 (95 % +0.0000")
