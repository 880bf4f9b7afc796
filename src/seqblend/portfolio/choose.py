"""The selection that a configuration asks for, and the pilots' predictions that it needs."""

from __future__ import annotations

from seqblend.core.storage import read_array, read_json
from seqblend.data.folds import inner_split, split
from seqblend.portfolio.catalogue import ORDER, PRESETS
from seqblend.portfolio.gains import PilotBlends
from seqblend.portfolio.named_models import Group, NamedModels, Note, Selection
from seqblend.portfolio.portfolio import Portfolio
from seqblend.portfolio.recipes import RunMaker
from seqblend.portfolio.steps import Decisions
from seqblend.running.budget import make_estimator
from seqblend.running.project import Project
from seqblend.running.runs import PILOT, PilotResult, Run, Unit


def select_members(project: Project, seconds: float | None, note: Note) -> Selection:
    """Members chosen for the time that there is, or all that the configuration names.

    seconds: that are to be used; None: as the preset has it
    """
    config, maker = project.config, RunMaker(project, project.precisions(note))
    groups = make_groups(maker)
    runs = [run for group in groups for run in group.runs]
    if not config.preset or any(run.kind != "linear" and not run.has_pilot for run in runs):
        return NamedModels(groups, config.seeds, project.folds.count)
    path = project.workspace.decisions
    portfolio = Portfolio(
        sorted(runs, key=_place),
        config.seeds,
        project.folds.count,
        len(project.machine.devices),
        PRESETS[config.preset] if seconds is None else seconds,
        make_estimator(project).seconds,
        lambda runs: load_pilots(project, runs),
        Decisions.read(path, note),
        maker,
    )
    if portfolio.left_out:
        note(
            f"left out for lack of time: {', '.join(portfolio.left_out)} (--budget, --preset best)"
        )
    return portfolio


def _place(run: Run) -> int:
    """Where the run stands in the learned order; behind it where it is not in it."""
    return ORDER.index(run.title) if run.title in ORDER else len(ORDER)


def make_groups(maker: RunMaker) -> list[Group]:
    """The runs of each model, one for each recipe that is worth comparing, in the models' order."""
    config = maker.project.config
    runs = {run.model: run for run in maker.project.runs_of(config, maker.resolved)}
    return [Group(maker.with_recipes(runs[model])) for model in config.models]


def load_pilots(project: Project, runs: list[Run]) -> PilotBlends:
    """What the runs' pilots predicted for the rows that validated them, with their temperatures."""
    competition = project.competition
    strata = competition.task.strata(competition.targets)
    train, _ = split(project.fold, 0)
    _, rows = inner_split(strata, train, 0, project.folds.keys)
    arrays = {}
    for run in runs:
        folder = project.job(Unit(run, 0, PILOT)).folder
        array, manifest = read_array(folder / "valid.npy"), read_json(folder / "manifest.json")
        if run.kind != "linear":  # whose predictions are scaled already
            temperature = PilotResult.of(manifest).temperature
            array = competition.task.apply_temperature(array, temperature)
        arrays[run] = array
    return PilotBlends(competition.task, competition.targets[rows], arrays)
