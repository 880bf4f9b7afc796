"""Tunes one model: study, search, confirmation, verdict and the files that keep them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from seqblend.core.console import Console, say, without_password
from seqblend.core.storage import write_record
from seqblend.evaluation.leaderboard import Candidate, rank
from seqblend.models.registry import entries, entry_for
from seqblend.running.project import Project
from seqblend.running.results import collect_run, finished_runs
from seqblend.running.search_space import DEFAULT_VARY, Space
from seqblend.running.tuned import REMARK
from seqblend.tuning.confirm import SHARE, Confirmed, make_confirmation
from seqblend.tuning.planner import Planner, make_planner, rebuild_study, warm_starts
from seqblend.tuning.search import Search
from seqblend.tuning.search_warnings import importances, make_warnings
from seqblend.tuning.study import DEFAULT, NOISE_REPLICATE, WARM, Study, open_study
from seqblend.tuning.study_storage import open_storage, storage_errors
from seqblend.tuning.trial_run import Rules
from seqblend.tuning.tuning_progress import TuningProgress
from seqblend.tuning.verdict import TuningVerdict, reach_verdict, trial_rows

DEFAULT_MODEL = "bigru"


@dataclass(frozen=True)
class Settings:
    """How to tune.

    trials: their number, None for as many as time allows; seconds: for search and confirmation
    vary: see space.make_space; storage: a file or URL, "" for the default file
    """

    trials: int | None = 30
    seconds: float | None = None
    vary: str = DEFAULT_VARY
    storage: str = ""
    pruner: str = "both"
    is_fresh: bool = False

    @property
    def search_seconds(self) -> float | None:
        """The part of the time that is the search's."""
        return None if self.seconds is None else (1 - SHARE) * self.seconds


def tune_model(project: Project, model: str, settings: Settings, console: Console) -> TuningVerdict:
    """Search, confirm and keep what was found; raises FlagError where the storage fails."""
    began = time.monotonic()

    def note(text: str) -> None:
        say(console, text, "yellow")

    planner = make_planner(project, model, note)
    space = planner.space(settings.vary)
    place = settings.storage or project.workspace.study(planner.study_name(space))
    end = None if settings.seconds is None else began + settings.seconds
    plan, *warnings = planner.plan_lines(space, settings.trials, settings.search_seconds)
    say(console, plan)
    for text in warnings:
        note(text)
    with storage_errors(place):
        study = prepare_study(planner, space, place, settings, note)
        rules = Rules(project, study, settings.pruner)
        confirmed = _search_and_confirm(rules, planner, settings, end, console)
        shares = importances(study)
        verdict = reach_verdict(rules, confirmed)
        if verdict.best is not None:
            notes = make_warnings(study, verdict.best, shares)
            verdict = dataclasses.replace(verdict, notes=notes)
        record = verdict.record() | _describe(planner, space)
        record |= {"storage": without_password(str(place)), "study": study.study.study_name}
        record |= {"importance": shares, "remark": REMARK}
        record["table"] = trial_rows(study, verdict.loss_name)
        record["metric"] = project.competition.metric
    for trial in verdict.members:
        _collect(project, trial)
    write_record(project.workspace.tuned(model), record)
    return verdict


def _search_and_confirm(
    rules: Rules, planner: Planner, settings: Settings, end: float | None, console: Console
) -> list[Confirmed]:
    """The finalists on new folds, best first; empty without time or trials for it."""
    devices = planner.project.machine.devices
    stop = None if end is None else end - settings.seconds + settings.search_seconds
    with TuningProgress(console, rules, settings.trials, stop) as progress:
        update, tick = progress.on_update, progress.tick
        Search(rules, planner.run, settings.trials, stop, update, tick).run(devices)
        confirmation = make_confirmation(rules, planner, end, tick)
        if confirmation is None:
            return []
        progress.confirming(confirmation)
        confirmation.run(devices)
    noise = rules.noise()
    return confirmation.results(noise and noise[0])


def prepare_study(
    planner: Planner,
    space: Space,
    place: str | Path,
    settings: Settings,
    note: Callable[[str], None],
) -> Study:
    """The study, with the unfinished trials of earlier sessions queued again."""
    project = planner.project
    storage = open_storage(place, note)

    def first() -> list:
        warm = [(WARM, values) for values in warm_starts(project, planner.model, space)]
        return [(DEFAULT, space.start), (NOISE_REPLICATE, space.start), *warm]

    name, facts = planner.study_name(space), _describe(planner, space)
    study = open_study(storage, name, facts, space, first, is_fresh=settings.is_fresh)
    if storage.was_unreadable:
        note(f"{rebuild_study(planner, study)} configurations are recovered from finished runs")
    if lost := study.requeue_stale_trials():
        note(f"{lost} trials of a session that was interrupted are queued again")
    return study


def _describe(planner: Planner, space: Space) -> dict[str, Any]:
    """The rows, the model and the space that a study belongs to, as JSON."""
    return {
        "competition": planner.project.competition.name,
        "data": planner.project.fingerprint.data,
        "folds": planner.project.fingerprint.folds,
        "model": planner.model,
        "space": space.to_json(),
    }


def _collect(project: Project, trial: FrozenTrial) -> None:
    """Collect a trial's run for a blend."""
    remark = "" if trial.user_attrs["role"] == DEFAULT else REMARK
    run = trial.user_attrs["run"]
    task = project.competition.task
    collect_run(project.workspace, run, 1, project.fold, project.fingerprint, task, remark=remark)


def best_model(project: Project, models: tuple[str, ...] = ()) -> str:
    """The neural model (of these) with the best finished run, else the first, or bigru."""
    neural = {name for name, entry in entries().items() if entry.kind == "module"}
    wanted = [name for name in models if name in neural] or models
    candidates = [
        Candidate(result.model, result)
        for result in finished_runs(project.workspace, project.fingerprint, lambda _: None)
        if result.model in (wanted or neural)
    ]
    competition = project.competition
    ranked = rank(competition.metric, competition.targets, project.fold, candidates)
    fallback = wanted[0] if wanted else DEFAULT_MODEL
    is_scored = bool(ranked) and ranked[0].pooled is not None
    return ranked[0].name if is_scored else entry_for(fallback).name
