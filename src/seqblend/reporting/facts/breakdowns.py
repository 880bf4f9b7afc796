"""Scores taken apart: by epoch, by class, by length; as tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqblend.intervals import wilson_interval
from seqblend.metrics import confusion_matrix, predict_classes
from seqblend.reporting.elements.style import (
    display_labels,
)
from seqblend.reporting.elements.tables import NOTHING, Column, Table
from seqblend.reporting.facts.entries import Entry
from seqblend.reporting.facts.records import ReportData


def matrices_of(data: ReportData, entries: list[Entry]) -> dict[str, np.ndarray]:
    """{name: int64 [c, c]}: rows by true and predicted class, over each entry's rows."""
    c = len(data.classes)
    return {
        e.name: confusion_matrix(data.labels[e.rows], predict_classes(e.record.oof[e.rows]), c)
        for e in entries
        if len(e.rows)
    }


def tabulate_history(data: ReportData) -> Table:
    """Every number of every epoch: one row a model, unit and epoch."""
    units = [(r.name, i, h) for r in data.records for i, h in enumerate(r.histories) if h]
    keys = list(dict.fromkeys(k for _, _, h in units for k in h if k != "epoch"))
    columns = (Column("model", "model"), *(Column(k, k, "score") for k in ("unit", "epoch", *keys)))
    rows: list[list[Any]] = []
    for name, unit, history in units:
        for e in range(max(map(len, history.values()))):
            values = (history.get(k, []) for k in keys)
            rows.append([name, unit, e + 1, *(v[e] if e < len(v) else NOTHING for v in values)])
    return Table(columns, rows)


def tabulate_classes(classes: tuple[str, ...], matrices: dict[str, np.ndarray]) -> Table:
    """Precision, recall, F1 and support: one row a model and class."""
    names = display_labels(classes, 40)
    columns = (
        Column("model", "model"),
        Column("class", "class"),
        *(Column(k, k, "score") for k in ("precision", "recall", "F1")),
        Column("support", "support", "count", "rows of this class"),
        Column("taken_for", "most often taken for"),
    )
    rows: list[list[Any]] = []
    for model, matrix in matrices.items():
        for k, name in enumerate(names):
            hits, guessed, true = (
                int(v) for v in (matrix[k, k], matrix[:, k].sum(), matrix[k].sum())
            )
            wrong = np.where(np.arange(len(names)) == k, 0, matrix[k])
            worst = f"{names[int(wrong.argmax())]} ({wrong.max():,})" if wrong.any() else NOTHING
            scores = (_share(hits, guessed), _share(hits, true), _share(2 * hits, true + guessed))
            rows.append([model, name, *scores, true, worst])
    return Table(columns, rows)


def tabulate_matrix(classes: tuple[str, ...], matrix: np.ndarray) -> Table:
    """A whole confusion matrix; the first column names the true class."""
    names = display_labels(classes, 40)
    columns = (Column("true", "true"), *(Column(name, name, "count") for name in names))
    return Table(columns, [[n, *line] for n, line in zip(names, matrix.tolist(), strict=True)])


def _share(top: int, bottom: int) -> float | None:
    return top / bottom if bottom else None


def tabulate_tenths(data: ReportData, entries: list[Entry], values: np.ndarray) -> Table:
    """Accuracy with its 95 % interval by tenths of the rows by a number: a row a model and tenth.

    values: int64 [n]; equal ones stay together, so that there may be fewer than ten parts
    """
    edges = np.unique(np.quantile(values, np.linspace(0, 1, 11), method="higher"))
    inner = edges[1:-1] if len(edges) > 2 else edges[1:]
    tenth = np.searchsorted(inner, values, side="right")
    names = {}
    for k in np.unique(tenth):
        low, high = values[tenth == k].min(), values[tenth == k].max()
        names[k] = f"{low}–{high}" if low < high else f"{low}"
    return _tabulate_groups(data, entries, tenth, names)


def tabulate_recall(data: ReportData, entries: list[Entry]) -> Table:
    """The same by true class: a row a model and class."""
    return _tabulate_groups(
        data, entries, data.labels, dict(enumerate(display_labels(data.classes)))
    )


def _tabulate_groups(
    data: ReportData, entries: list[Entry], group: np.ndarray, names: dict[int, str]
) -> Table:
    """group: int64 [n]; groups without a row of an entry are left out."""
    columns = (
        Column("model", "model"),
        Column("group", "group"),
        Column("rows", "rows", "count"),
        *(Column(k, k, "score") for k in ("accuracy", "low", "high")),
    )
    rows: list[list[Any]] = []
    for entry in entries:
        right = predict_classes(entry.record.oof[entry.rows]) == data.labels[entry.rows]
        sizes = np.bincount(group[entry.rows], minlength=len(names))
        hits = np.bincount(group[entry.rows], right, minlength=len(names))
        low, high = wilson_interval(hits, np.maximum(sizes, 1))
        for k, name in names.items():
            if sizes[k]:
                values = (hits[k] / sizes[k], low[k], high[k])
                rows.append([entry.name, name, int(sizes[k]), *map(float, values)])
    return Table(columns, rows)


def spread(table: Table) -> tuple[list[str], dict[str, np.ndarray]]:
    """(groups, {model: float64 [3, groups], accuracy, low and high}); NaN where it has no rows."""
    names = list(dict.fromkeys(row[1] for row in table.rows))
    by_model: dict[str, dict[str, list[float]]] = {}
    for model, group, _, *values in table.rows:
        by_model.setdefault(model, {})[group] = values
    arrays = {
        model: np.array([cells.get(name, [np.nan] * 3) for name in names]).T
        for model, cells in by_model.items()
    }
    return names, arrays
