"""The members of a blend fitted once more, on all rows: further fits for the submission."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from seqblend.app.pipeline import Plan, describe_plan, train_plan
from seqblend.app.submit import Outcome, describe_submission, submit_blend, used_results
from seqblend.core.console import Console, duration, say
from seqblend.portfolio.named_models import UnitsAlone
from seqblend.running.project import Project
from seqblend.running.runs import REFIT, Unit
from seqblend.running.scheduling import Schedule


def deadline_before_refit(project: Project, deadline: float | None) -> float | None:
    """When the folds have to be done so that a fit on all rows is in time.

    deadline: time.monotonic() when everything has to be done; None: no limit
    """
    if deadline is None:
        return None
    return deadline - (deadline - time.monotonic()) / max(project.folds.count, 2)


def refit_members(
    project: Project,
    plan: Plan,
    outcome: Outcome,
    console: Console,
    *,
    deadline: float | None,
    out: Path | None,
) -> None:
    """Fit what the blend gives a weight on all rows, and submit the mean over folds and this fit.

    Nothing out of fold scores these fits, so weights and scores stay those of the folds. Where one
    is missing, for lack of time or since it failed, the submission stays as it is.
    plan: what trained the members
    """
    if outcome.blend is None:
        return
    note = partial(say, console, style="yellow")
    names = {result.name for result in used_results(outcome.results, outcome.blend)}
    units = [Unit(run, 0, REFIT) for run in plan.runs if run.name in names]
    further = Plan(UnitsAlone(units), [], dict(plan.done), plan.estimator)
    further.extend(project, further.selection.first_units(), note)
    if not further.missing:  # an earlier session had the time: the submission has them
        return
    say(console, f"on all rows: {describe_plan(project, further)}", "bold")
    jobs = [project.job(unit) for unit in further.missing]
    needed = Schedule(jobs, {}, plan.estimator.seconds).seconds_left(len(project.machine.devices))
    if deadline is not None and time.monotonic() + needed > deadline:
        outcome.missing += further.missing
        note(f"no time for it: {duration(needed)} are needed. The submission is that of the folds")
        return
    found = train_plan(project, further, console, deadline=deadline)
    outcome.failed |= found.failed
    outcome.missing += found.missing
    if found.failed or found.missing:
        note("not every member has a fit on all rows: the submission is that of the folds")
        return
    outcome.blend, outcome.submission = submit_blend(project, outcome.results, outcome.blend, out)
    say(console, describe_submission(project, outcome), "green")
