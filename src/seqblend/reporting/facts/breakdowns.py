"""Scores taken apart: by epoch, by class, and by group of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from seqblend.evaluation.intervals import wilson_interval
from seqblend.evaluation.metrics import confusion_matrix, predict_classes
from seqblend.reporting.elements.report_tables import NOTHING, Column, ReportTable
from seqblend.reporting.elements.style import display_labels
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import ReportData


def matrices_of(data: ReportData, entries: list[Ranked]) -> dict[str, np.ndarray]:
    """{name: int64 [c, c]}: rows by true and predicted class, over each entry's rows."""
    c = len(data.classes)
    return {
        e.name: confusion_matrix(data.labels[e.rows], predict_classes(e.record.oof[e.rows]), c)
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
            rows.append([name, unit, e + 1, *(v[e] if e < len(v) else NOTHING for v in values)])
    return pd.DataFrame(rows, columns=["model", "unit", "epoch", *keys])


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


def tabulate_matrix(classes: tuple[str, ...], matrix: np.ndarray) -> pd.DataFrame:
    """A whole confusion matrix; the first column names the true class."""
    names = display_labels(classes, 40)
    frame = pd.DataFrame(matrix, columns=names)
    frame.insert(0, "true", names, allow_duplicates=True)
    return frame


@dataclass(frozen=True)
class GroupAccuracy:
    """Accuracy with its 95 % interval by group of rows.

    groups: their names
    models: {name: float64 [4, groups], rows, accuracy, low and high}; NaN where it has no rows
    """

    groups: list[str]
    models: dict[str, np.ndarray]

    def tabulate(self) -> pd.DataFrame:
        """A row per model and group that has rows."""
        parts = [
            pd.DataFrame(array.T, columns=["rows", "accuracy", "low", "high"])
            .assign(model=model, group=self.groups)
            .query("rows > 0")
            for model, array in self.models.items()
        ]
        return pd.concat(parts)[["model", "group", "rows", "accuracy", "low", "high"]]


def accuracy_by_tenth(data: ReportData, entries: list[Ranked], values: np.ndarray) -> GroupAccuracy:
    """By tenths of the rows in order of a number.

    values: int64 [n]; equal ones stay together, so that there may be fewer than ten groups
    """
    edges = np.unique(np.quantile(values, np.linspace(0, 1, 11), method="higher"))
    inner = edges[1:-1] if len(edges) > 2 else edges[1:]
    _, tenth = np.unique(np.searchsorted(inner, values, side="right"), return_inverse=True)
    names = []
    for k in range(tenth.max() + 1):
        low, high = values[tenth == k].min(), values[tenth == k].max()
        names.append(f"{low}–{high}" if low < high else f"{low}")
    return _accuracy_by_group(data, entries, tenth, names)


def accuracy_by_class(data: ReportData, entries: list[Ranked]) -> GroupAccuracy:
    """By true class: the recall of each."""
    return _accuracy_by_group(data, entries, data.labels, display_labels(data.classes))


def _accuracy_by_group(
    data: ReportData, entries: list[Ranked], group: np.ndarray, names: list[str]
) -> GroupAccuracy:
    """group: int64 [n], indices into `names`."""
    models = {}
    for entry in entries:
        right = predict_classes(entry.record.oof[entry.rows]) == data.labels[entry.rows]
        sizes = np.bincount(group[entry.rows], minlength=len(names))
        hits = np.bincount(group[entry.rows], right, minlength=len(names))
        some = np.maximum(sizes, 1)
        array = np.stack([sizes, hits / some, *wilson_interval(hits, some)])
        array[1:, sizes == 0] = np.nan
        models[entry.name] = array
    return GroupAccuracy(names, models)
