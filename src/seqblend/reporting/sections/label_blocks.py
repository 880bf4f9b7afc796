"""Blocks on several labels at once: scores and calibration of each."""

from __future__ import annotations

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.reporting.elements.blocks import Block
from seqblend.reporting.elements.report_tables import Column, ReportTable
from seqblend.reporting.elements.style import clean, display_labels
from seqblend.reporting.facts.columns import columns_of, measure_label, tabulate_labels
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.reliability import draw_reliability

_MODELS = 5  # in the table of areas, the best ones
_SHOWN = 30  # labels on the page; the CSV has them all


def label_blocks(data: ReportData, entries: list[Ranked]) -> list[Block]:
    """A table of all labels, the areas of the best models, and calibration."""
    chosen = submitted_row(entries)
    if chosen is None:
        return []
    table = tabulate_labels(data, entries)
    own, some = columns_of(table, chosen.name), ""
    if len(own.rows) > _SHOWN:
        some = f", the first {_SHOWN}"
    names, curves = display_labels(data.classes, 40), {}
    for k, name in enumerate(names):
        y, p = data.targets[chosen.rows, k], chosen.record.oof[chosen.rows, k]
        curves[name] = measure_label(y, p)
    shown = ReportTable(own.columns, own.rows[:_SHOWN])
    title = f"Labels of {clean(chosen.name, 40)}{some}"
    return [
        Block(title, table=shown, csv="columns.csv", data=table.frame()),
        *_areas(table, entries),
        Block("Calibration", pictures=[draw_reliability(curves, chosen.name)]),
    ]


def _areas(table: ReportTable, entries: list[Ranked]) -> list[Block]:
    """The AUC of each label by the best entries; nothing with a single one."""
    names = [entry.name for entry in entries if len(entry.rows)][:_MODELS]
    if len(names) < 2:
        return []
    at = [column.key for column in table.columns].index("auc")
    by_model = [[row[at] for row in table.rows if row[0] == name] for name in names]
    labels = [row[1] for row in table.rows if row[0] == names[0]]
    columns = (Column("column", "label"), *(Column(n, clean(n, 40), "score") for n in names))
    rows = [list(row) for row in zip(labels, *by_model, strict=True)]
    return [Block("AUC of each label", table=ReportTable(columns, rows[:_SHOWN]))]
