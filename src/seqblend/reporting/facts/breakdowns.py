"""Scores taken apart: by epoch, by class, and by length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from seqblend.evaluation.intervals import Z_95, wilson_interval
from seqblend.evaluation.metrics import confusion_matrix, has_unit, predict_classes
from seqblend.reporting.elements.report_tables import NOTHING, Column, ReportTable
from seqblend.reporting.elements.style import display_labels
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import ReportData


def matrices_of(data: ReportData, entries: list[Ranked]) -> dict[str, np.ndarray]:
    """{name: int64 [c, c]}: rows by true and predicted class, over each entry's rows."""
    c = len(data.classes)
    return {
        e.name: confusion_matrix(data.targets[e.rows], predict_classes(e.record.oof[e.rows]), c)
        for e in entries
        if len(e.rows)
    }


def tabulate_history(data: ReportData) -> pd.DataFrame:
    """Every number of every epoch: one row per model, unit and epoch."""
    units = [(r.name, i, h) for r in data.records for i, h in enumerate(r.histories) if h]
    keys = list(dict.fromkeys(k for _, _, h in units for k in h if k != "epoch"))
    rows: list[list[Any]] = []
    for name, unit, history in units:
        for e in range(max(map(len, history.values()))):
            values = (history.get(k, []) for k in keys)
            cells = (_cell(v[e]) if e < len(v) else NOTHING for v in values)
            rows.append([name, unit, e + 1, *cells])
    return pd.DataFrame(rows, columns=["model", "unit", "epoch", *keys])


def _cell(value: Any) -> Any:
    """A value of a history; several, such as a temperature for each column, as one text."""
    return " ".join(f"{one:.6g}" for one in value) if isinstance(value, list | tuple) else value


def tabulate_classes(classes: tuple[str, ...], matrices: dict[str, np.ndarray]) -> ReportTable:
    """The classification report, one row per model and class."""
    names = display_labels(classes, 40)
    columns = (
        Column("model", "model"),
        Column("class", "class"),
        *(Column(k, k, "score") for k in ("precision", "recall", "F1")),
        Column("support", "support", "count", "rows of this class"),
        Column("confused_with", "most often predicted as instead"),
    )
    rows: list[list[Any]] = []
    for model, matrix in matrices.items():
        hits, guessed, true = np.diag(matrix), matrix.sum(0), matrix.sum(1)
        with np.errstate(invalid="ignore"):  # 0 / 0 is NaN, which tables show as undefined
            scores = np.stack([hits / guessed, hits / true, 2 * hits / (true + guessed)], axis=1)
        wrong = matrix - np.diag(hits)
        for k, name in enumerate(names):
            j = int(wrong[k].argmax())
            confused = f"{names[j]} ({wrong[k, j]:,})" if wrong[k, j] else NOTHING
            rows.append([model, name, *scores[k].tolist(), int(true[k]), confused])
    return ReportTable(columns, rows)


@dataclass(frozen=True)
class GroupScores:
    """A score with its 95 % interval by group of rows.

    what: the score's name, such as accuracy; groups: their names
    models: {name: float64 [3, groups], score, low and high}; NaN where it has no rows
    has_unit: scores are in the targets' unit, of any size
    """

    what: str
    groups: list[str]
    models: dict[str, np.ndarray]
    has_unit: bool = False


def score_by_length(data: ReportData, entries: list[Ranked]) -> GroupScores:
    """Accuracy, without classes the mean loss, by tenths of the rows in order of their length."""
    tenth, names = group_lengths(data.lengths)
    what = "accuracy" if data.task.has_classes else data.task.loss_name
    models = {}
    for entry in entries:
        sizes = np.bincount(tenth[entry.rows], minlength=len(names))
        shares = _score_groups(data, entry, tenth[entry.rows], len(names))
        models[entry.name] = np.where(sizes > 0, shares, np.nan)
    is_of_any_size = not data.task.has_classes and has_unit(data.task.loss_metric)
    return GroupScores(what, names, models, is_of_any_size)


def group_lengths(lengths: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(int64 [n], names): tenths of the rows by length; rows of equal length stay together."""
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, 11), method="higher"))
    inner = edges[1:-1] if len(edges) > 2 else edges[1:]
    _, tenth = np.unique(np.searchsorted(inner, lengths, side="right"), return_inverse=True)
    names = []
    for k in range(tenth.max() + 1):
        low, high = lengths[tenth == k].min(), lengths[tenth == k].max()
        names.append(f"{low}–{high}" if low < high else f"{low}")
    return tenth, names


def _score_groups(data: ReportData, entry: Ranked, group: np.ndarray, count: int) -> np.ndarray:
    """float64 [3, count]: score, low and high. group: int64 [r], of each of the entry's rows."""
    targets, array = data.targets[entry.rows], entry.record.oof[entry.rows]
    some = np.maximum(np.bincount(group, minlength=count), 1)
    if data.task.has_classes:
        hits = np.bincount(group, predict_classes(array) == targets, minlength=count)
        return np.stack([hits / some, *wilson_interval(hits, some)])
    losses = data.task.losses(targets, array)
    mean, square = (np.bincount(group, x, minlength=count) / some for x in (losses, losses**2))
    half = Z_95 * np.sqrt(np.maximum(square - mean**2, 0) / some)
    return np.stack([mean, mean - half, mean + half])
