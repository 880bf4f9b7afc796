"""The sections on errors, row by row, and on explanations of single rows."""

from __future__ import annotations

import numpy as np

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.evaluation.metrics import predict_classes
from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.report_tables import ReportTable
from seqblend.reporting.elements.style import clean, percent
from seqblend.reporting.facts.cell_mistakes import tabulate_worst_labels, tabulate_worst_numbers
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.mistakes import find_label_check, tabulate_suspects, tabulate_worst
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.token_strips import draw_explanation

_SUSPECTS = 15  # on the page; the CSV has them all


def class_errors(data: ReportData, entries: list[Ranked]) -> Section:
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
    wrong = predict_classes(chosen.record.oof[chosen.rows]) != data.targets[chosen.rows]
    lead = (
        f"{_name_of(chosen)} is wrong on {wrong.sum():,} of {len(wrong):,} rows "
        f"({percent(wrong.mean())})."
    )
    return Section("errors", "Errors", blocks, lead)


def label_errors(data: ReportData, entries: list[Ranked]) -> Section:
    """The rows of highest loss, and how many rows have every label right."""
    chosen = submitted_row(entries)
    if chosen is None:
        return Section("errors", "Errors", [])
    text = "Rows of the highest loss that have a label on the wrong side of 0.5."
    wrong = (chosen.record.oof[chosen.rows] > 0.5) != (data.targets[chosen.rows] == 1)
    rows, cells = wrong.any(axis=1), wrong.mean()
    lead = (
        f"{_name_of(chosen)} has a wrong label in {rows.sum():,} of {len(rows):,} rows "
        f"({percent(rows.mean())}); {percent(cells)} of all labels are wrong."
    )
    return Section(
        "errors", "Errors", _worst_block(text, tabulate_worst_labels(data, chosen)), lead
    )


def number_errors(data: ReportData, entries: list[Ranked]) -> Section:
    """The rows of highest loss."""
    chosen = submitted_row(entries)
    if chosen is None:
        return Section("errors", "Errors", [])
    several = " Of several columns, the one that is farthest off in standard deviations is shown."
    text = "Rows of the largest squared error." + (several if len(data.classes) > 1 else "")
    losses = np.sort(data.task.losses(data.targets[chosen.rows], chosen.record.oof[chosen.rows]))
    most = max(len(losses) // 100, 1)
    share = losses[-most:].sum() / max(losses.sum(), 1e-300)
    lead = (
        f"{_name_of(chosen)}: the worst {most:,} of {len(losses):,} rows have {percent(share)} of "
        "the squared error."
    )
    blocks = _worst_block(text, tabulate_worst_numbers(data, chosen))
    return Section("errors", "Errors", blocks, lead)


def _worst_block(text: str, table: ReportTable) -> list[Block]:
    """The worst rows; nothing without any."""
    return [Block("Worst rows", text, table=table, csv="worst_rows.csv")] if table.rows else []


def _name_of(entry: Ranked) -> str:
    """At the beginning of a sentence."""
    return "The blend" if entry.is_blend else clean(entry.name, 40)


def explanations_section(data: ReportData) -> Section:
    """Coloured rows of every explained model."""
    lead, blocks = "Colours show the weight of each token in the explained prediction.", []
    for explanation in data.explanations if data.texts else []:
        pictures = [draw_explanation(data, explanation, name) for name in explanation.weights]
        blocks.append(Block(clean(explanation.model, 40), pictures=pictures))
    return Section("explanations", "Explanations", blocks, lead)
