"""The whole way: plan, train, blend, submit, report; each step also on its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from seqblend.blending import BlendResult, select_blend
from seqblend.budget import Estimator
from seqblend.config import digest
from seqblend.console import Console, Progress, duration, say
from seqblend.errors import InputError
from seqblend.executors import Event, WorkerPool
from seqblend.metrics import METRICS, better
from seqblend.project import Project
from seqblend.results import RunResult, check_probabilities, collect_run, finished_runs
from seqblend.scheduling import Schedule
from seqblend.store import commit_folder, read_finished, write_array, write_json
from seqblend.submission import Submission, write_submission
from seqblend.submission_log import log_submission
from seqblend.units import Run, Unit, plan_runs, plan_units

_RESERVE = 45.0  # seconds of a budget kept for blending, submission and report


@dataclass(frozen=True)
class Plan:
    """The runs and units of a configuration, and which units are already done."""

    runs: list[Run]
    units: list[Unit]
    done: dict[Unit, dict]
    estimator: Estimator

    @property
    def missing(self) -> list[Unit]:
        """Units that are not done."""
        return [unit for unit in self.units if unit not in self.done]


@dataclass
class Outcome:
    """What the whole way came to so far."""

    results: list[RunResult] = field(default_factory=list)
    blend: BlendResult | None = None
    submission: Submission | None = None
    failed: dict[Unit, str] = field(default_factory=dict)
    missing: list[Unit] = field(default_factory=list)


def make_plan(project: Project, console: Console) -> Plan:
    """Which units there are, which of them are done, and what the others will take."""
    device = torch.device(project.machine.devices[0])
    runs = plan_runs(project.config, project.ledger.data, project.ledger.folds, device)
    units = plan_units(runs, project.config.seeds, project.folds.count)
    competition = project.competition
    estimator = Estimator(
        competition.train, competition.test, len(competition.classes), project.folds.count
    )
    done = {}
    for unit in units:
        folder = project.store.root / "runs" / unit.place
        manifest = read_finished(folder, lambda text: say(console, text, "yellow"))
        if manifest is not None:
            done[unit] = manifest
            estimator.observe(unit, manifest)
    return Plan(runs, units, done, estimator)


def describe_plan(project: Project, plan: Plan) -> str:
    """One line: units, minutes, workers and disk."""
    devices = project.machine.devices
    missing = plan.missing
    schedule = Schedule([project.job(u) for u in missing], {}, plan.estimator.seconds)
    seconds = schedule.seconds_left(len(devices)) if missing else 0.0
    megabytes = sum(plan.estimator.megabytes(unit) for unit in missing)
    kind = "CPU, one thread each" if devices[0] == "cpu" else ", ".join(sorted(set(devices)))
    return (
        f"plan: {len(plan.units)} units ({len(plan.done)} done), about {duration(seconds)}"
        f" on {len(devices)} workers ({kind}), {megabytes:,.0f} MB of disk"
    )


def run_plan(
    project: Project, plan: Plan, console: Console, *, budget: float | None, out: Path | None
) -> Outcome:
    """Train what is missing; after every completed run blend again and renew the submission.

    budget: seconds for everything from now on; None: no limit
    """

    def renew(outcome: Outcome, progress: Progress) -> None:
        blend, submission = blend_results(project, outcome.results, out, outcome.blend)
        if submission is not None:
            outcome.blend, outcome.submission = blend, submission
            progress.say(describe_submission(project, outcome), "green")
        progress.board = board_of(project, outcome.results, outcome.blend)

    return _work(project, plan, console, budget, renew)


def train_plan(project: Project, plan: Plan, console: Console, *, budget: float | None) -> Outcome:
    """Train what is missing, and no more."""

    def renew(outcome: Outcome, progress: Progress) -> None:
        progress.board = board_of(project, outcome.results, None)

    return _work(project, plan, console, budget, renew)


def blend_finished(
    project: Project, note: Callable[[str], None], models: tuple[str, ...] | None, out: Path | None
) -> Outcome:
    """Blend every finished run of these data and folds (of these models alone, where given)."""
    results = finished_runs(project.store, project.ledger, note)
    if models is not None:
        results = [result for result in results if result.model in models]
    if not results:
        raise InputError(
            f"no finished run of these data and folds in {project.store.root}: "
            "train some first, with ./run.sh or python src/train.py"
        )
    outcome = Outcome(results)
    outcome.blend, outcome.submission = blend_results(project, results, out)
    return outcome


def _work(
    project: Project, plan: Plan, console: Console, budget: float | None,
    renew: Callable[[Outcome, Progress], None],
) -> Outcome:  # fmt: skip
    """Run the missing units; `renew` is called whenever a further run is complete."""
    deadline = None if budget is None else time.monotonic() + max(budget - _RESERVE, 0.0)
    jobs = [project.job(unit) for unit in plan.missing]
    schedule = Schedule(jobs, dict(plan.done), plan.estimator.seconds, deadline)
    outcome = Outcome()
    devices = project.machine.devices[: max(len(jobs), 1)]
    with Progress(console, schedule, project.competition.metric, len(devices)) as progress:
        if _collect(project, plan, schedule, outcome):
            renew(outcome, progress)
        if jobs:
            with WorkerPool(devices) as pool:
                for event in pool.run(schedule.next_job, progress.tick):
                    progress.event(event)
                    _take_in(project, plan, schedule, event)
                    if event.kind == "done" and _collect(project, plan, schedule, outcome):
                        renew(outcome, progress)
    outcome.failed = schedule.failed
    outcome.missing = [job.unit for job in schedule.pending]
    return outcome


def _take_in(project: Project, plan: Plan, schedule: Schedule, event: Event) -> None:
    """Tell the schedule and the estimator how a unit ended; keep a failure's traceback."""
    unit, values = event.job.unit, event.values
    if event.kind == "done":
        plan.estimator.observe(unit, values)
        schedule.finish(unit, values)
    elif event.kind == "failed":
        schedule.fail(unit, values["message"])
        if values.get("traceback"):
            write_json(project.store.root / "failure.json", {"unit": unit.name, **values})


def _collect(project: Project, plan: Plan, schedule: Schedule, outcome: Outcome) -> bool:
    """Gather runs whose folds are complete; whether there is one more, or one more seed."""
    complete = {}
    for run in plan.runs:
        seeds = 0
        while seeds < project.config.seeds and schedule.is_complete(
            run, seeds, project.folds.count
        ):
            seeds += 1
        if seeds:
            complete[run.name] = seeds
    known = {result.name: result.manifest["seeds"] for result in outcome.results}
    if complete == known:
        return False
    outcome.results = [
        collect_run(project.store, name, seeds, project.fold, project.ledger)
        for name, seeds in complete.items()
    ]
    return True


def describe_submission(project: Project, outcome: Outcome) -> str:
    """One line: where it is, what it is made of, and what to expect of it."""
    blend = outcome.blend
    return (
        f"submission: {outcome.submission.path} ({blend.method} of {len(outcome.results)} models,"
        f" cross-fitted {project.competition.metric} {_text(blend.cross_fitted)})"
    )


def board_of(
    project: Project, results: list[RunResult], blend: BlendResult | None
) -> list[tuple[str, str]]:
    """(name, OOF score) of each run, and the blend's cross-fitted score."""
    metric, rows = METRICS[project.competition.metric], project.fold >= 0
    labels = project.competition.labels[rows]
    board = [(r.model, _text(metric.function(labels, r.oof[rows]))) for r in results]
    return board + ([("blend", _text(blend.cross_fitted))] if blend else [])


def blend_results(
    project: Project,
    results: list[RunResult],
    out: Path | None,
    standing: BlendResult | None = None,
) -> tuple[BlendResult, Submission | None]:
    """Blend the runs; write blend and submission unless the standing blend is better."""
    for result in results:
        check_probabilities(result, project.fold)
    competition = project.competition
    members = distinct_names(results)
    stack = np.stack([result.oof for result in results])
    blend = select_blend(stack, competition.labels, project.fold, competition.metric, members)
    if standing and better(competition.metric, standing.cross_fitted, blend.cross_fitted):
        return standing, None
    test = blend.blend.apply(np.stack([result.test for result in results]))
    name = f"{blend.method}-{digest([r.name for r in results], blend.blend.weights.tolist())[:8]}"
    _write_blend(project, name, blend, results, test)
    return blend, _submit(project, name, blend, test, out)


def distinct_names(results: list[RunResult]) -> tuple[str, ...]:
    """Registry names; a run's folder name where a model is there twice."""
    models = [result.model for result in results]
    return tuple(r.model if models.count(r.model) == 1 else r.name for r in results)


def _write_blend(
    project: Project, name: str, blend: BlendResult, results: list[RunResult], test: np.ndarray
) -> None:
    """blends/<name>/: weights, cross-fitted OOF, test, and the manifest last."""
    folder = project.store.blend(name)
    weights = dict(zip(blend.blend.members, blend.blend.weights.tolist(), strict=True))
    hashes = {"weights.json": write_json(folder / "weights.json", weights)}
    arrays = {"oof.npy": blend.oof, "test.npy": test.astype(np.float32)}
    for file, array in arrays.items():
        hashes[file] = write_array(folder / file, array, "blend")
    manifest = project.ledger.as_dict() | {
        "method": blend.method, "members": [result.name for result in results],
        "metric": project.competition.metric, "cross_fitted": blend.cross_fitted,
        "in_sample": blend.in_sample, "best_single": blend.best_single,
        "best_single_score": blend.best_single_score, "table": blend.table,
    }  # fmt: skip
    commit_folder(folder, manifest, hashes)


def _submit(
    project: Project, name: str, blend: BlendResult, test: np.ndarray, out: Path | None
) -> Submission:
    """Write and check the submission, in every place that wants one."""
    competition, places = project.competition, project.places
    path = places.submissions / f"{competition.name}-{name}.csv"
    extra = [place for place in (places.extra_submission, out) if place is not None]
    for place in (*extra, path):
        submission = write_submission(
            place, competition.form, competition.classes, competition.test_ids, test
        )
    log_submission(
        places.submissions / "log.csv", path.name, submission.rows, submission.sha256,
        competition=competition.name, metric=competition.metric, cross_fitted=blend.cross_fitted,
    )  # fmt: skip
    return submission


def _text(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def exit_code(outcome: Outcome) -> int:
    """0 done, 1 a unit failed, 4 the budget was reached."""
    if outcome.failed:
        return 1
    return 4 if outcome.missing else 0
