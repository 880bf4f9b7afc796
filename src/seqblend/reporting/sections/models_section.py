"""The section on models: learning curves, gradient norms, confusion."""

from __future__ import annotations

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.reporting.elements.blocks import Block, Picture, Section
from seqblend.reporting.elements.report_tables import ReportTable
from seqblend.reporting.elements.style import clean
from seqblend.reporting.facts.breakdowns import (
    matrices_of,
    tabulate_classes,
    tabulate_history,
)
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.histories import HISTORY
from seqblend.reporting.facts.leaderboard_table import reference_of
from seqblend.reporting.facts.records import ModelRecord, ReportData
from seqblend.reporting.figures.epochs import draw_curves, draw_gradients
from seqblend.reporting.figures.matrices import SHOWN, draw_confusion, worst_classes

_EMBEDDED = 4  # confusion matrices on the page; the others lie beside it


def models_section(data: ReportData, entries: list[Ranked]) -> Section:
    """Everything about single models and the blend, best first."""
    blocks, chosen = [_curves_block(data, entries)], submitted_row(entries)
    if chosen is not None:
        blocks += _confusion_blocks(data, entries, chosen.name)
    shown = [block for block in blocks if block.pictures or block.table]
    sentences = [picture.sentence for block in shown[:1] for picture in block.pictures[:1]]
    return Section("models", "Models", shown, "".join(sentences))


def _curves_block(data: ReportData, entries: list[Ranked]) -> Block:
    """Loss and accuracy by epoch of all models, gradient norms of the best that has any."""
    models = [entry for entry in entries if isinstance(entry.record, ModelRecord)]
    histories = {e.name: e.record.histories for e in models}
    shown: list[Picture | None] = []
    for what, key in (("loss", "log_loss"), ("accuracy", "accuracy")):
        levels = {e.name: v for e in models if (v := e.summary.get(key)) is not None}
        reference = reference_of(data) if what == "accuracy" else None
        shown.append(draw_curves(what, histories, levels, reference))
    norms = (draw_gradients(name, units) for name, units in histories.items())
    shown.append(next(filter(None, norms), None))
    text = (
        "Thin lines are single units (one fold, one seed), the thick line is their mean. Training "
        "rows are scored during training, with dropout."
    )
    pictures, table = [picture for picture in shown if picture], tabulate_history(data)
    return Block("Learning curves", text, pictures=pictures, csv=HISTORY, data=table)


def _confusion_blocks(data: ReportData, entries: list[Ranked], chosen: str) -> list[Block]:
    """Confusion matrices, what is submitted first, and its classification report."""
    matrices = matrices_of(data, entries)
    names = [chosen, *(name for name in matrices if name != chosen)]
    drawn = [draw_confusion(name, matrices[name], data.classes) for name in names]
    text = (
        "Rows are true classes, columns predicted ones. The stronger the colour, the larger the "
        "share of its row (square-root scale, so that rare errors can be seen)."
    )
    worst, report = worst_classes(matrices[chosen]), tabulate_classes(data.classes, matrices)
    some = "" if len(worst) == len(data.classes) else f", the {SHOWN} classes with the lowest F1"
    rows = [row[1:] for row in report.rows if row[0] == chosen]
    table = ReportTable(report.columns[1:], [rows[k] for k in worst])
    shown, beside = drawn[:_EMBEDDED], drawn[_EMBEDDED:]
    title = f"Classification report of {clean(chosen, 40)}{some}"
    return [
        Block(f"Confusion matrices{some}", text, pictures=shown, links=beside),
        Block(title, table=table, csv="classes.csv", data=report.frame()),
    ]
