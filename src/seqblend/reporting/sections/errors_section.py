"""The sections on errors, row by row, and on explanations of single rows."""

from __future__ import annotations

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.evaluation.metrics import predict_classes
from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.report_tables import ReportTable
from seqblend.reporting.elements.style import clean, percent
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.mistakes import find_label_check, tabulate_suspects, tabulate_worst
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.token_strips import draw_explanation

_SUSPECTS = 15  # on the page; the CSV has them all


def errors_section(data: ReportData, entries: list[Ranked]) -> Section:
    """The worst rows and the suspected labels, where there are any."""
    chosen, blocks = submitted_row(entries), []
    if chosen is None:
        return Section("errors", "Errors", [])
    worst = tabulate_worst(data, entries)
    if worst.rows:
        text = (
            "Rows predicted wrongly whose label has the lowest probability. Is the label right? Is "
            "something cut off? Could a person tell?"
        )
        blocks.append(Block("Worst rows", text, table=worst, csv="worst_rows.csv"))
    if check := find_label_check(data):
        doubted = tabulate_suspects(data, entries, check)
        text = f"{check.description[:1].upper()}{check.description[1:]}: {check.figure}."
        shown = ReportTable(doubted.columns, doubted.rows[:_SUSPECTS])
        title, csv = "Labels that may be wrong", "suspected_labels.csv"
        blocks.append(Block(title, text, table=shown, csv=csv, data=doubted.frame()))
    wrong = predict_classes(chosen.record.oof[chosen.rows]) != data.labels[chosen.rows]
    name = "The blend" if chosen.is_blend else clean(chosen.name, 40)
    lead = f"{name} is wrong on {wrong.sum():,} of {len(wrong):,} rows ({percent(wrong.mean())})."
    return Section("errors", "Errors", blocks, lead)


def explanations_section(data: ReportData) -> Section:
    """Coloured rows of every explained model."""
    lead, blocks = "Colours show the weight of each token in the explained prediction.", []
    for explanation in data.explanations if data.texts else []:
        pictures = [draw_explanation(data, explanation, name) for name in explanation.weights]
        blocks.append(Block(clean(explanation.model, 40), pictures=pictures))
    return Section("explanations", "Explanations", blocks, lead)
