"""Tuning by the loss of the task: what trials are compared by, and how it is called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_tuner import FLAGS, study_of

import tune
from seqblend.app.cli import run_script
from seqblend.core.storage import read_array, read_json
from seqblend.data.demo_tasks import write_task_demo
from seqblend.reporting.report import render_page
from seqblend.reporting.sections.tuning_section import tabulate_trials, tuning_section
from seqblend.tuning.verdict import loss_key

RECORD = {
    "model": "bigru",
    "verdict": "keep the default",
    "importance": {},
    "warnings": [],
    "space": {},
    "metric": "accuracy",
    "default": {"trial": 0},
    "after": {},
    "table": [],
}


def trial(number: int, **facts):
    """A trial's row in a record."""
    base = {"number": number, "role": "", "outcome": "done", "reason": "done", "metric": 0.5}
    return base | {"folds": 2, "seconds": 1.0, "values": {}, "run": "r", **facts}


@pytest.fixture(scope="module")
def working(tmp_path_factory) -> Path:
    """A working folder in which bigru was tuned on numbers."""
    folder = tmp_path_factory.mktemp("numbers")
    write_task_demo(folder / "numbers", "numbers", n_train=150, n_test=30)
    argv = ["bigru", "--data", str(folder / "numbers"), "--working", str(folder / "working")]
    flags = [*FLAGS, "--trials", "3", "--pruner", "none"]
    assert run_script(tune.main, [*argv, *flags]) == 0
    return folder / "working"


def test_trials_of_numbers_are_compared_by_their_squared_error(working):
    trials = study_of(working).get_trials()
    for each in trials:
        seed = 1 if each.number == 1 else 0
        run = working / "numbers/runs" / each.user_attrs["run"]
        folds = [run / f"seed{seed}-fold{k}" for k in (0, 1)]
        errors = [read_json(f / "manifest.json")["scores"]["rmse"] ** 2 for f in folds]
        assert each.value == pytest.approx(np.mean(errors), rel=1e-5)
        assert each.user_attrs["metric"] == pytest.approx(np.mean(np.sqrt(errors)), rel=1e-5)
        assert read_array(folds[0] / "valid.npy").shape[1] == 1


def test_what_is_kept_names_the_loss(working):
    record = read_json(working / "numbers/tuned/bigru.json")
    assert record["loss"] == "squared error"
    assert "log_loss" not in str(record)
    assert record["table"][0]["squared_error"] == record["default"]["squared_error"]
    assert "gain in squared error" in record["verdict"] or "keep the default" in record["verdict"]
    section = tuning_section([record])
    assert "squared error, search" in render_page("numbers", None, [section])
    assert "squared_error" in section.blocks[1].data.columns


def test_what_was_tuned_before_losses_had_names_is_a_log_loss():
    record = RECORD | {"table": [trial(0, log_loss=0.5), trial(1, log_loss=0.25)]}
    table = tabulate_trials(record)
    assert [row[3] for row in table.rows] == [0.5, 0.25]
    assert table.columns[3].title == "log loss"


def test_the_key_of_a_loss_is_a_word():
    assert loss_key("squared error") == "squared_error"
    assert loss_key("log loss") == "log_loss"
