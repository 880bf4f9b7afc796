"""Tuning from beginning to end: space, study, search, confirmation, and what is kept of it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from seqblend.config import digest
from seqblend.console import Console, say
from seqblend.errors import FlagError, suggest
from seqblend.models.registry import entries, entry_for
from seqblend.precision import settle_precision
from seqblend.project import Project
from seqblend.runs import Run, sources_of
from seqblend.sources import code_digest
from seqblend.tuned import is_given, plan_tuned_runs
from seqblend.tuning.course import PRUNERS, Rules
from seqblend.tuning.progress import Progress
from seqblend.tuning.search import Search
from seqblend.tuning.space import Space, Values, make_space
from seqblend.tuning.storage import open_storage, storage_errors
from seqblend.tuning.study import AGAIN, DEFAULT, Study, open_study

CONFIRMING = 0.3  # share of the time for running the best again


@dataclass(frozen=True)
class Settings:
    """How to tune.

    trials: how many are to have ended, None for as many as time allows; seconds: for everything
    vary: see space.make_space; storage: a file or URL, "" for the usual place
    """

    trials: int | None = 30
    seconds: float | None = None
    vary: str = "train,options"
    storage: str = ""
    pruner: str = "both"
    is_fresh: bool = False


@dataclass(frozen=True)
class Planner:
    """From values to runs, for one model of a project."""

    project: Project
    model: str
    settled: dict[str, str]

    def run(self, values: Values) -> Run:
        """The run with these values; the very one that the whole way makes with them."""
        project = self.project
        config = dataclasses.replace(
            project.config, models=(self.model,), tuned={self.model: values}
        )
        return plan_tuned_runs(
            config, project.ledger.data, project.ledger.folds,
            torch.device(project.machine.devices[0]), settled=self.settled,
            embedding=project.embedding.use,
        )[0]  # fmt: skip


def tune_model(project: Project, model: str, settings: Settings, console: Console) -> None:
    """Search, confirm and keep what was found."""
    began = time.monotonic()
    note = _noting(console)
    planner = make_planner(project, model, note)
    space = space_of(project, model, settings.vary)
    place = settings.storage or project.store.study(study_name(planner, space))
    with storage_errors(place):
        study = begin_study(planner, space, settings, note)
        rules = Rules(project, study, settings.pruner)
        share = 1 - CONFIRMING
        deadline = None if settings.seconds is None else began + share * settings.seconds
        with Progress(console, rules, settings.trials, deadline) as progress:
            search = Search(
                rules, planner.run, settings.trials, deadline, progress.ended, progress.tick
            )
            search.run(project.machine.devices)


def _noting(console: Console) -> Callable[[str], None]:
    return lambda text: say(console, text, "yellow")


def make_planner(project: Project, model: str, note: Callable[[str], None]) -> Planner:
    """The planner; its precision is settled as for the whole way."""
    settled = {}
    if project.config.train.precision == "auto":
        device = torch.device(project.machine.devices[0])
        settled = settle_precision(project.store.machine, (model,), device, note)
    return Planner(project, model, settled)


def space_of(project: Project, model: str, vary: str) -> Space:
    """What is searched; what the user has set stays, and the width that given vectors have."""
    usual = make_space(project.config, model, "train,options,vocabulary,embedding")
    fixed = {k.name for k in usual.knobs if is_given(project.config, model, k.name)}
    entry = entry_for(model)
    has_vectors = bool(project.embedding.use) and entry.kind == "module" and entry.takes_vectors
    return make_space(project.config, model, vary, fixed, width=not has_vectors)


def study_name(planner: Planner, space: Space) -> str:
    """`<model>-<digest>` of all that a trial's value depends on."""
    run = planner.run(space.start)
    code = code_digest(sources_of(entry_for(planner.model)))
    return f"{planner.model}-{digest(run.name, space.described(), code)[:12]}"


def begin_study(
    planner: Planner, space: Space, settings: Settings, note: Callable[[str], None]
) -> Study:
    """The study, with what an earlier session left in it put right."""
    project, name = planner.project, study_name(planner, space)
    place = settings.storage or project.store.study(name)
    storage, _ = open_storage(place, note)
    facts = project.ledger.as_dict() | {
        "data": project.ledger.data, "competition": project.competition.name,
        "model": planner.model, "space": space.described(),
    }  # fmt: skip
    study = open_study(storage, place, name, facts, space, is_fresh=settings.is_fresh)
    study.first = [(DEFAULT, space.start), (AGAIN, space.start)]
    lost = study.heal()
    if lost:
        note(f"{lost} trials of a session that was interrupted are queued again")
    return study


def check_model(model: str) -> None:
    """FlagError where there is no such model."""
    if model not in entries():
        raise FlagError(f"no model '{model}'{suggest(model, entries(), 'Models')}")


def check_pruner(pruner: str) -> None:
    """FlagError where there is no such pruner."""
    if pruner not in PRUNERS:
        raise FlagError(f"--pruner expects {', '.join(PRUNERS)}, got '{pruner}'")
