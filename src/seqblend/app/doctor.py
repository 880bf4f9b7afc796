"""The doctor: every check of a competition's rows and finished runs, written to one file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seqblend.app.row_checks import check_rows
from seqblend.app.submit import by_name
from seqblend.blending.methods import NEGLIGIBLE
from seqblend.core.storage import write_json
from seqblend.diagnosis.cards import make_cards
from seqblend.diagnosis.forecasts import check_confidence
from seqblend.diagnosis.holdouts import fit_hold_out, read_hold_outs
from seqblend.diagnosis.mislabelled import check_labels
from seqblend.diagnosis.record import Diagnosis, to_plain
from seqblend.diagnosis.shakeup import forecast_shake_up
from seqblend.evaluation.check import Check
from seqblend.evaluation.leaderboard import Candidate, LeaderboardRow, rank
from seqblend.running.project import Project
from seqblend.running.results import RunResult, finished_runs, largest_blend

Weights = dict[str, float]  # of the blend's members, by name


def run_diagnostics(
    project: Project, warn: Callable[[str], None], note: Callable[[str], None] = lambda _: None
) -> Diagnosis:
    """Check the rows, then the finished runs; the findings go to diagnosis.json too.

    warn: called with what is damaged; note: called with each check that takes its time
    """
    results = finished_runs(project.workspace, project.fingerprint, warn)
    checks = check_rows(project, note)
    if results:
        blend = largest_blend(project.workspace, project.fingerprint, warn)
        return write_diagnosis(project, diagnose_runs(project, results, blend, checks))
    if project.competition.task.has_classes:
        note("no finished run: fitting a linear model")
        part = fit_hold_out(project.competition, project.fold)
        checks = [*checks, check_confidence("a linear model", [part])]
    return write_diagnosis(project, Diagnosis(checks))


def write_diagnosis(project: Project, diagnosis: Diagnosis) -> Diagnosis:
    """Write diagnosis.json; returns the diagnosis."""
    fingerprint = project.fingerprint.as_dict()
    write_json(project.workspace.diagnosis, to_plain(diagnosis) | {"fingerprint": fingerprint})
    return diagnosis


def diagnose_runs(
    project: Project,
    results: list[RunResult],
    blend: tuple[Weights, np.ndarray] | None,
    checks: list[Check],
) -> Diagnosis:
    """The checks of finished runs, the shake-up and the members' cards.

    blend: ({member: weight}, oof float [n, c]); None: the best run is taken for it
    """
    competition, fold, targets = project.competition, project.fold, project.competition.targets
    task, runs = competition.task, by_name(results)
    candidates = [Candidate(name, run) for name, run in runs.items()]
    ranked = rank(task.loss_metric, targets, fold, candidates)  # no ties, and how sure a run is
    rows, best = fold >= 0, ranked[0]
    two = best_two([row.record for row in ranked], blend)
    weights, blended = blend or ({best.name: 1.0}, best.record.oof)
    stack = np.stack([run.oof for run in runs.values()])
    of_classes = _check_classes(project, runs, best) if task.has_classes else []
    return Diagnosis(
        [*checks, *of_classes],
        shake_up=forecast_shake_up(
            targets[rows],
            *(None if oof is None else oof[rows] for oof in two),
            competition.metric,
            len(competition.test_ids),
        ),
        cards=make_cards(tuple(runs), stack, targets, fold, blended, weights, task),
    )


def _check_classes(
    project: Project, runs: dict[str, RunResult], best: LeaderboardRow[RunResult]
) -> list[Check]:
    """Confidence of every run on test rows, and the best one's suspected label errors."""
    competition, labels = project.competition, project.competition.targets
    parts = {
        name: read_hold_outs(project.workspace, run, labels, project.fold)
        for name, run in runs.items()
        if run.manifest.get("units")  # a member from a file has none
    }
    confidences = [check_confidence(name, own) for name, own in parts.items()]
    errors = check_labels(best.name, labels, best.record.oof, competition.train_ids)
    return [*confidences, errors]


def best_two(
    ranked: list[RunResult], blend: tuple[Weights, np.ndarray] | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """float [n, c] of the two best submissions: a blend of several, then the runs by their rank."""
    weights, oof = blend or ({}, None)
    several = [oof] if sum(abs(weight) >= NEGLIGIBLE for weight in weights.values()) > 1 else []
    best = [*several, *(result.oof for result in ranked), None]
    return best[0], best[1]
