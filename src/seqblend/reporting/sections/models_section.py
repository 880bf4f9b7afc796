"""The section on models: curves by epoch and length, gradient norms, confusion."""

from __future__ import annotations

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.reporting.elements.blocks import Block, Picture, Section
from seqblend.reporting.elements.report_tables import ReportTable
from seqblend.reporting.elements.style import clean
from seqblend.reporting.facts.breakdowns import (
    accuracy_by_length,
    matrices_of,
    tabulate_classes,
    tabulate_history,
)
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.histories import HISTORY, Histories
from seqblend.reporting.facts.records import ModelRecord, ReportData
from seqblend.reporting.figures.epochs import describe_loss, draw_curves, draw_gradients
from seqblend.reporting.figures.lengths import draw_lengths
from seqblend.reporting.figures.matrices import SHOWN, draw_confusion, worst_classes

_EMBEDDED = 4  # confusion matrices on the page; the others lie beside it


def models_section(data: ReportData, entries: list[Ranked]) -> Section:
    """Everything about single models and the blend, best first."""
    models = [entry for entry in entries if isinstance(entry.record, ModelRecord)]
    histories, chosen = {e.name: e.record.histories for e in models}, submitted_row(entries)
    pictures = _draw_curves(data, models, histories)
    blocks = []
    if chosen is not None:
        pictures.append(draw_lengths(accuracy_by_length(data, entries), chosen.name))
        blocks = _confusion_blocks(data, entries, chosen.name)
    if shown := [picture for picture in pictures if picture]:
        text = (
            "By epoch, thin lines are single units (one fold, one seed), the thick line is their "
            "mean. Training rows are scored during training, with dropout."
        )
        table = tabulate_history(data)
        blocks.insert(0, Block("Curves", text, pictures=shown, csv=HISTORY, data=table))
    return Section("models", "Models", blocks, describe_loss(histories))


def _draw_curves(
    data: ReportData, models: list[Ranked], histories: dict[str, Histories]
) -> list[Picture | None]:
    """Loss and accuracy by epoch of all models, gradient norms of the best that has any."""
    shown = []
    for what, key in (("loss", "log_loss"), ("accuracy", "accuracy")):
        levels = {e.name: v for e in models if (v := e.summary.get(key)) is not None}
        best = data.best_reachable if what == "accuracy" else None
        shown.append(draw_curves(what, histories, levels, best))
    norms = (draw_gradients(name, units) for name, units in histories.items())
    return [*shown, next(filter(None, norms), None)]


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
