"""Explanations for the report: the worst errors, a few right rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from seqblend.explaining.members import OpenedModel
from seqblend.explaining.rows import gather
from seqblend.metrics import predict_classes
from seqblend.reporting.facts.explanations import Explanation
from seqblend.running.results import standing_blend
from seqblend.store import write_arrays

_WORST = 30  # the report's table of errors has as many
_FIRST = 3  # of them before the right ones: a picture shows the first six rows
_RIGHT = (0.9, 0.5, 0.1)  # quantiles of the label's probability


def explain_errors(
    opened: OpenedModel, note: Callable[[str], None], tick: Callable[[str], None]
) -> tuple[Explanation, list[float]]:
    """Explain the worst rows of what is submitted, and a few right ones, and write the arrays.

    tick: is told, row by row, how far it is
    returns: the explanation, and each row's gap of the gradients' check where there is one
    """
    project = opened.project
    blend = standing_blend(project.store, project.ledger, note)
    p = opened.result.oof if blend is None else blend[1]
    rows = choose_rows(project.competition.labels, p, project.fold)
    found = []
    for i, row in enumerate(rows.tolist()):
        found.append(opened.explain(project.competition.train.row(row), int(project.fold[row])))
        tick(f"explained {i + 1} of {len(rows)} rows")
    explanation = gather(opened.run.model, rows, found)
    save_explanation(project.store.explanations, project.ledger.data, explanation)
    return explanation, [one.integral.gap for one in found if one.integral]


def choose_rows(labels: np.ndarray, p: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """int64 [r]: wrong rows, the least probability of their label first, after three right ones.

    labels: int64 [n]; p: float [n, c]; fold: int64 [n], -1 for rows that have none
    """
    known = np.flatnonzero((fold >= 0) & np.isfinite(p).all(1))
    of_label = p[known, labels[known]]
    order = known[np.argsort(of_label, kind="stable")]
    is_right = predict_classes(p[order]) == labels[order]
    worst, right = order[~is_right][:_WORST], order[is_right]
    places = [round(share * (len(right) - 1)) for share in _RIGHT] if len(right) else []
    kept = right[list(dict.fromkeys(places))]
    return np.concatenate([worst[:_FIRST], kept, worst[_FIRST:]]).astype(np.int64)


def save_explanation(folder: Path, data: str, explanation: Explanation) -> Path:
    """Write <model>.npz as reporting/facts/explanations.py reads it. data: the ledger's digest."""
    path = folder / f"{explanation.model}.npz"
    parts = {name: getattr(explanation, name) for name in ("rows", "target", "offsets", "tokens")}
    write_arrays(path, {"data": np.array(data), **parts, **explanation.weights})
    return path
