"""The sections on errors, by length and row by row, and on explanations of single rows."""

from __future__ import annotations

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.report_tables import ReportTable
from seqblend.reporting.elements.style import clean
from seqblend.reporting.facts.breakdowns import accuracy_by_length
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.mistakes import tabulate_suspects, tabulate_worst
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.lengths import draw_lengths
from seqblend.reporting.figures.token_strips import draw_explanation

_SUSPECTS = 15  # on the page; the CSV has them all


def errors_section(data: ReportData, entries: list[Ranked]) -> Section:
    """Accuracy by length, the worst rows and the suspected labels, where there are any."""
    scored, chosen, blocks = [e for e in entries if len(e.rows)], submitted_row(entries), []
    if chosen is None:
        return Section("errors", "Errors", [])
    picture = draw_lengths(accuracy_by_length(data, scored), chosen.name)
    if picture is not None:
        blocks.append(Block("By length", pictures=[picture]))
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
    return Section("errors", "Errors", blocks, picture.sentence if picture else "")


def explanations_section(data: ReportData) -> Section:
    """Coloured rows of every explained model."""
    lead, blocks = "Colours show the weight of each token in the explained prediction.", []
    for explanation in data.explanations if data.texts else []:
        pictures = [draw_explanation(data, explanation, name) for name in explanation.weights]
        blocks.append(Block(clean(explanation.model, 40), pictures=pictures))
    return Section("explanations", "Explanations", blocks, lead)
