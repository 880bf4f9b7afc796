"""Explanations for the report: the worst errors of the submission, and a few right rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqblend.core.console import Console, say
from seqblend.core.storage import write_arrays
from seqblend.evaluation.metrics import predict_classes
from seqblend.explaining.row_explanation import RowExplanation
from seqblend.explaining.trained_model import open_model
from seqblend.running.project import Project
from seqblend.running.results import largest_blend
from seqblend.tasks.task import Task

_WORST = 30  # the report's table of errors has as many
_FIRST = 3  # of them before the right ones: a picture shows the first six rows
_RIGHT = (0.9, 0.5, 0.1)  # quantiles of the right rows, from the surest back


def explain_errors(console: Console, project: Project, model: str) -> None:
    """Explain the worst errors and a few right rows, and write the arrays that the report reads."""
    note = lambda text: say(console, text, "yellow")  # noqa: E731
    opened, competition = open_model(project, model, note), project.competition
    blend = largest_blend(project.workspace, project.fingerprint, note)
    p = opened.result.oof if blend is None else blend[1]
    rows = choose_rows(competition.task, competition.targets, p, project.fold)
    found = []
    for i, row in enumerate(rows.tolist(), 1):
        found.append(opened.explain(competition.train.row(row), int(project.fold[row]), row))
        say(console, f"explained {i} of {len(rows)} rows")
    path = project.workspace.explanations / f"{model}.npz"
    save_explanations(path, project.fingerprint.data, rows, found)
    say(console, f"{len(rows)} rows: {path}; python src/report.py shows them", "green")


def choose_rows(task: Task, targets: np.ndarray, p: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """int64 [r]: wrong rows, the least sure first; three right ones in between.

    targets: n rows; p: float [n, c]; fold: int64 [n], -1 for rows that have none
    Without classes the 30 rows of largest loss are the wrong ones.
    """
    known = np.flatnonzero((fold >= 0) & np.isfinite(p).all(1))
    if task.has_classes:
        order = known[np.argsort(p[known, targets[known]], kind="stable")]
        is_right = predict_classes(p[order]) == targets[order]
    else:
        order = known[np.argsort(-task.losses(targets[known], p[known]), kind="stable")]
        is_right = np.arange(len(order)) >= _WORST
    worst, right = order[~is_right][:_WORST], order[is_right]
    places = [round(share * (len(right) - 1)) for share in _RIGHT] if len(right) else []
    kept = right[list(dict.fromkeys(places))]
    return np.concatenate([worst[:_FIRST], kept, worst[_FIRST:]]).astype(np.int64)


def save_explanations(path: Path, data: str, rows: np.ndarray, found: list[RowExplanation]) -> None:
    """Write the arrays that reporting/facts/explanations.py reads.

    data: the data's digest; rows: int64 [r], training rows
    """
    common = [name for name in found[0].weights if all(name in one.weights for one in found)]
    arrays = {
        "data": np.array(data),
        "rows": rows.astype(np.int64),
        "target": np.array([one.target for one in found]),
        "offsets": np.cumsum([0, *(len(one.tokens) for one in found)]).astype(np.int64),
        "tokens": np.concatenate([one.tokens for one in found]),
    }
    arrays |= {name: np.concatenate([one.weights[name] for one in found]) for name in common}
    write_arrays(path, arrays)
