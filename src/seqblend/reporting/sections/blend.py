"""What the blend is made of: methods, weights, the loss without a member, errors alike."""

from __future__ import annotations

from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.style import clean
from seqblend.reporting.elements.tables import Column, Table
from seqblend.reporting.facts.entries import Entry
from seqblend.reporting.facts.leaderboard import title_of
from seqblend.reporting.facts.members import correlate_errors, tabulate_members
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.correlation import draw_correlation

_CARDS = (
    " Loss without: by how much the cross-fitted log loss of a log-odds blend rises when it is "
    "refitted without the member. Unrest is the spread of its fits on a test row, which more seeds "
    "take away."
)
_SHOWN = 20  # members in the table, the heaviest ones


def blend_section(data: ReportData, entries: list[Entry]) -> Section:
    """Methods cross-fitted against in-sample, weights, correlation of errors, value of members."""
    models = [entry for entry in entries if not entry.is_blend and len(entry.rows)]
    blocks = _tables(data) if data.blend else []
    if len(models) > 1:
        picture = draw_correlation(models, correlate_errors(data, models))
        blocks.append(Block("How alike the models err", pictures=[picture]))
    return Section("blend", "Blend", blocks)


def _tables(data: ReportData) -> list[Block]:
    metric, blend, blocks = title_of(data.metric), data.blend, []
    if blend.table:
        columns = (
            Column("method", "method"),
            Column("cross_fitted", f"{metric}, cross-fitted", "score"),
            Column("in_sample", f"{metric}, in-sample", "score"),
            Column("gap", "gap", "signed", "by how much in-sample flatters"),
            Column("size", "members", "count", "with a weight of 0.001 or more"),
            Column("low", "95 % from", "score", "bootstrap over rows, the same for every method"),
            Column("high", "to", "score"),
            Column("beats_single", "P(beats single)", "score", "the best single model"),
            Column("forecast_low", "test from", "score", "95 % forecast for this test set"),
            Column("forecast_high", "to", "score"),
        )
        columns = columns if blend.whole else columns[:4]
        whole = blend.whole | {"method": "the choice of one, nested"}
        shown = [*blend.table, whole] if blend.whole else blend.table
        rows = [[row.get(c.key) for c in columns] for row in shown]
        text = (
            f"Chosen: {blend.method}, the smallest blend within one standard error of the best. "
            "The in-sample score is that of the rows which chose the weights; it flatters, and "
            "the gap says by how much. The last line is of choosing itself: each part of the rows "
            "is scored by the method and weights that the other parts choose."
        )
        blocks.append(Block("Methods", text, table=Table(columns, rows)))
    if blend.weights:
        board = tabulate_members(data, blend)
        text = "Each member's weight in the blend."
        if data.diagnosis is not None and data.diagnosis.cards:
            text += _CARDS
        if data.diagnosis is not None and data.diagnosis.seeds_for:
            text += f" A further seed is worth most for {clean(data.diagnosis.seeds_for, 40)}."
        shown = Table(board.columns, board.rows[:_SHOWN])
        blocks.append(Block("Members", text, table=shown, csv="members.csv"))
    return blocks
