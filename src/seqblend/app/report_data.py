"""The data of the report, from finished runs and the blend. The test answers are read only here."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqblend.app.submit import Outcome, by_name
from seqblend.blending.selection import BlendResult
from seqblend.blending.submission_log import scored_submissions
from seqblend.core.errors import InputError
from seqblend.core.provenance import git_commit
from seqblend.core.storage import read_json
from seqblend.core.versions import package_versions
from seqblend.data.demo import BEST
from seqblend.data.sequences import Competition
from seqblend.diagnosis.record import Diagnosis
from seqblend.evaluation.metrics import summarise
from seqblend.reading.solution import read_solution
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
    competition = project.competition
    answers, warnings = _read_answers(project)
    submission = outcome.submission
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
        classes=competition.classes,
        labels=competition.labels,
        fold=project.fold,
        lengths=competition.train.lengths,
        records=records,
        blend=_blend_record(outcome.blend, runs, answers),
        missing=[unit.name for unit in [*outcome.failed, *outcome.missing]],
        texts=make_texts(competition),
        explanations=explanations,
        card=make_data_card(competition, project.folds, project.config.vocabulary.max_len),
        findings=competition.findings,
        warnings=[*competition.warnings, *warnings],
        best_reachable=_read_best_reachable(project.files.train.parent),
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


def _read_answers(project: Project) -> tuple[np.ndarray | None, list[str]]:
    """(int64 [n_test] or None, warnings): a file found beside the data may be wrong."""
    if project.files.solution is None:
        return None, []
    try:
        return read_solution(project.files.solution, project.competition), []
    except InputError as error:
        if project.is_solution_given:
            raise
        return None, [f"no test scores: {error}"]


def _read_best_reachable(folder: Path) -> float | None:
    """The best reachable accuracy, where the demo's maker left it."""
    path = folder / BEST
    return read_json(path)["expected_accuracy"] if path.is_file() else None


def _model_record(
    project: Project,
    name: str,
    result: RunResult,
    weight: float | None,
    answers: np.ndarray | None,
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
        test=None if answers is None else summarise(answers, result.test.astype(np.float64)),
        deterministic=manifest["deterministic"],
        settings={key: manifest[key] for key in ("train", "vocabulary")},
        notes=notes,
        remark=manifest.get("remark", ""),
    )


def _blend_record(
    blend: BlendResult | None, runs: dict[str, RunResult], answers: np.ndarray | None
) -> BlendRecord | None:
    """The record of the blend; None without one. runs: by name; answers: int64 [n_test]."""
    test = None
    if blend is None:
        return None
    if answers is not None:
        stack = np.stack([runs[name].test for name in blend.blend.members])
        test = summarise(answers, blend.blend.apply(stack))
    return BlendRecord(
        blend.method,
        blend.oof,
        blend.cross_fitted,
        blend.in_sample,
        blend.table,
        blend.weights,
        test,
        blend.nested,
    )


def _environment(project: Project) -> dict[str, str]:
    fingerprint = project.fingerprint.as_dict()
    devices = ", ".join(sorted(set(project.machine.devices)))
    note = {"device note": project.machine.note} if project.machine.note else {}
    commit = {"git commit": git_commit()} if git_commit() else {}
    return package_versions() | commit | {"device": devices} | note | fingerprint
