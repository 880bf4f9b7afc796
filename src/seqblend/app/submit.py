"""The blend of finished runs, its files, and the submission."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seqblend.blending.fold_average import FoldAverage, average_folds
from seqblend.blending.forecast import forecast_score
from seqblend.blending.selection import BlendResult, select_blend
from seqblend.blending.submission import Submission, write_submission
from seqblend.blending.submission_log import log_submission
from seqblend.core.config import digest
from seqblend.core.console import shorten
from seqblend.core.provenance import git_commit
from seqblend.core.storage import commit_folder, write_array, write_json, write_record
from seqblend.core.versions import package_versions
from seqblend.evaluation.leaderboard import Candidate, rank
from seqblend.evaluation.metrics import better
from seqblend.evaluation.score_text import score_format
from seqblend.running.project import Project
from seqblend.running.results import (
    MADE_BY,
    RunResult,
    are_refitted,
    check_result,
    read_test_stacks,
)
from seqblend.running.runs import Unit

_RECORDED = (  # of a blend, in its manifest
    *("method", "table", "nested", "cross_fitted", "in_sample"),
    *("best_single", "best_single_score"),
)


@dataclass
class Outcome:
    """What has been trained, blended and submitted so far."""

    results: list[RunResult] = field(default_factory=list)
    blend: BlendResult | None = None
    submission: Submission | None = None
    failed: dict[Unit, str] = field(default_factory=dict)
    missing: list[Unit] = field(default_factory=list)


def describe_submission(project: Project, outcome: Outcome) -> str:
    """One line: where it is, what it is made of, and what to expect of it."""
    blend = outcome.blend
    n, metric = len(outcome.results), project.competition.metric
    models = f"{n} models" if n > 1 else "1 model"
    return (
        f"submission: {shorten(outcome.submission.path)} ({blend.method} of {models},"
        f" cross-fitted {metric} {score_format(metric)(blend.cross_fitted)};"
        f" {describe_forecast(metric, blend.nested)})"
    )


def describe_forecast(metric: str, nested: dict[str, Any]) -> str:
    """`expected on the test rows 0.8712, 95 % 0.8603 to 0.8821`; nested: see BlendResult."""
    if "forecast_middle" not in nested:
        return "no forecast for the test rows"
    form = score_format(metric)
    middle, low, high = (form(nested[f"forecast_{name}"]) for name in ("middle", "low", "high"))
    return f"expected on the test rows {middle}, 95 % {low} to {high}"


def leaderboard_scores(
    project: Project, results: list[RunResult], blend: BlendResult | None
) -> list[tuple[str, str]]:
    """(name, score) of the runs, out of fold, and of the blend, cross-fitted; the best first."""
    candidates: list[Candidate[RunResult | BlendResult]] = [
        Candidate(name, result) for name, result in by_name(results).items()
    ]
    if blend is not None:
        candidates.append(Candidate("blend", blend, is_blend=True, score=blend.cross_fitted))
    competition = project.competition
    rows = rank(competition.metric, competition.targets, project.fold, candidates)
    form = score_format(competition.metric)
    return [(row.name, form(row.pooled)) for row in rows]


def blend_results(
    project: Project,
    results: list[RunResult],
    out: Path | None,
    previous: BlendResult | None = None,
) -> tuple[BlendResult, Submission | None]:
    """Blend the runs; write blend and submission (else None) unless the previous is better."""
    for result in results:
        check_result(result, project.fold, project.fingerprint, project.competition.task)
    competition = project.competition
    members = tuple(by_name(results))
    stack = np.stack([result.oof for result in results])
    blend = select_blend(
        stack,
        competition.targets,
        project.fold,
        competition.metric,
        members,
        competition.task,
    )
    if previous and better(competition.metric, previous.cross_fitted, blend.cross_fitted):
        return blend, None
    return submit_blend(project, results, blend, out)


def submit_blend(
    project: Project, results: list[RunResult], blend: BlendResult, out: Path | None
) -> tuple[BlendResult, Submission]:
    """Write a blend of the runs, with the forecast of its test score, and its submission."""
    average = predict_test(project, results, blend)
    facts = {"refit": len(average.fits) > project.folds.count} | _forecast(project, blend, average)
    blend = dataclasses.replace(blend, nested=blend.nested | facts)
    name = f"{blend.method}-{_digest(blend, results, len(average.fits))}"
    _write_blend(project, name, blend, results, average)
    submission = write_everywhere(project, name, blend, average.test, fixed_places(project, out))
    write_record(project.workspace.submitted, {"blend": name})
    return blend, submission


def used_results(results: list[RunResult], blend: BlendResult) -> list[RunResult]:
    """The runs that the blend gives a weight. results: its members"""
    return [results[j] for j in np.flatnonzero(blend.blend.weights)]


def predict_test(project: Project, results: list[RunResult], blend: BlendResult) -> FoldAverage:
    """The blend's test predictions, from those of its members' fits. results: its members

    Those of the fits on all rows are among them, where each member that was trained here has one.
    """
    competition, weights = project.competition, blend.blend.weights
    used, members = np.flatnonzero(weights), used_results(results, blend)
    names = tuple(blend.blend.members[j] for j in used)
    part = dataclasses.replace(blend.blend, weights=weights[used], members=names)
    refit = are_refitted(project.workspace, members)
    stacks = read_test_stacks(project.workspace, members, project.folds.count, refit=refit)
    return average_folds(
        dataclasses.replace(blend, blend=part), competition.metric, competition.targets, stacks
    )


def _forecast(project: Project, blend: BlendResult, average: FoldAverage) -> dict[str, Any]:
    """The forecast of the blend's score on the test rows, as it is recorded; empty without one."""
    metric, targets = project.competition.metric, project.competition.targets
    forecast = forecast_score(metric, blend, targets, len(average.test), average.gain)
    return {} if forecast is None else forecast.record()


def _digest(blend: BlendResult, results: list[RunResult], fits: int) -> str:
    """8 hex digits of the members, in any order, weights, adjustments and number of fits."""
    chosen = blend.blend
    bias = None if chosen.bias is None else chosen.bias.tolist()
    adjustment = chosen.adjustment and chosen.adjustment.record()
    members = sorted((r.name, w) for r, w in zip(results, chosen.weights.tolist(), strict=True))
    return digest(members, bias, adjustment, fits)[:8]


def fixed_places(project: Project, out: Path | None) -> list[Path]:
    """Files that get the submission besides its own."""
    return [place for place in (project.places.extra_submission, out) if place is not None]


def by_name(results: list[RunResult]) -> dict[str, RunResult]:
    """Runs by their models' names; of several with the recipe, or else the folder's name."""
    models = [result.model for result in results]
    titles = [result.title for result in results]
    named = {}
    for result in results:
        if models.count(result.model) == 1:
            named[result.model] = result
        elif titles.count(result.title) == 1:
            named[result.title] = result
        else:
            named[result.name] = result
    return named


def _write_blend(
    project: Project,
    name: str,
    blend: BlendResult,
    results: list[RunResult],
    average: FoldAverage,
) -> None:
    """blends/<name>/: weights, cross-fitted OOF, test, and the manifest last."""
    folder = project.workspace.blends / name
    hashes = {"weights.json": write_json(folder / "weights.json", blend.weights)}
    arrays = {"oof.npy": blend.oof, "test.npy": average.test}
    for file, array in arrays.items():
        hashes[file] = write_array(folder / file, array, "blend")
    bias, adjustment = blend.blend.bias, blend.blend.adjustment
    manifest = project.fingerprint.as_dict() | {
        "members": [result.name for result in results],
        "member_weights": blend.blend.weights.tolist(),
        "made_by": {r.name: {key: r.manifest[key] for key in MADE_BY} for r in results},
        "versions": package_versions(),
        "git_commit": git_commit(),
        "bias": None if bias is None else bias.tolist(),
        "adjustment": adjustment and adjustment.record(),
        "sharpening": average.sharpening,
        "metric": project.competition.metric,
        **{name: getattr(blend, name) for name in _RECORDED},
    }
    commit_folder(folder, manifest, hashes)


def write_everywhere(
    project: Project, name: str, blend: BlendResult | None, test: np.ndarray, extra: list[Path]
) -> Submission:
    """Write and check the submission, in every place that wants one."""
    competition, places = project.competition, project.places
    path = places.submissions / f"{competition.name}-{name}.csv"
    for place in (*extra, path):
        submission = write_submission(
            place, competition.form, competition.task, competition.test_ids, test
        )
    cross_fitted = blend.cross_fitted if blend else None
    log = places.submissions / "log.csv"
    log_submission(log, submission, competition.name, competition.metric, cross_fitted)
    return submission
