"""The blend's members: weight, loss without it, and the correlation of their errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqblend.diagnosis.cards import disagreement_name
from seqblend.reporting.elements.report_tables import NOTHING, Column, ReportTable, score_kind
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import BlendRecord, ReportData
from seqblend.tasks.task import Task


def _card_columns(task: Task) -> tuple[Column, ...]:
    """The columns of a member's card."""
    refitted = f"of a {blend_kind(task)} blend refitted, cross-fitted"
    apart = disagreement_name(task)
    titles = ("disagreement", apart) if task.has_classes else (apart, "with the blend")
    signed = score_kind(task.loss_metric, is_signed=True)
    return (
        Column("loss_without", "loss without", signed, refitted),
        Column("low", "95 % from", signed, "over rows, paired"),
        Column("high", "to", signed),
        Column("disagreement", titles[0], "score", titles[1]),
    )


def blend_kind(task: Task) -> str:
    """The kind of convex blend that members are left out of."""
    return "log-odds" if task.has_probabilities else "linear"


def tabulate_members(data: ReportData, blend: BlendRecord) -> ReportTable:
    """Weight of each member, and its card where there was a diagnosis; the heaviest first.

    There is no loss of the blend itself with a member's weight set to 0: weights of stacking and
    hill climbing may be negative, so that no scaling of the others replaces a refit.
    """
    card_columns = _card_columns(data.task)
    cards = {card.name: card for card in data.diagnosis.cards} if data.diagnosis else {}
    columns = [Column("model", "model"), Column("weight", "weight", "bar")]
    rows: list[list[Any]] = []
    for name, weight in sorted(blend.weights.items(), key=lambda item: -item[1]):
        row: list[Any] = [name, weight]
        if cards:
            card = cards.get(name)
            row += [getattr(card, column.key) if card else NOTHING for column in card_columns]
        rows.append(row)
    return ReportTable((*columns, *(card_columns if cards else ())), rows)


def common_rows(entries: list[Ranked]) -> np.ndarray:
    """int64: the rows that all of them have predictions of."""
    rows = entries[0].rows
    for entry in entries[1:]:
        if not np.array_equal(rows, entry.rows):
            rows = np.intersect1d(rows, entry.rows)
    return rows


def correlate_errors(data: ReportData, models: list[Ranked]) -> np.ndarray:
    """float64 [m, m]: correlation over rows of task.errors, a mean over their columns.

    Of classes they are what a model leaves to the true class's probability. 0 where a model is
    constant, 1 on the diagonal.
    """
    rows = common_rows(models)
    errors = [data.task.errors(data.targets[rows], entry.record.oof[rows]) for entry in models]
    matrix = np.mean([_correlate(column) for column in np.stack(errors).transpose(2, 0, 1)], axis=0)
    matrix = np.clip(matrix, -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _correlate(errors: np.ndarray) -> np.ndarray:
    """float64 [m, m]: correlations of float [m, n] over rows."""
    errors = errors.astype(np.float64) - errors.mean(1, keepdims=True, dtype=np.float64)
    norms = np.sqrt((errors**2).sum(1))
    scaled = np.divide(errors, norms[:, None], out=np.zeros_like(errors), where=norms[:, None] > 0)
    return scaled @ scaled.T
