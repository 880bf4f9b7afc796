"""Scores taken apart: by epoch, by class, by length; as tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqblend.metrics import confusion_matrix, predict_classes
from seqblend.reporting.intervals import wilson_interval
from seqblend.reporting.leaderboard import Entry
from seqblend.reporting.records import ReportData
from seqblend.reporting.style import display_labels
from seqblend.reporting.tables import NOTHING, Column, Table


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


def tabulate_lengths(data: ReportData, entries: list[Entry]) -> Table:
    """Accuracy with its 95 % interval by tenths of the rows by length: a row a model and tenth."""
    inner = np.unique(np.quantile(data.lengths, np.linspace(0, 1, 11)))[1:-1]
    tenth = np.searchsorted(inner, data.lengths, side="right")
    columns = (
        Column("model", "model"),
        Column("tokens", "tokens"),
        Column("rows", "rows", "count"),
        *(Column(k, k, "score") for k in ("accuracy", "low", "high")),
    )
    rows: list[list[Any]] = []
    for entry in entries:
        right = predict_classes(entry.record.oof[entry.rows]) == data.labels[entry.rows]
        for k in np.unique(tenth):
            members = tenth[entry.rows] == k
            if n := int(members.sum()):
                edges = data.lengths[tenth == k]
                low, high = wilson_interval(right[members].sum(), np.int64(n))
                name = f"{edges.min()}–{edges.max()}"
                share = float(right[members].mean())
                rows.append([entry.name, name, n, share, float(low), float(high)])
    return Table(columns, rows)
