"""The worst rows, and rows whose label may be wrong, as tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from seqblend.evaluation.check import Check
from seqblend.evaluation.leaderboard import submitted_row
from seqblend.evaluation.metrics import predict_classes
from seqblend.reporting.elements.report_tables import Column, ReportTable, table_of
from seqblend.reporting.elements.style import clean, display_labels
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import ReportData

WORST = 30
_EXCERPT = 160  # characters of a row


def tabulate_worst(data: ReportData, entries: list[Ranked]) -> ReportTable:
    """The 30 wrong rows with the least probability of their class, by the blend or the best."""
    chosen = submitted_row(entries)
    labels, p = data.targets[chosen.rows], chosen.record.oof[chosen.rows]
    wrong = np.flatnonzero(predict_classes(p) != labels)
    worst = wrong[np.argsort(p[wrong, labels[wrong]], kind="stable")[:WORST]]
    return _tabulate(data, entries, chosen, chosen.rows[worst])


def find_label_check(data: ReportData) -> Check | None:
    """The doctor's check that names rows whose label may be wrong; None without one."""
    checks = data.diagnosis.checks if data.diagnosis else []
    return next((check for check in checks if check.details.get("positions")), None)


def tabulate_suspects(data: ReportData, entries: list[Ranked], check: Check) -> ReportTable:
    """Every row whose label may be wrong by the check, the most doubtful first.

    Predictions are those of what is submitted. Of grades they are the doubting model's: the blend's
    decision moves them, often onto the label.
    """
    chosen, rows = submitted_row(entries), np.array(check.details["positions"], dtype=np.int64)
    if data.task.is_ordered:
        doubting = (entry for entry in entries if entry.name == check.details.get("model"))
        chosen = next(doubting, chosen)
    return _tabulate(data, entries, chosen, rows[np.isin(rows, chosen.rows)])


def _tabulate(
    data: ReportData, entries: list[Ranked], chosen: Ranked, rows: np.ndarray
) -> ReportTable:
    """A line per row: label, prediction, its probability, how many models are right, the text.

    rows: int64 [r], positions among the training rows
    """
    names = display_labels(data.classes)
    models = [e for e in entries if len(e.rows) and not e.is_blend] or [chosen]
    p, labels = chosen.record.oof[rows], data.targets[rows]
    right = sum(predict_classes(np.nan_to_num(e.record.oof[rows])) == labels for e in models)
    first, rest = describe_rows(data, rows)
    values: dict[Column, Iterable[Any]] = {
        Column("label", "label"): [names[k] for k in labels],
        Column("predicted", "predicted"): [names[k] for k in predict_classes(p)],
        Column("p", "P(label)", "score"): p[np.arange(len(rows)), labels],
        Column("right", "models right", "count", f"of {len(models)}"): right,
    }
    return table_of({**first, **values, **rest})


def describe_rows(
    data: ReportData, rows: np.ndarray
) -> tuple[dict[Column, Iterable[Any]], dict[Column, Iterable[Any]]]:
    """(the rows' ids, their lengths and texts) as columns; rows: int64 [r]."""
    texts, positions = data.texts, rows.tolist()
    ids = positions if texts is None else [texts.ids[row] for row in positions]
    first = Column("row" if texts is None else "id", "row")
    rest: dict[Column, Iterable[Any]] = {Column("tokens", "tokens", "count"): data.lengths[rows]}
    if texts is not None:
        excerpts = (texts.excerpt(row, _EXCERPT) for row in positions)
        rest[Column("text", "begins with")] = [clean(text) for text in excerpts]
    return {first: [clean(name, 40) for name in ids]}, rest
