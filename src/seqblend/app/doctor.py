"""The doctor's visit: every check of a competition's rows and finished runs, kept as one file."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seqblend.app.row_checks import check_rows
from seqblend.app.submit import Outcome, distinct_names
from seqblend.blending.methods import NEGLIGIBLE
from seqblend.core.storage import read_json, write_json
from seqblend.data.demo import BEST
from seqblend.diagnosis.cards import make_cards, member_gaining_most_from_seeds, prediction_std
from seqblend.diagnosis.forecasts import check_classes, check_confidence
from seqblend.diagnosis.holdouts import HoldOut, fit_hold_out, read_hold_outs
from seqblend.diagnosis.mislabelled import check_labels
from seqblend.diagnosis.record import Diagnosis, to_plain
from seqblend.diagnosis.shakeup import forecast_shake_up
from seqblend.diagnosis.variance import RESAMPLES, measure_variance
from seqblend.evaluation.check import Check
from seqblend.evaluation.leaderboard import Candidate, rank
from seqblend.evaluation.paired import compare_out_of_fold
from seqblend.running.project import Project
from seqblend.running.results import RunResult, finished_runs, standing_blend


def run_diagnostics(
    project: Project, note: Callable[[str], None], tell: Callable[[str], None] = lambda _: None
) -> Diagnosis:
    """RowCheck at the rows, then at the finished runs; what is found goes to diagnosis.json too.

    note: hears of what is damaged; tell: what is looked at, before a look that takes its time
    """
    results = finished_runs(project.workspace, project.fingerprint, note)
    checks = check_rows(project, tell)
    if results:
        blend = standing_blend(project.workspace, project.fingerprint, note)
        return keep(project, diagnose_runs(project, results, blend, checks))
    tell("fitting a linear model, for want of finished runs")
    part = fit_hold_out(project.competition, project.fold)
    forecasts = _forecast(project, {"a linear model": [part]}, "a linear model")
    return keep(project, Diagnosis(checks + forecasts))


def diagnose_outcome(
    project: Project, outcome: Outcome, tell: Callable[[str], None], deadline: float | None
) -> Diagnosis:
    """The same of what a session trained and blended, for its report.

    deadline: time.monotonic() from which on no further look at the rows begins; None: no limit
    """
    chosen = outcome.blend.blend
    weights = dict(zip(chosen.members, chosen.weights.tolist(), strict=True))
    checks = check_rows(project, tell, deadline)
    blend = weights, outcome.blend.oof
    return keep(project, diagnose_runs(project, outcome.results, blend, checks))


def keep(project: Project, diagnosis: Diagnosis) -> Diagnosis:
    """Write diagnosis.json."""
    write_json(
        project.workspace.diagnosis,
        to_plain(diagnosis) | {"fingerprint": project.fingerprint.as_dict()},
    )
    return diagnosis


def _forecast(project: Project, parts: dict[str, list[HoldOut]], best: str | None) -> list[Check]:
    """Each model's confidence, and the best one's view of the classes' shares."""
    checks = [check_confidence(name, each) for name, each in parts.items()]
    return checks + ([check_classes(parts[best], project.competition.classes)] if best else [])


def diagnose_runs(
    project: Project,
    results: list[RunResult],
    blend: tuple[dict[str, float], np.ndarray] | None,
    checks: list[Check],
) -> Diagnosis:
    """The checks of finished runs, the variance fingerprint, the shake-up and the members' cards.

    blend: ({member: weight}, oof float [n, c]); None: the best run stands for it
    """
    competition, fold = project.competition, project.fold
    labels, metric = competition.labels, competition.metric
    names = distinct_names(results)
    parts = {
        name: read_hold_outs(project.workspace, result, labels, fold)
        for name, result in zip(names, results, strict=True)
        if result.manifest.get("units")  # a member from a file has none
    }
    candidates = [Candidate(name, run) for name, run in zip(names, results, strict=True)]
    ranked = rank("log_loss", labels, fold, candidates)  # no ties, and it sees how sure a run is
    best, best_oof = ranked[0].name, ranked[0].record.oof
    second = {n for n, r in zip(names, results, strict=True) if r.manifest.get("pseudo")}
    new = {name: parts[name] for name in parts if name not in second}  # those learnt no test rows
    checks = checks + _forecast(project, new, best if best in new else next(iter(new), None))
    checks.append(check_labels(
        best, labels, best_oof, competition.train_ids, competition.classes,
        _planted(project),
    ))  # fmt: skip
    rows = fold >= 0
    gains = {
        other.name: compare_out_of_fold(
            metric,
            labels[rows],
            fold[rows],
            best_oof[rows].astype(np.float64),
            other.record.oof[rows].astype(np.float64),
            resamples=RESAMPLES,
        )
        for other in ranked[1:]
    }
    first, second = (
        None if p is None else p[rows] for p in best_two([row.record for row in ranked], blend)
    )
    weights, blended = blend or ({best: 1.0}, best_oof)
    cards = make_cards(
        names, np.stack([result.oof for result in results]), labels, fold, blended, weights,
        prediction_std=[prediction_std(parts.get(name, [])) for name in names],
        seconds=[r.manifest.get("seconds", 0.0) / r.manifest.get("seeds", 1) for r in results],
    )  # fmt: skip
    return Diagnosis(
        checks,
        variance=measure_variance(list(parts.values()), metric, project.folds.count),
        best=best,
        gains={name: gain for name, gain in gains.items() if gain is not None},
        shake_up=forecast_shake_up(labels[rows], first, second, metric, len(competition.test_ids)),
        cards=cards,
        seeds_for=member_gaining_most_from_seeds(cards, _trained(names, results)),
    )


def best_two(
    ranked: list[RunResult], blend: tuple[dict[str, float], np.ndarray] | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """float [n, c] of the two best submissions: a blend of several, then the runs by their rank."""
    weights, oof = blend or ({}, None)
    several = [oof] if sum(abs(weight) >= NEGLIGIBLE for weight in weights.values()) > 1 else []
    best = [*several, *(result.oof for result in ranked), None]
    return best[0], best[1]


def _trained(names: tuple[str, ...], results: list[RunResult]) -> set[str]:
    """The members that are trained by epochs: another seed gives others."""
    pairs = zip(names, results, strict=True)
    return {name for name, result in pairs if any(result.manifest.get("epochs", []))}


def _planted(project: Project) -> np.ndarray | None:
    """int64 [k]: training rows whose label is known to be wrong, where a demo's maker left them."""
    path = project.files.train.parent / BEST
    wrong = read_json(path).get("wrong_labels") if path.is_file() else None
    if wrong is None:
        return None
    return np.flatnonzero(np.isin(project.competition.train_ids, [str(each) for each in wrong]))
