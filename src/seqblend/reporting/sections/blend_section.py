"""What the blend is made of: methods, weights, the loss without a member, correlated errors."""

from __future__ import annotations

from typing import Any

from seqblend.evaluation.score_text import score_format
from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.metric_titles import title_of
from seqblend.reporting.elements.report_tables import Column, ReportTable, score_kind
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.member_table import blend_kind, correlate_errors, tabulate_members
from seqblend.reporting.facts.records import BlendRecord, ReportData
from seqblend.reporting.figures.matrices import draw_correlation

_SHOWN = 20  # members in the table, the heaviest ones


def blend_section(data: ReportData, entries: list[Ranked]) -> Section:
    """Methods cross-fitted against in-sample, weights, correlation of errors, value of members."""
    models = [entry for entry in entries if not entry.is_blend and len(entry.rows)]
    blocks, lead = [], ""
    if data.blend:
        used = [name for name, weight in data.blend.weights.items() if weight]
        lead = f"Method {data.blend.method}: {len(used)} of {len(models)} models have a weight."
        if data.blend.table:
            blocks.append(_methods_block(data.blend, data.metric))
        if data.blend.weights:
            blocks.append(_members_block(data, data.blend))
    if len(models) > 1:
        matrix = correlate_errors(data, models)
        blocks.append(Block(pictures=[draw_correlation([e.name for e in models], matrix)]))
    return Section("blend", "Blend", blocks, lead)


def _methods_block(blend: BlendRecord, metric: str) -> Block:
    title, kind = title_of(metric), score_kind(metric)
    signed = score_kind(metric, is_signed=True)
    columns = (
        Column("method", "method"),
        Column("cross_fitted", f"{title}, cross-fitted", kind),
        Column("in_sample", f"{title}, in-sample", kind),
        Column("gap", "gap", signed, "by how much the in-sample score is optimistic"),
        Column("size", "members", "count", "with a weight of 0.001 or more"),
        Column("low", "95 % from", kind, "bootstrap over rows, the same for every method"),
        Column("high", "to", kind),
        Column("beats_single", "P(better than the best model)", "score"),
    )
    columns = columns if blend.whole else columns[:4]
    nested = [blend.whole | {"method": "nested cross-validation"}] if blend.whole else []
    rows = [[row.get(c.key) for c in columns] for row in [*blend.table, *nested]]
    text = (
        "The smallest blend within one standard error of the best is chosen. In-sample scores are "
        "those of the rows that chose the weights, and optimistic by the gap."
    )
    if nested:
        text += (
            " Nested cross-validation scores the whole procedure, each part of the rows by the "
            "method and weights that the other parts choose."
        )
        text += _forecast_sentence(blend.whole, metric)
    return Block("Methods", text, table=ReportTable(columns, rows))


def _forecast_sentence(whole: dict[str, Any], metric: str) -> str:
    """What to expect on the test set, beside the cross-fitted score; empty where not known."""
    if "forecast_middle" not in whole:
        return ""
    form = score_format(metric)
    middle, low, high = (form(whole[f"forecast_{name}"]) for name in ("middle", "low", "high"))
    return (
        f" On the test set {middle} is expected (95 % forecast {low} to {high}): predictions there "
        f"are means over folds{and_refit(whole)}, which changes the score by "
        f"{form(whole['averaging_gain'], is_signed=True)} as the spread of the folds' predictions "
        "tells, and the interval holds the luck of the test rows."
    )


def and_refit(whole: dict[str, Any]) -> str:
    """What the mean over folds includes besides them."""
    return " and a fit on all rows" if whole.get("refit") else ""


def _members_block(data: ReportData, blend: BlendRecord) -> Block:
    text = "Each member's weight in the blend."
    if data.diagnosis is not None and data.diagnosis.cards:
        text += (
            f" Loss without: by how much the cross-fitted {data.task.loss_name} of a "
            f"{blend_kind(data.task)} blend rises when it is refitted without the member."
        )
    table = tabulate_members(data, blend)
    shown = ReportTable(table.columns, table.rows[:_SHOWN])
    return Block("Members", text, table=shown, csv="members.csv", data=table.frame())
