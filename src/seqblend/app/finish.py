"""The end of a run: what was trained and blended is diagnosed, ranked and reported."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from seqblend.app.doctor import diagnose_runs, write_diagnosis
from seqblend.app.report_data import make_report_data
from seqblend.app.row_checks import check_rows
from seqblend.app.submit import Outcome
from seqblend.core.errors import InputError
from seqblend.core.storage import write_json
from seqblend.diagnosis.record import Diagnosis
from seqblend.reporting.facts.entries import Ranked, rank_entries
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.report import write_report
from seqblend.running.project import Project

Made = TypeVar("Made")
_REPORT_SECONDS = 12.0  # of a budget, kept for the report itself


@dataclass(frozen=True)
class FinishedRun:
    """The results of a run, and where its report is; None: could not be made.

    entries: what could be submitted, ranked
    diagnosis: the doctor's findings; None also where there is no blend or was no time
    """

    data: ReportData | None
    entries: list[Ranked]
    diagnosis: Diagnosis | None
    page: Path | None


def finish_run(
    project: Project,
    outcome: Outcome,
    command: str,
    *,
    note: Callable[[str], None],
    deadline: float | None = None,
) -> FinishedRun | None:
    """Diagnose, rank and report; None where no model is complete.

    A part that fails costs itself alone: `note` says so, failure.json has the traceback.
    command: as it was typed, for the report
    note: called with each check of the doctor before it runs
    deadline: time.monotonic() when everything has to be done; None: no limit
    """
    if not outcome.results:
        return None
    attempt = partial(_attempt, project, note)
    diagnosis = attempt("the doctor's checks", lambda: _diagnose(project, outcome, note, deadline))
    data = attempt("the report", lambda: make_report_data(project, outcome, command, diagnosis))
    entries = attempt("the leaderboard", lambda: rank_entries(data)) if data else None
    if data is None or entries is None:
        return FinishedRun(None, [], diagnosis, None)
    page = attempt(
        "the report",
        lambda: write_report(data, project.workspace.report, entries, attempt),
    )
    return FinishedRun(data, entries, diagnosis, page)


def _attempt(
    project: Project, note: Callable[[str], None], what: str, make: Callable[[], Made]
) -> Made | None:
    """What is made; None where that fails, since the submission stands without it.

    raises: InputError, which says what to change
    """
    try:
        return make()
    except InputError:
        raise
    except Exception as error:  # of whatever kind: it must not cost a finished run's exit code
        path = project.workspace.root / "failure.json"
        write_json(path, {"what": what, "traceback": traceback.format_exc()})
        note(f"warning: {what} could not be made ({type(error).__name__}: {error}); see {path}")
        return None


def _diagnose(
    project: Project, outcome: Outcome, note: Callable[[str], None], deadline: float | None
) -> Diagnosis | None:
    """The doctor's findings; None where there is no blend or no time."""
    until = None if deadline is None else deadline - _REPORT_SECONDS
    if outcome.blend is None or (until is not None and time.monotonic() > until):
        return None
    checks = check_rows(project, note, until)
    blend = outcome.blend.weights, outcome.blend.oof
    return write_diagnosis(project, diagnose_runs(project, outcome.results, blend, checks))
