"""Blocks on predicted classes: confusion matrices, the classification report, grade decisions."""

from __future__ import annotations

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.reporting.elements.blocks import Block
from seqblend.reporting.elements.metric_titles import title_of
from seqblend.reporting.elements.report_tables import Column, ReportTable, score_kind
from seqblend.reporting.elements.style import clean
from seqblend.reporting.facts.breakdowns import matrices_of, tabulate_classes
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.matrices import SHOWN, draw_confusion, worst_classes

_EMBEDDED = 4  # confusion matrices on the page; the others lie beside it


def class_blocks(data: ReportData, entries: list[Ranked]) -> list[Block]:
    """Confusion matrices, what is submitted first, and its classification report."""
    lead = submitted_row(entries)
    if lead is None:
        return []
    chosen, matrices = lead.name, matrices_of(data, entries)
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


def grade_blocks(data: ReportData, entries: list[Ranked]) -> list[Block]:
    """The blend's ways to decide a grade, then what all classes have."""
    return [*_decision_blocks(data), *class_blocks(data, entries)]


def _decision_blocks(data: ReportData) -> list[Block]:
    """Each way to decide a grade from the blend's mixture; nothing where there is one alone."""
    decisions = data.blend.decisions if data.blend else []
    if not decisions:
        return []
    metric = title_of(data.metric)
    columns = (
        Column("decision", "grade by"),
        Column("cross_fitted", f"{metric}, cross-fitted", score_kind(data.metric)),
        Column("used", "submitted"),
    )
    rows = [[what, value, "yes" if is_used else ""] for what, value, is_used in decisions]
    text = (
        f"How grades may be decided from the blend's probabilities, each fitted on the other folds "
        f"and scored by {metric}. Another decision than the largest probability is submitted where "
        "it is better by more than two standard errors. It moves probability between grades: the "
        "blend's log loss and calibration error are of what is submitted."
    )
    return [Block("Grade decisions", text, table=ReportTable(columns, rows), csv="decisions.csv")]
