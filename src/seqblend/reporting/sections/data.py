"""The section on the data: facts, what was inferred, lengths, vectors, and what to know."""

from __future__ import annotations

from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.tables import Column, Table
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.row_lengths import draw_row_lengths
from seqblend.reporting.sections.vectors import vectors_blocks


def data_section(data: ReportData) -> Section:
    """Facts about the data, what was inferred and how to override it, warnings, lengths."""
    blocks = []
    if data.card.rows:
        columns = (Column("fact", "fact"), Column("value", "value"), Column("remark", "remark"))
        rows = [list(row) for row in data.card.rows]
        blocks.append(Block("Data card", table=Table(columns, rows)))
    if data.findings:
        names = ("what", "value", "override with", "why")
        columns = tuple(Column(name, name) for name in names)
        rows = [[f.what, f.value, f.flag, f.why] for f in data.findings]
        blocks.append(Block("What was inferred", table=Table(columns, rows)))
    if picture := draw_row_lengths(data):
        blocks.append(Block("Length", pictures=[picture]))
    notes = [f"{record.name}: {note}" for record in data.records for note in record.notes]
    if data.warnings or notes:
        blocks.append(Block("Worth knowing", items=list(dict.fromkeys([*data.warnings, *notes]))))
    return Section("data", "Data", [*blocks, *vectors_blocks(data)])
