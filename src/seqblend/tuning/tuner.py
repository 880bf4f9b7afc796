"""Tuning from beginning to end: study, search, confirmation, and what is kept of it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqblend.core.console import Console, say
from seqblend.evaluation.leaderboard import Candidate, rank
from seqblend.models.registry import entries, entry_for
from seqblend.reporting.sections.tuning_section import write_tuning
from seqblend.running.project import Project
from seqblend.running.results import collect_run, finished_runs
from seqblend.running.tuned import REMARK, write_tuned
from seqblend.tuning.confirm import SHARE, Confirmed, make_confirmation
from seqblend.tuning.planner import Planner, make_planner
from seqblend.tuning.replay import Replay, replay
from seqblend.tuning.search import Search
from seqblend.tuning.search_warnings import importances, warn_of
from seqblend.tuning.space import USUAL, Space
from seqblend.tuning.study import DEFAULT, NOISE_REPLICATE, WARM, Study, open_study
from seqblend.tuning.study_storage import open_storage, shown, storage_errors
from seqblend.tuning.trial_run import Rules
from seqblend.tuning.trial_table import table_of
from seqblend.tuning.tuning_progress import Progress
from seqblend.tuning.verdict import Verdict, reach_verdict
from seqblend.tuning.warm_start import rebuild, warm_starts

USUAL_MODEL = "bigru"


@dataclass(frozen=True)
class Settings:
    """How to tune.

    trials: how many are to have ended, None for as many as time allows; seconds: for everything
    vary: see space.make_space; storage: a file or URL, "" for the usual place
    """

    trials: int | None = 30
    seconds: float | None = None
    vary: str = USUAL
    storage: str = ""
    pruner: str = "both"
    is_fresh: bool = False

    @property
    def search_seconds(self) -> float | None:
        """What the confirmation leaves to the search."""
        return None if self.seconds is None else (1 - SHARE) * self.seconds


def tune_model(project: Project, model: str, settings: Settings, console: Console) -> Verdict:
    """Search, confirm and keep what was found; raises FlagError where the storage refuses."""
    began = time.monotonic()

    def note(text: str) -> None:
        say(console, text, "yellow")

    planner = make_planner(project, model, note)
    space = planner.space(settings.vary)
    place = settings.storage or project.workspace.study(planner.study_name(space))
    end = None if settings.seconds is None else began + settings.seconds
    plan, *warnings = planner.foresee(space, settings.trials, settings.search_seconds)
    say(console, plan)
    for text in warnings:
        note(text)
    with storage_errors(place):
        study = begin_study(planner, space, place, settings, note)
        rules = Rules(project, study, settings.pruner)
        confirmed = _search_and_confirm(rules, planner, settings, end, console)
        shares = importances(study)
        verdict = reach_verdict(rules, confirmed)
        if verdict.best is not None:
            notes = warn_of(study, verdict.best, shares)
            verdict = dataclasses.replace(verdict, notes=notes)
        facts = {
            "storage": shown(place),
            "study": study.study.study_name,
            "importance": shares,
            "table": table_of(study),
            "space": space.described(),
        }
    _keep(planner, verdict, facts)
    return verdict


def replay_study(
    project: Project, model: str, settings: Settings, console: Console
) -> Replay | None:
    """What pruning would have done to the study's unpruned trials; nothing is fitted."""
    planner = make_planner(project, model, lambda text: say(console, text, "yellow"))
    space = planner.space(settings.vary)
    place = settings.storage or project.workspace.study(planner.study_name(space))
    with storage_errors(place):
        study = begin_study(planner, space, place, settings, lambda _: None)
        return replay(Rules(project, study))


def _search_and_confirm(
    rules: Rules, planner: Planner, settings: Settings, end: float | None, console: Console
) -> list[Confirmed]:
    """The finalists on new folds, best first; nothing where time or trials did not allow it."""
    devices = planner.project.machine.devices
    stop = None if end is None else end - settings.seconds + settings.search_seconds
    with Progress(console, rules, settings.trials, stop) as progress:
        Search(rules, planner.run, settings.trials, stop, progress.on_update, progress.tick).run(
            devices
        )
        confirmation = make_confirmation(rules, planner, end, progress.tick)
        if confirmation is None:
            return []
        progress.confirming(confirmation)
        confirmation.run(devices)
    noise = rules.noise()
    return confirmation.results(noise and noise[0])


def begin_study(
    planner: Planner,
    space: Space,
    place: str | Path,
    settings: Settings,
    note: Callable[[str], None],
) -> Study:
    """The study, with what an earlier session left in it put right."""
    project = planner.project
    storage, was_lost = open_storage(place, note)
    facts = {
        "competition": project.competition.name,
        "data": project.fingerprint.data,
        "folds": project.fingerprint.folds,
        "model": planner.model,
        "space": space.described(),
    }

    def first() -> list:
        warm = [(WARM, values) for values in warm_starts(project, planner.model, space)]
        return [(DEFAULT, space.start), (NOISE_REPLICATE, space.start), *warm]

    study = open_study(
        storage, place, planner.study_name(space), facts, space, first, is_fresh=settings.is_fresh
    )
    if was_lost:
        note(f"{rebuild(planner, study)} configurations are known from finished runs")
    if lost := study.requeue_stale_trials():
        note(f"{lost} trials of a session that was interrupted are queued again")
    return study


def _keep(planner: Planner, verdict: Verdict, facts: dict[str, Any]) -> None:
    """tuned/<model>.json, pictures, and the best trial's and the default's runs for a blend."""
    project = planner.project
    for trial in verdict.members:
        run = trial.user_attrs["run"]
        remark = REMARK if trial.user_attrs["role"] != DEFAULT else ""
        collect_run(project.workspace, run, 1, project.fold, project.fingerprint, remark=remark)
    record = (
        verdict.record()
        | facts
        | {
            "model": planner.model,
            "data": project.fingerprint.data,
            "folds": project.fingerprint.folds,
            "remark": REMARK,
            "metric": project.competition.metric,
        }
    )
    write_tuned(project.workspace, planner.model, record)
    write_tuning(record, project.workspace.report)


def best_model(project: Project, models: tuple[str, ...] = ()) -> str:
    """The neural model (of these) whose finished run is best so far, else the first, or bigru."""
    neural = {name for name, entry in entries().items() if entry.kind == "module"}
    wanted = [name for name in models if name in neural] or models
    candidates = [
        Candidate(result.model, result)
        for result in finished_runs(project.workspace, project.fingerprint, lambda _: None)
        if result.model in (wanted or neural)
    ]
    competition = project.competition
    ranked = rank(competition.metric, competition.labels, project.fold, candidates)
    usual = wanted[0] if wanted else USUAL_MODEL
    is_scored = bool(ranked) and ranked[0].pooled is not None
    return ranked[0].name if is_scored else entry_for(usual).name
