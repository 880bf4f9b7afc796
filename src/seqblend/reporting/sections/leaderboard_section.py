"""The section of the leaderboard."""

from __future__ import annotations

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.evaluation.score_text import score_format
from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.metric_titles import title_of
from seqblend.reporting.elements.style import clean
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.leaderboard_table import BOARD, shorten, tabulate
from seqblend.reporting.facts.records import ReportData


def leaderboard_section(data: ReportData, entries: list[Ranked]) -> Section:
    """The table, and a sentence on its head."""
    if not entries:
        return Section("leaderboard", "Leaderboard", [])
    title, lead = title_of(data.metric), submitted_row(entries)
    form = score_format(data.metric)
    text = (
        f"Sorted by {title} over all rows. Models are scored out of fold, the blend is "
        "cross-fitted: no row is scored by anything that was fitted on it."
    )
    board = tabulate(data, entries)
    block = Block(text=text, table=shorten(board), csv=BOARD, data=board.frame())
    summary = ""
    if lead:
        name = "The blend" if lead.is_blend else clean(lead.name, 40)
        summary = f"{name} is submitted: {title} {form(lead.pooled)}"
    best = next((e for e in entries if not e.is_blend and e.pooled is not None), None)
    if lead and best and best is not lead:
        summary += f"; the best single model is {clean(best.name, 40)} with {form(best.pooled)}"
    return Section("leaderboard", "Leaderboard", [block], summary and f"{summary}.")
