"""The worst rows where columns are predicted one by one: labels and numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from seqblend.reporting.elements.report_tables import Column, ReportTable, table_of
from seqblend.reporting.elements.style import display_labels
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.mistakes import WORST, describe_rows
from seqblend.reporting.facts.records import ReportData


def tabulate_worst_labels(data: ReportData, chosen: Ranked) -> ReportTable:
    """The 30 rows of highest loss with a label on the wrong side of 0.5, by what is submitted."""
    targets, p = data.targets[chosen.rows], chosen.record.oof[chosen.rows]
    is_wrong = (p > 0.5) != (targets == 1)
    losses = data.task.losses(targets, p)
    worst = _largest(np.where(is_wrong.any(axis=1), losses, -np.inf))
    names = display_labels(data.classes)
    wrong = [
        [f"{names[k]} {p[row, k]:.4f}" for k in np.flatnonzero(is_wrong[row] & (targets[row] == y))]
        for row in worst
        for y in (1, 0)
    ]
    values: dict[Column, Iterable[Any]] = {
        Column("missed", "missed: P(1) of labels that are 1"): map(", ".join, wrong[::2]),
        Column("added", "added: P(1) of labels that are 0"): map(", ".join, wrong[1::2]),
        Column("loss", data.task.loss_name, "score"): losses[worst],
    }
    return _with_rows(data, chosen.rows[worst], values)


def tabulate_worst_numbers(data: ReportData, chosen: Ranked) -> ReportTable:
    """The 30 rows of highest loss, with the column that is farthest off, by what is submitted.

    Columns are compared in standard deviations of their targets.
    """
    targets, array = data.targets[chosen.rows], chosen.record.oof[chosen.rows].astype(np.float64)
    worst = _largest(data.task.losses(targets, array))
    spread = np.where(targets.std(axis=0) > 0, targets.std(axis=0), 1.0)
    column = (np.abs(targets - array) / spread)[worst].argmax(axis=1)
    names, true, predicted = (
        display_labels(data.classes),
        *(each[worst, column] for each in (targets, array)),
    )
    values: dict[Column, Iterable[Any]] = {
        Column("true", "true", "number"): true,
        Column("predicted", "predicted", "number"): predicted,
        Column("residual", "true - predicted", "signed_number"): true - predicted,
    }
    if len(names) > 1:
        values = {Column("column", "column"): [names[k] for k in column]} | values
    return _with_rows(data, chosen.rows[worst], values)


def _largest(losses: np.ndarray) -> np.ndarray:
    """int64 [<= 30]: positions of the largest finite losses float64 [n], the largest first."""
    order = np.argsort(-losses, kind="stable")[:WORST]
    return order[np.isfinite(losses[order])]


def _with_rows(
    data: ReportData, rows: np.ndarray, values: dict[Column, Iterable[Any]]
) -> ReportTable:
    """The table with each row's id before these columns, and its tokens and text behind them."""
    first, rest = describe_rows(data, rows)
    return table_of({**first, **values, **rest})
