"""Submissions before a run is complete: the constant of least loss for every task, then a fit."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from unit_examples import CPU, make_project, runs_of

from seqblend.app.early_submission import EarlySubmission, submit_class_prior
from seqblend.app.submit import Outcome
from seqblend.blending.submission import write_submission
from seqblend.core.config import Config, FoldConfig
from seqblend.core.storage import read_array
from seqblend.running.inputs import Places
from seqblend.running.project import Request, open_project
from seqblend.running.runs import Unit
from seqblend.running.units import run_unit


@pytest.mark.parametrize(
    ("targets", "metric", "name", "line"),
    [
        ({"y": [0.5, 1.5, 2, 2] * 5}, "", "constant", "90,1.5"),
        ({"p": [1, 1, 0, 0] * 5, "q": [1, 1, 1, 0] * 5}, "", "constant", "90,0.5,0.75"),
        ({"p": [1, 1, 0, 0] * 5, "q": [1, 1, 1, 0] * 5}, "column_macro_f1", "constant", "90,0,1"),
        ({"y": [1, 3, 3, 2] * 5}, "qwk", "frequencies", "90,3"),
        ({"y": ["a", "b", "b", "c"] * 5}, "map@2", "frequencies", "90,b a"),
        ({"y": [0, 1, 1, 1] * 5}, "auc", "frequencies", "90,0.75"),
    ],
)
def test_every_row_gets_the_prior_of_the_training_rows(tmp_path, targets, metric, name, line):
    data, texts = tmp_path / "made", [f"w{i} v{i % 3} u" for i in range(20)]
    data.mkdir()
    train = pd.DataFrame({"id": range(20), "text": texts} | targets)
    train.to_csv(data / "train.csv", index=False)
    pd.DataFrame({"id": [90], "text": ["w1 v2 u"]}).to_csv(data / "test.csv", index=False)
    sample = {column: [values[0]] for column, values in targets.items()}
    pd.DataFrame({"id": [90]} | sample).to_csv(data / "sample_submission.csv", index=False)
    places = Places((tmp_path,), tmp_path / "working", tmp_path / "submissions", None)
    config = Config(models=("nblr",), folds=FoldConfig(count=2), metric=metric)
    project = open_project(config, places, Request(data=data, workers=1))
    path: Path = submit_class_prior(project, []).path
    assert path.name == f"made-{name}.csv"
    assert path.read_text().splitlines() == [",".join(["id", *targets]), line]


@pytest.mark.parametrize("has_earlier", [False, True])
def test_the_first_fit_of_fold_0_follows_the_constant_and_leaves_an_earlier_submission(
    tmp_path, has_earlier
):
    project, out = make_project(tmp_path, models=("nblr",)), tmp_path / "out.csv"
    competition, said = project.competition, []
    form = competition.form, competition.task, competition.test_ids
    (run,) = runs_of(project)
    units = [Unit(run, 0, fold) for fold in (1, 0)]
    done = {unit: run_unit(project.job(unit), CPU, lambda _: None) for unit in units}
    test = read_array(project.job(units[1]).folder / "test.npy")
    if has_earlier:
        write_submission(out, *form, test[:, ::-1])
    before = out.read_bytes() if has_earlier else b""
    schedule = SimpleNamespace(done={})
    progress = SimpleNamespace(schedule=schedule, say=lambda text, style="": said.append(text))
    early, outcome = EarlySubmission(project, out), Outcome()
    for unit in (None, *units, None):
        schedule.done |= {unit: done[unit]} if unit else {}
        early.renew(outcome, progress)
    assert len(said) == 2
    assert "frequencies" in said[0]
    assert "tiny-nblr-fold0.csv (nblr trained without fold 0, accuracy 1.0000 there)" in said[1]
    expected = write_submission(tmp_path / "expected.csv", *form, test)
    assert outcome.submission.sha256 == expected.sha256
    assert out.read_bytes() == (before or expected.path.read_bytes())
