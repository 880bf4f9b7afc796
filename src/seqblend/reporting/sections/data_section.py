"""The section on the data: facts, what was inferred, token vectors, and warnings."""

from __future__ import annotations

from typing import Any

from seqblend.embeddings.prepare import SELF
from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.report_tables import ReportTable, text_table
from seqblend.reporting.elements.style import percent, shorten_paths
from seqblend.reporting.facts.records import ReportData


def data_section(data: ReportData) -> Section:
    """Facts about the data, what was inferred and how to override it, warnings, vectors."""
    blocks = []
    if data.card:
        table = text_table(("fact", "value", "remark"), [list(row) for row in data.card])
        blocks.append(Block("Data card", table=table, is_half=True))
    if data.findings:
        rows = [[f.what, f.value, f.flag, f.why] for f in data.findings]
        rows = [[shorten_paths(cell) for cell in row] for row in rows]
        table = text_table(("what", "inferred", "override with", "why"), rows)
        blocks.append(Block("What was inferred", table=table, is_half=True))
    notes = [f"{record.name}: {note}" for record in data.records for note in record.notes]
    if data.warnings or notes:
        items = [shorten_paths(item) for item in dict.fromkeys([*data.warnings, *notes])]
        blocks.append(Block("Warnings and notes", items=items))
    rows, size = f"{len(data.targets):,} training rows", data.task.describe_size()
    lead = f"{rows} of {size}." if data.task.has_classes else f"{rows}, {size} each."
    return Section("data", "Data", [*blocks, *vectors_blocks(data)], lead)


def vectors_blocks(data: ReportData) -> list[Block]:
    """What the token embeddings began with; nothing where they were drawn."""
    if not data.vectors:
        return []
    missing = [
        f"{name} has no vector of: " + ", ".join(f"{t} ({n:,})" for t, n in lacking)
        for name, lacking in list_missing(data.vectors)
    ]
    blocks = [Block("Token vectors", data.vectors_scope, table=tabulate_coverage(data.vectors))]
    if missing:
        blocks.append(Block("Most frequent tokens without a vector", items=missing))
    return blocks


def list_missing(coverage: list[dict[str, Any]]) -> list[tuple[str, list[tuple[str, int]]]]:
    """(file, its missing tokens and their counts); self-made vectors lack only what is rare."""
    return [(s["name"], s["missing"]) for s in coverage if s["missing"] and s["name"] != SELF]


def tabulate_coverage(coverage: list[dict[str, Any]]) -> ReportTable:
    """A row for each source."""
    titles = ("vectors", "dimension", "tokens in the file", "types covered", "tokens covered")
    rows = []
    for source in coverage:
        types, tokens = max(source["types"], 1), max(source["tokens"], 1)
        size = [f"{source['width']}", f"{source['lines']:,}"]
        shares = source["types_covered"] / types, source["tokens_covered"] / tokens
        rows.append([source["name"], *size, *map(percent, shares)])
    return text_table(titles, rows)
