"""The data of the report, from finished runs and the blend. The test answers are read only here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seqblend.app.submit import Outcome, by_name, predict_test
from seqblend.blending.decisions import compare_decisions
from seqblend.blending.selection import BlendResult
from seqblend.blending.submission_log import scored_submissions
from seqblend.core.errors import InputError
from seqblend.core.provenance import git_commit
from seqblend.core.storage import read_json
from seqblend.core.versions import package_versions
from seqblend.data.demo import BEST
from seqblend.data.sequences import Competition
from seqblend.diagnosis.record import Diagnosis
from seqblend.evaluation.metrics import score
from seqblend.reading.solution import Solution, read_solution
from seqblend.reporting.facts.datacard import make_data_card
from seqblend.reporting.facts.explanations import read_explanations
from seqblend.reporting.facts.records import (
    BlendRecord,
    ModelRecord,
    ReportData,
    RowTexts,
)
from seqblend.running.project import Project
from seqblend.running.results import RunResult
from seqblend.running.tuned import tuned_records


def make_report_data(
    project: Project, outcome: Outcome, command: str, diagnosis: Diagnosis | None = None
) -> ReportData:
    """Everything the report reads, from finished runs, the blend and the doctor's findings."""
    competition, submission = project.competition, outcome.submission
    answers, warnings = _read_answers(project)
    explanations = read_explanations(
        project.workspace.explanations, project.fingerprint.data, warnings.append
    )
    weights = outcome.blend.weights if outcome.blend else {}
    runs = by_name(outcome.results)
    records = [
        _model_record(project, name, result, weights.get(name), answers)
        for name, result in runs.items()
    ]
    return ReportData(
        competition=competition.name,
        metric=competition.metric,
        task=competition.task,
        targets=competition.targets,
        fold=project.fold,
        lengths=competition.train.lengths,
        records=records,
        blend=_blend_record(project, outcome.blend, runs, answers),
        missing=[unit.name for unit in [*outcome.failed, *outcome.missing]],
        texts=make_texts(competition),
        explanations=explanations,
        card=make_data_card(competition, project.folds, project.config.vocabulary.max_len),
        findings=competition.findings,
        warnings=[*competition.warnings, *warnings],
        **_read_best_reachable(project.files.train.parent),
        submission=vars(submission) | {"path": str(submission.path)} if submission else {},
        command=command,
        environment=_environment(project),
        vectors=project.embedding.coverage,
        vectors_scope=project.embedding.scope,
        tuned=tuned_records(project.workspace, project.fingerprint.data),
        diagnosis=diagnosis,
        submissions=scored_submissions(project.places.submissions / "log.csv", competition.name),
    )


def make_texts(competition: Competition) -> RowTexts:
    """The training rows as people read them."""
    view = competition.view
    joint = "" if view.name == "chars" else " "
    return RowTexts(competition.train_ids, competition.train, view.lexicon, joint)


def _read_answers(project: Project) -> tuple[Solution | None, list[str]]:
    """(the answers or None, warnings): a file found beside the data may be wrong."""
    if project.files.solution is None:
        return None, []
    try:
        return read_solution(project.files.solution, project.competition), []
    except InputError as error:
        if project.is_solution_given:
            raise
        return None, [f"no test scores: {error}"]


def _read_best_reachable(folder: Path) -> dict[str, Any]:
    """ReportData's best_reachable and best_metric, where the demo's maker left them."""
    path = folder / BEST
    if not path.is_file():
        return {}
    values = read_json(path)
    best = values.get("expected_accuracy", values.get("train"))
    return {"best_reachable": best, "best_metric": values.get("metric", "accuracy")}


def _test_scores(
    competition: Competition, answers: Solution | None, array: np.ndarray
) -> dict[str, float | None] | None:
    """The scores on the test rows that are scored; None without answers.

    array: float [n_test, c]
    """
    if answers is None:
        return None
    p, metric = array[answers.rows].astype(np.float64), competition.metric
    summary = competition.task.summarise(answers.targets, p)
    return summary | {metric: score(metric, answers.targets, p)}


def _model_record(
    project: Project,
    name: str,
    result: RunResult,
    weight: float | None,
    answers: Solution | None,
) -> ModelRecord:
    manifest = result.manifest
    notes = []
    if manifest["epochs_chosen_on_validation"]:
        notes.append(
            "each fold chose its own epoch on its validation rows: the score is optimistic"
        )
    if manifest.get("remark"):
        notes.append(f"{manifest['remark']}: the score is slightly optimistic")
    notes += [f"{Path(r['unit']).name}: {r['sentence']}" for r in manifest["recoveries"]]
    return ModelRecord(
        name=name,
        run=result.name,
        oof=result.oof,
        histories=[
            read_json(project.workspace.runs / u / "history.json") for u in manifest["units"]
        ],
        epochs=manifest["epochs"],
        parameters=manifest["parameters"],
        seconds=manifest["seconds"],
        tokens_per_second=manifest["tokens_per_second"],
        weight=weight,
        test=_test_scores(project.competition, answers, result.test),
        deterministic=manifest["deterministic"],
        settings={key: manifest[key] for key in ("train", "vocabulary")},
        notes=notes,
        remark=manifest.get("remark", ""),
    )


def _blend_record(
    project: Project,
    blend: BlendResult | None,
    runs: dict[str, RunResult],
    answers: Solution | None,
) -> BlendRecord | None:
    """The record of the blend; None without one. runs: by name."""
    if blend is None:
        return None
    competition, members = project.competition, [runs[name] for name in blend.blend.members]
    test = predict_test(project, members, blend).test if answers else None
    stack = np.stack([run.oof for run in members])
    decisions = compare_decisions(
        blend.blend, stack, competition.targets, project.fold, competition.metric
    )
    return BlendRecord(
        blend.method,
        blend.oof,
        blend.cross_fitted,
        blend.in_sample,
        blend.table,
        blend.weights,
        None if test is None else _test_scores(competition, answers, test),
        blend.nested,
        decisions,
    )


def _environment(project: Project) -> dict[str, str]:
    fingerprint = project.fingerprint.as_dict()
    devices = ", ".join(sorted(set(project.machine.devices)))
    note = {"device note": project.machine.note} if project.machine.note else {}
    commit = {"git commit": git_commit()} if git_commit() else {}
    return package_versions() | commit | {"device": devices} | note | fingerprint
