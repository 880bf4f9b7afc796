"""The section on errors: the worst rows with what they hang on, and labels that may be wrong."""

from __future__ import annotations

from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.tables import Table
from seqblend.reporting.facts.mistakes import SUSPECTS, WORST, find_suspects
from seqblend.reporting.facts.records import ReportData

_SUSPECTS = 15  # on the page; the CSV has them all


def errors_section(data: ReportData, tables: dict[str, Table]) -> Section:
    """The worst rows and the doubted labels, as far as there are any."""
    blocks = []
    if worst := tables.get(WORST):
        text = (
            f"{_count(len(worst.rows))} whose true class was given the least probability, out of "
            "fold, by what is submitted. Ask of each: is the label right, is something cut "
            "off, could a person tell?"
        )
        blocks.append(Block("Worst rows", text, table=worst, csv=WORST))
    if doubted := tables.get(SUSPECTS):
        suspects = find_suspects(data)
        text = f"{_count(len(doubted.rows))}: {suspects.how}. The most doubtful first."
        shown = Table(doubted.columns, doubted.rows[:_SUSPECTS])
        blocks.append(Block("Labels that may be wrong", text, table=shown, csv=SUSPECTS))
    return Section("errors", "Errors", blocks)


def _count(n: int) -> str:
    return "1 row" if n == 1 else f"{n:,} rows"
