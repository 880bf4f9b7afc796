"""A tiny competition opened as a project, and its units."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from conftest import write_competition

from seqblend.core.config import Config, FoldConfig, configure, parse_assignments
from seqblend.models.registry import entries
from seqblend.running.inputs import Places
from seqblend.running.project import Request, open_project
from seqblend.running.runs import plan_runs, plan_units
from seqblend.running.units import run_unit

CPU = torch.device("cpu")
SETTINGS = ["train.max_epochs=3", "options.hidden=8", "options.width=8", "train.precision=float32"]


def make_config(*settings, folds=2, models=("nblr", "bilstm"), metric=""):
    config = configure(Config(), parse_assignments([*SETTINGS, *settings]), list(entries()))
    return dataclasses.replace(config, folds=FoldConfig(count=folds), models=models, metric=metric)


def make_project(tmp_path: Path, *settings, is_plan=False, **changes):
    data = tmp_path / "tiny"
    if not data.exists():
        write_competition(data)
    places = Places((tmp_path / "input",), tmp_path / "working", tmp_path / "submissions")
    config = make_config(*settings, **changes)
    return open_project(config, places, Request(data=data, workers=1, is_plan=is_plan))


def runs_of(project):
    return plan_runs(project.config, project.fingerprint.data, project.fingerprint.folds, CPU)


def train_all(project):
    for unit in plan_units(runs_of(project), project.config.seeds, project.folds.count):
        run_unit(project.job(unit), CPU, lambda _: None)
