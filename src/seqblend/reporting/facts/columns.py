"""Scores of each target column: of labels and of numbers, by entry."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seqblend.evaluation.calibration import Reliability, bin_reliability
from seqblend.evaluation.metrics import score
from seqblend.reporting.elements.report_tables import Column, ReportTable, score_kind
from seqblend.reporting.elements.style import display_labels
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import ReportData

_OF_LABELS = {
    "auc": "AUC",
    "average_precision": "average precision",
    "f1": "F1 at 0.5",
    "log_loss": "log loss",
}
_OF_NUMBERS = {
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
    "pearson": "Pearson",
    "spearman": "Spearman",
}
# The targets and the predictions of one column, [n] each, as a metric takes them.
Cells = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def tabulate_labels(data: ReportData, entries: list[Ranked]) -> ReportTable:
    """A row for each entry and label: how frequent it is, scores, and calibration error."""
    table = _tabulate(data, entries, _OF_LABELS, _as_two_classes)
    help_text = "expected calibration error: how far P(1) and shares of 1 lie apart"
    columns = [
        Column("ones", "rows of 1", "count"),
        Column("share", "share of 1", "score"),
        *table.columns[2:],
        Column("calibration_error", "ECE", "score", help_text),
    ]
    rows = []
    for (entry, k), row in zip(_cells_of(data, entries), table.rows, strict=True):
        y, p = data.targets[entry.rows, k], entry.record.oof[entry.rows, k]
        error = measure_label(y, p).error
        rows.append([*row[:2], int(y.sum()), float(y.mean()), *row[2:], error])
    return ReportTable((*table.columns[:2], *columns), rows)


def tabulate_numbers(data: ReportData, entries: list[Ranked]) -> ReportTable:
    """A row for each entry and target column: its mean and deviation, and scores."""
    table = _tabulate(data, entries, _OF_NUMBERS, _as_one_column)
    columns = (Column("mean", "mean", "number"), Column("std", "standard deviation", "number"))
    rows = []
    for (entry, k), row in zip(_cells_of(data, entries), table.rows, strict=True):
        y = data.targets[entry.rows, k]
        rows.append([*row[:2], float(y.mean()), float(y.std()), *row[2:]])
    return ReportTable((*table.columns[:2], *columns, *table.columns[2:]), rows)


def columns_of(table: ReportTable, name: str) -> ReportTable:
    """The rows of one entry, without its name."""
    rows = [row[1:] for row in table.rows if row[0] == name]
    return ReportTable(table.columns[1:], rows)


def measure_label(labels: np.ndarray, p: np.ndarray) -> Reliability:
    """P(1) against the share of 1, in up to 15 bins of equal size by P(1).

    labels: int64 [n] of 0 and 1, at least one; p: float [n]
    """
    return bin_reliability(p.astype(np.float64), labels)


def _cells_of(data: ReportData, entries: list[Ranked]) -> list[tuple[Ranked, int]]:
    """Every scored entry with every column."""
    return [(entry, k) for entry in entries if len(entry.rows) for k in range(len(data.classes))]


def _tabulate(
    data: ReportData, entries: list[Ranked], metrics: dict[str, str], cells: Cells
) -> ReportTable:
    """A row for each entry and column with these metrics: {name: title}."""
    names = display_labels(data.classes, 40)
    columns = (
        Column("model", "model"),
        Column("column", data.task.column_name[0]),
        *(Column(key, title, score_kind(key)) for key, title in metrics.items()),
    )
    rows = []
    for entry, k in _cells_of(data, entries):
        y, p = data.targets[entry.rows, k], entry.record.oof[entry.rows, k].astype(np.float64)
        pair = cells(y, p)
        rows.append([entry.name, names[k], *(score(key, *pair) for key in metrics)])
    return ReportTable(columns, rows)


def _as_two_classes(labels: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int64 [n] and P of 0 and 1, float64 [n, 2]."""
    return labels, np.stack([1 - p, p], axis=1)


def _as_one_column(numbers: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """float64 [n, 1] each."""
    return numbers[:, None], predicted[:, None]
