"""Blocks on predicted numbers: scores of each column, predicted against true, residuals."""

from __future__ import annotations

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.reporting.elements.blocks import Block
from seqblend.reporting.elements.report_tables import ReportTable
from seqblend.reporting.elements.style import clean, display_labels
from seqblend.reporting.facts.columns import columns_of, tabulate_numbers
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.lengths import draw_residuals
from seqblend.reporting.figures.predictions import draw_predictions

_DRAWN = 4  # columns
_SHOWN = 30  # columns in the table on the page; the CSV has them all


def number_blocks(data: ReportData, entries: list[Ranked]) -> list[Block]:
    """A table of all columns, and pictures of what is submitted."""
    chosen = submitted_row(entries)
    if chosen is None:
        return []
    table = tabulate_numbers(data, entries)
    own = columns_of(table, chosen.name)
    true, predicted = data.targets[chosen.rows], chosen.record.oof[chosen.rows].astype(float)
    pictures = []
    for k, name in enumerate(display_labels(data.classes, 40)[:_DRAWN]):
        scores = _describe(own, k)
        pictures.append(draw_predictions(k, name, true[:, k], predicted[:, k], scores))
    residuals, unit = true - predicted, "in the target's units"
    if len(data.classes) > 1:
        spread = true.std(axis=0)
        residuals, unit = residuals[:, spread > 0] / spread[spread > 0], "in standard deviations"
    if residuals.size:
        lengths = data.lengths[chosen.rows]
        pictures.append(draw_residuals(lengths, residuals, unit, chosen.name))
    title = f"Predictions of {clean(chosen.name, 40)}"
    shown = ReportTable(own.columns, own.rows[:_SHOWN])
    return [
        Block(title, table=shown, csv="columns.csv", data=table.frame(), pictures=pictures),
    ]


def _describe(own: ReportTable, k: int) -> str:
    """The R² and RMSE of the k-th column, in words."""
    shown = dict(zip((column.key for column in own.columns), own.shown()[k], strict=True))
    return f"R² {shown['r2']}, RMSE {shown['rmse']}"
