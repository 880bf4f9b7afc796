"""The pipeline: plan, train, blend, submit; each step also on its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from seqblend.app.early_submission import EarlySubmission
from seqblend.app.progress import TrainingProgress
from seqblend.app.submit import (
    Outcome,
    blend_results,
    by_name,
    describe_submission,
    leaderboard_scores,
)
from seqblend.blending.methods import fit_convex
from seqblend.blending.selection import BlendResult
from seqblend.core.console import Console, duration, say
from seqblend.core.errors import InputError
from seqblend.core.storage import write_json
from seqblend.portfolio.choose import select_members
from seqblend.portfolio.named_models import Selection
from seqblend.running.budget import Estimator, find_finished, make_estimator
from seqblend.running.executors import Event, WorkerPool
from seqblend.running.project import Project
from seqblend.running.results import RunResult, collect_run, finished_runs
from seqblend.running.runs import REMARK, Job, Run, Unit
from seqblend.running.scheduling import Schedule

_RESERVE = 45.0  # seconds of a budget kept for blending, submission and report, at most,
_LEAST_RESERVE = 5.0  # of a shorter one so many and a share more,
_RESERVE_SHARE = 0.08
_LARGEST_SHARE = 0.2  # but never more than this share


@dataclass(frozen=True)
class Plan:
    """What is trained: the selection of members, the units known so far, and those done."""

    selection: Selection
    units: list[Unit]
    done: dict[Unit, dict]
    estimator: Estimator

    @property
    def runs(self) -> list[Run]:
        """The runs that are trained on folds, as far as they are known."""
        return list(self.selection.seeds)

    @property
    def missing(self) -> list[Unit]:
        """Known units that are not done."""
        return [unit for unit in self.units if unit not in self.done]

    def extend(
        self, project: Project, units: list[Unit], note: Callable[[str], None]
    ) -> dict[Unit, dict]:
        """Add units that have become known; those of them that are done."""
        found = find_finished(project, units, self.estimator, note)
        self.units.extend(units)
        self.done.update(found)
        return found


def make_plan(project: Project, console: Console, seconds: float | None = None) -> Plan:
    """The plan of the configuration's models, seeds and folds.

    seconds: that are to be used; None: as the preset has it
    """
    note = partial(say, console, style="yellow")
    plan = Plan(select_members(project, seconds, note), [], {}, make_estimator(project))
    units = plan.selection.first_units()
    while units:
        plan.extend(project, units, note)
        schedule = Schedule([], plan.done, plan.estimator.seconds)
        units = plan.selection.next_units(schedule, note, may_decide=False)
    return plan


def describe_plan(project: Project, plan: Plan) -> str:
    """One line: units, minutes, workers and disk."""
    devices = project.machine.devices
    missing = plan.missing
    likely = [project.job(unit) for unit in (*missing, *plan.selection.likely_units())]
    seconds = Schedule(likely, {}, plan.estimator.seconds).seconds_left(len(devices))
    megabytes = sum(plan.estimator.megabytes(unit) for unit in missing)
    kind = "CPU, one thread each" if devices[0] == "cpu" else ", ".join(sorted(set(devices)))
    units = len(plan.units) + len(likely) - len(missing)
    return (
        f"plan: {units} units ({len(plan.units) - len(missing)} done), about {duration(seconds)}"
        f" on {len(devices)} workers ({kind}), {megabytes:,.0f} MB of disk"
        f"{plan.selection.describe()}"
    )


def run_plan(
    project: Project, plan: Plan, console: Console, *, deadline: float | None, out: Path | None
) -> Outcome:
    """Train what is missing; after every completed run blend again and renew the submission.

    Before a fold 0 is done the submission is constant, before the first run is complete it is that
    of this one fit. While units are left, the blend is replaced by better ones only. The last blend
    is of all runs, so that the submission does not depend on the order in which they were finished.
    deadline: time.monotonic() when everything has to be done; None: no limit
    """
    latest: BlendResult | None = None  # of these runs, whether or not it was submitted
    blended: list[RunResult] = []
    loss = float("nan")  # of their convex blend
    early = EarlySubmission(project, out)

    def update(outcome: Outcome, progress: TrainingProgress, *, is_end: bool) -> None:
        """Blend and submit; where nothing is complete yet, one fit or a constant."""
        nonlocal latest, blended, loss
        if not outcome.results:
            early.renew(outcome, progress)
            return
        if blended is outcome.results and latest is outcome.blend:
            return
        previous = None if is_end else outcome.blend
        blend, submission = blend_results(project, outcome.results, out, previous)
        if submission is not None:
            outcome.blend, outcome.submission = blend, submission
            progress.say(describe_submission(project, outcome), "green")
        before, loss = loss, _convex_loss(project, outcome.results)
        if latest is not None:
            found = {result.name: result.manifest["seeds"] for result in outcome.results}
            plan.selection.observe(found, 1 - loss / before, progress.say)
        latest, blended = blend, outcome.results

    return train_plan(project, plan, console, deadline=deadline, update=update)


def _convex_loss(project: Project, results: list[RunResult]) -> float:
    """The mean loss of the runs' convex blend, which has few weights to fit to the scored rows.

    That of the submitted blend says less of what a run brought: it is chosen by the metric.
    """
    task, scored = project.competition.task, project.fold >= 0
    stack, targets = np.stack([r.oof[scored] for r in results]), project.competition.targets[scored]
    blend = fit_convex(stack, targets, tuple(by_name(results)), task)
    return float(task.losses(targets, blend.apply(stack)).mean())


def blend_finished(
    project: Project, note: Callable[[str], None], models: tuple[str, ...] | None, out: Path | None
) -> Outcome:
    """Blend every finished run of these data and folds (of these models alone, where given)."""
    results = finished_runs(project.workspace, project.fingerprint, note)
    if models is not None:
        results = [result for result in results if result.model in models]
    if not results:
        raise InputError(
            f"no finished run of these data and folds in {project.workspace.root}: "
            "train some first, with ./run.sh or python src/train.py"
        )
    outcome = Outcome(results)
    outcome.blend, outcome.submission = blend_results(project, results, out)
    return outcome


def _fit_units(
    project: Project,
    plan: Plan,
    console: Console,
    *,
    deadline: float | None,
    on_progress: Callable[[TrainingProgress, bool], None],
) -> Schedule:
    """Fit the missing units.

    on_progress: called before the first one, after each that is done, and at the end (True)
    """
    jobs = [project.job(unit) for unit in plan.missing]
    schedule = Schedule(jobs, dict(plan.done), plan.estimator.seconds, deadline)
    devices, metric = project.machine.devices, project.competition.metric
    if not plan.selection.is_open:  # no more workers than units
        devices = devices[: max(len(jobs) + len(plan.selection.likely_units()), 1)]
    with TrainingProgress(console, schedule, metric, len(devices)) as progress:
        schedule.more = partial(_more_jobs, project, plan, progress)
        on_progress(progress, False)
        schedule.pending += schedule.more(schedule)
        if schedule.pending:
            with WorkerPool(devices) as pool:  # which ends what is running when it is left
                for event in pool.run(schedule.next_job, progress.tick, lambda: schedule.is_over):
                    progress.show(event)
                    _record_event(project, plan, schedule, event)
                    if event.kind == "done":
                        on_progress(progress, False)
            schedule.give_up()
        on_progress(progress, True)
    return schedule


def _more_jobs(
    project: Project, plan: Plan, progress: TrainingProgress, schedule: Schedule
) -> list[Job]:
    """Jobs that what is done has made known, and the next that are to pay.

    The latter where nothing waits that is sure to end in time.
    """
    while True:
        may_decide = not schedule.sure()
        units = plan.selection.next_units(schedule, progress.say, may_decide=may_decide)
        found = plan.extend(project, units, progress.say)
        schedule.done |= found
        jobs = [project.job(unit) for unit in units if unit not in found]
        if jobs or not found:  # else all are done: what is next?
            return jobs


def train_plan(
    project: Project,
    plan: Plan,
    console: Console,
    *,
    deadline: float | None,
    update: Callable[..., None] = lambda outcome, progress, *, is_end: None,
) -> Outcome:
    """Fit the missing units.

    update(outcome, progress, is_end=): called at the start, for every run that is complete, and at
        the end
    """
    if deadline is not None:
        left = deadline - time.monotonic()
        deadline -= min(_RESERVE, _LEAST_RESERVE + _RESERVE_SHARE * left, _LARGEST_SHARE * left)
    outcome = Outcome()

    def on_progress(progress: TrainingProgress, is_end: bool) -> None:
        """Collect what is complete, and rank it."""
        is_new = _collect(project, plan, progress.schedule, outcome)
        if is_new or is_end or not outcome.results:
            update(outcome, progress, is_end=is_end)
            progress.leaderboard = leaderboard_scores(project, outcome.results, outcome.blend)

    schedule = _fit_units(project, plan, console, deadline=deadline, on_progress=on_progress)
    outcome.failed = schedule.failed
    outcome.missing = [job.unit for job in schedule.pending]
    return outcome


def _record_event(project: Project, plan: Plan, schedule: Schedule, event: Event) -> None:
    """Update the schedule and the estimator with how a unit ended; keep a failure's traceback."""
    unit, values = event.job.unit, event.values
    if event.kind == "done":
        plan.estimator.observe(unit, values)
        schedule.finish(unit, values)
    elif event.kind == "failed":
        schedule.fail(unit, values["message"])
        if values.get("traceback"):
            write_json(project.workspace.root / "failure.json", {"unit": unit.name, **values})


def _collect(project: Project, plan: Plan, schedule: Schedule, outcome: Outcome) -> bool:
    """Collect runs whose folds are complete; whether there is one more, or one more seed."""
    known = {(result.name, result.manifest["seeds"]): result for result in outcome.results}
    results = []
    for run in plan.runs:
        wanted = plan.selection.seeds[run]
        seeds = schedule.complete_seeds(run, wanted, project.folds.count)
        if seeds:
            found = known.get((run.name, seeds)) or collect_run(
                project.workspace,
                run.name,
                seeds,
                project.fold,
                project.fingerprint,
                project.competition.task,
                remark=REMARK if run.model in project.config.tuned else "",
                recipe=run.recipe.name,
            )
            results.append(found)
    if {(result.name, result.manifest["seeds"]) for result in results} == known.keys():
        return False
    outcome.results = results
    return True


def exit_code(outcome: Outcome) -> int:
    """0 done, 1 a unit failed, 4 the budget was reached."""
    if outcome.failed:
        return 1
    return 4 if outcome.missing else 0
