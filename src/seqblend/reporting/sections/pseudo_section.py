"""The report's section on pseudo-labels: each model's score without and with them."""

from __future__ import annotations

from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.report_tables import NOTHING, Column, ReportTable
from seqblend.reporting.facts.entries import Ranked, compare
from seqblend.reporting.facts.leaderboard_table import title_of
from seqblend.reporting.facts.records import ModelRecord, ReportData

_LEAD = "Each model, fitted once more with confident test predictions as labels."
_TEXT = (
    "The pseudo-labels of a fold come from that fold's own fits, which have seen no label of its "
    "rows, so both scores are out of fold. The gain is that of single fits: a submission averages "
    "the folds' fits, which takes a part of it away."
)


def pseudo_section(data: ReportData, entries: list[Ranked]) -> Section:
    """The scores side by side; no block where no model had a second stage."""
    table = tabulate_pseudo(data, entries)
    blocks = [Block(text=_TEXT, table=table, csv="pseudo.csv")] if table.rows else []
    return Section("pseudo", "Pseudo-labels", blocks, _LEAD)


def tabulate_pseudo(data: ReportData, entries: list[Ranked]) -> ReportTable:
    """A row a model with two stages, in the leaderboard's order."""
    models = [entry for entry in entries if isinstance(entry.record, ModelRecord)]
    bases = {entry.record.run: entry for entry in models}
    pairs = [(entry.record.pseudo, entry) for entry in models if entry.record.pseudo is not None]
    pairs = [(facts, entry) for facts, entry in pairs if facts.base in bases]
    has_right = any(facts.right is not None for facts, _ in pairs)
    title = title_of(data.metric)
    columns = [
        Column("model", "model"),
        Column("oof", f"{title}, OOF", "score"),
        Column("oof_pseudo", f"{title}, OOF, with", "score", "with pseudo-labels"),
        Column("gain", "gain", "signed", "above 0 where pseudo-labels help"),
        Column("error", "± error", "score", "paired standard error of the gain, of rows and fits"),
        Column("rows", "pseudo-labels a fold", help="the fewest and the most of a unit"),
        Column("confidence", "threshold", "score", "the least mean probability of such a row"),
        Column("right", "labels correct", "score", "share, by the solution file"),
    ]
    rows = [
        [
            *_scores(data, bases[facts.base], entry),
            f"{min(facts.rows):,} to {max(facts.rows):,}",
            facts.confidence,
            NOTHING if facts.right is None else facts.right,
        ]
        for facts, entry in pairs
    ]
    table = ReportTable(tuple(columns), rows)
    return table if has_right else table.without("right")


def _scores(data: ReportData, base: Ranked, second: Ranked) -> list:
    """Name, score without, score with, gain and its standard error."""
    lead = compare(data, second, base)
    gain = [None, None] if lead is None else [lead.mean, lead.error]
    return [base.name, base.pooled, second.pooled, *gain]
