"""The end of a run: what was trained and blended is diagnosed, ranked and reported."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqblend.app.doctor import diagnose_runs, write_diagnosis
from seqblend.app.report_data import make_report_data
from seqblend.app.row_checks import check_rows
from seqblend.app.submit import Outcome
from seqblend.diagnosis.record import Diagnosis
from seqblend.reporting.facts.entries import Ranked, rank_entries
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.report import write_report
from seqblend.running.project import Project

_REPORT_SECONDS = 12.0  # of a budget, kept for the report itself


@dataclass(frozen=True)
class FinishedRun:
    """The results of a run, and where its report is.

    entries: what could be submitted, ranked
    diagnosis: the doctor's findings; None where there is no blend or was no time
    """

    data: ReportData
    entries: list[Ranked]
    diagnosis: Diagnosis | None
    page: Path


def finish_run(
    project: Project,
    outcome: Outcome,
    command: str,
    *,
    note: Callable[[str], None],
    deadline: float | None = None,
) -> FinishedRun | None:
    """Diagnose, rank and report; None where no model is complete.

    command: as it was typed, for the report
    note: called with each check of the doctor before it runs
    deadline: time.monotonic() when everything has to be done; None: no limit
    """
    if not outcome.results:
        return None
    diagnosis = _diagnose(project, outcome, note, deadline)
    data = make_report_data(project, outcome, command, diagnosis)
    entries = rank_entries(data)
    page = write_report(data, project.workspace.report, entries)
    return FinishedRun(data, entries, diagnosis, page)


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
