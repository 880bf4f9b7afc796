"""The blend's members: weight, loss without it, and the correlation of their errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqblend.reporting.elements.report_tables import NOTHING, Column, ReportTable
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import BlendRecord, ReportData

_CARD = (
    Column("loss_without", "loss without", "signed", "of a log-odds blend refitted, cross-fitted"),
    Column("low", "95 % from", "signed", "over rows, paired"),
    Column("high", "to", "signed"),
    Column("disagreement", "disagreement", "score", "rows of another class than the blend"),
)


def tabulate_members(data: ReportData, blend: BlendRecord) -> ReportTable:
    """Weight of each member, and its card where there was a diagnosis; the heaviest first.

    There is no loss of the blend itself with a member's weight set to 0: weights of stacking and
    hill climbing may be negative, so that no scaling of the others replaces a refit.
    """
    cards = {card.name: card for card in data.diagnosis.cards} if data.diagnosis else {}
    columns = [Column("model", "model"), Column("weight", "weight", "bar")]
    rows: list[list[Any]] = []
    for name, weight in sorted(blend.weights.items(), key=lambda item: -item[1]):
        row: list[Any] = [name, weight]
        if cards:
            card = cards.get(name)
            row += [getattr(card, column.key) if card else NOTHING for column in _CARD]
        rows.append(row)
    return ReportTable((*columns, *(_CARD if cards else ())), rows)


def common_rows(entries: list[Ranked]) -> np.ndarray:
    """int64: the rows that all of them have predictions of."""
    rows = entries[0].rows
    for entry in entries[1:]:
        if not np.array_equal(rows, entry.rows):
            rows = np.intersect1d(rows, entry.rows)
    return rows


def correlate_errors(data: ReportData, models: list[Ranked]) -> np.ndarray:
    """float64 [m, m]: correlation over rows of what each leaves to the true class's probability.

    0 where a model is constant, 1 on the diagonal.
    """
    rows = common_rows(models)
    labels = data.labels[rows]
    missing = np.stack([1.0 - entry.record.oof[rows, labels] for entry in models])
    missing = missing.astype(np.float64) - missing.mean(1, keepdims=True, dtype=np.float64)
    norms = np.sqrt((missing**2).sum(1))
    scaled = np.divide(
        missing, norms[:, None], out=np.zeros_like(missing), where=norms[:, None] > 0
    )
    matrix = np.clip(scaled @ scaled.T, -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    return matrix
