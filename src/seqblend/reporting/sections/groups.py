"""The section on groups of rows: accuracy by length, by class, by number of unknown tokens."""

from __future__ import annotations

from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.tables import Table
from seqblend.reporting.facts.breakdowns import spread, tabulate_recall, tabulate_tenths
from seqblend.reporting.facts.entries import Entry
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.classes import draw_classes
from seqblend.reporting.figures.scores import draw_tenths


def groups_section(data: ReportData, entries: list[Entry]) -> Section:
    """One picture for each way of grouping that leaves at least two groups."""
    scored = [entry for entry in entries if len(entry.rows)]
    if not scored:
        return Section("groups", "By group of rows", [])
    pictures = [
        _draw_lengths(data, scored),
        _draw_classes(data, scored),
        _draw_unknown(data, scored),
    ]
    shown = [picture for picture in pictures if picture]
    text = (
        "Where the intervals of two groups do not overlap, the difference is not chance: look at "
        "rows of the weak group before you train longer."
    )
    return Section(
        "groups", "By group of rows", [Block(text=text, pictures=shown)] if shown else []
    )


def _draw_lengths(data: ReportData, entries: list[Entry]) -> Picture | None:
    table = tabulate_tenths(data, entries, data.lengths)
    return _draw(data, "accuracy_by_length", "Accuracy by length", "tokens", table)


def _draw_unknown(data: ReportData, entries: list[Entry]) -> Picture | None:
    if data.texts is None:
        return None
    table = tabulate_tenths(data, entries, data.texts.unknown)
    title = "Accuracy by number of unknown tokens"
    return _draw(data, "accuracy_by_unknown", title, "unknown tokens", table)


def _draw(data: ReportData, name: str, title: str, what: str, table: Table) -> Picture | None:
    names, arrays = spread(table)
    if len(names) < 2:
        return None
    lead = "blend" if data.blend is not None else None
    return draw_tenths(name, title, what, names, arrays, lead, table)


def _draw_classes(data: ReportData, entries: list[Entry]) -> Picture | None:
    table = tabulate_recall(data, entries)
    lead = "blend" if data.blend is not None else entries[0].name
    return draw_classes(table, lead)
