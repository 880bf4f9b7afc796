"""The sections on errors, by group and row by row, and on explanations of single rows."""

from __future__ import annotations

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.reporting.elements.blocks import Block, Picture, Section
from seqblend.reporting.elements.report_tables import ReportTable
from seqblend.reporting.elements.style import clean
from seqblend.reporting.facts.breakdowns import accuracy_by_class, accuracy_by_tenth
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.mistakes import tabulate_suspects, tabulate_worst
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.groups_of_rows import draw_groups
from seqblend.reporting.figures.token_strips import draw_explanation

_SUSPECTS = 15  # on the page; the CSV has them all


def errors_section(data: ReportData, entries: list[Ranked]) -> Section:
    """Accuracy by group of rows, the worst rows and the suspected labels, where there are any."""
    scored, chosen, blocks = [e for e in entries if len(e.rows)], submitted_row(entries), []
    if chosen is None:
        return Section("errors", "Errors", [])
    if pictures := _draw_groups(data, scored, chosen.name):
        text = (
            "Where the intervals of two groups do not overlap, the difference is significant: read "
            "rows of the weak group before you train longer."
        )
        blocks.append(Block("By group of rows", text, pictures=pictures))
    worst = tabulate_worst(data, scored)
    if worst.rows:
        text = (
            "Rows predicted wrongly whose label has the lowest probability. Is the label right? Is "
            "something cut off? Could a person tell?"
        )
        blocks.append(Block("Worst rows", text, table=worst, csv="worst_rows.csv"))
    doubted = tabulate_suspects(data, scored)
    if doubted.rows:
        text = f"{data.suspects.how[:1].upper()}{data.suspects.how[1:]}."
        shown = ReportTable(doubted.columns, doubted.rows[:_SUSPECTS])
        title, csv = "Labels that may be wrong", "suspected_labels.csv"
        blocks.append(Block(title, text, table=shown, csv=csv, data=doubted.frame()))
    return Section("errors", "Errors", blocks, pictures[0].sentence if pictures else "")


def _draw_groups(data: ReportData, entries: list[Ranked], lead: str) -> list[Picture]:
    """One picture for each way of grouping that leaves at least two groups."""
    by_class = accuracy_by_class(data, entries)
    by_length = accuracy_by_tenth(data, entries, data.lengths)
    pictures = [
        draw_groups("accuracy_by_class", "true class", by_class, lead, is_ordered=False),
        draw_groups("accuracy_by_length", "length in tokens", by_length, lead, is_ordered=True),
    ]
    return [picture for picture in pictures if picture]


def explanations_section(data: ReportData) -> Section:
    """Coloured rows of every explained model."""
    lead, blocks = "Colours show the weight of each token in the explained prediction.", []
    for explanation in data.explanations if data.texts else []:
        pictures = [draw_explanation(data, explanation, name) for name in explanation.weights]
        blocks.append(Block(clean(explanation.model, 40), pictures=pictures))
    return Section("explanations", "Explanations", blocks, lead)
