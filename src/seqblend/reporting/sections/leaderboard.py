"""The section of the leaderboard: the table and its picture."""

from __future__ import annotations

from seqblend.metrics import METRICS
from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.tables import Table
from seqblend.reporting.facts.entries import Entry
from seqblend.reporting.facts.leaderboard import BOARD, reference_of, shorten, title_of
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.scores import draw_scores


def leaderboard_section(
    data: ReportData, entries: list[Entry], tables: dict[str, Table]
) -> Section:
    """The table and its picture."""
    if not entries:
        return Section("leaderboard", "Leaderboard", [])
    scored = [(e.name, e.pooled, e.folds) for e in entries if e.pooled is not None]
    reference = reference_of(data) if data.metric == "accuracy" else None
    lead = "blend" if data.blend is not None else None
    text = (
        f"Sorted by {title_of(data.metric)}, all rows together. Models are scored out of fold, the "
        "blend cross-fitted: no row was scored by anything fitted on it. "
        "± is the standard deviation over folds. A click on a column's head sorts by it."
    )
    text += "".join(f" {name.capitalize()}: {v:.4f}." for name, v in data.reference.items())
    if len(scored) == 1 and len(scored[0][2]) < 2:
        scored = []  # one mark is no picture
    title, is_share = title_of(data.metric), METRICS[data.metric].higher_is_better
    pictures = [draw_scores(title, scored, lead, reference, is_share=is_share)] if scored else []
    blocks = [Block(text=text, table=shorten(tables[BOARD]), csv=BOARD, pictures=pictures)]
    return Section("leaderboard", "Leaderboard", blocks)
