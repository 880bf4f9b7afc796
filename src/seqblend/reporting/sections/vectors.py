"""Given vectors in the section on the data: what they cover, what is missing, what was declared."""

from __future__ import annotations

from typing import Any

from seqblend.embeddings.preparing import SELF
from seqblend.reporting.elements.sections import Block
from seqblend.reporting.elements.style import percent
from seqblend.reporting.elements.tables import Column, Table
from seqblend.reporting.facts.records import ReportData


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


def tabulate_coverage(coverage: list[dict[str, Any]]) -> Table:
    """A row for each source, and one for each rule of several that found more of it."""
    titles = ("vectors", "width", "vectors there", "types covered", "tokens covered")
    rows = []
    for source in coverage:
        types, tokens = max(source["types"], 1), max(source["tokens"], 1)
        rows.append([
            source["name"], f"{source['width']}", f"{source['lines']:,}",
            percent(source["types_covered"] / types), percent(source["tokens_covered"] / tokens),
        ])  # fmt: skip
        rows += [
            [f"  by {rule['rule']}", "", "", percent(rule["types"] / types),
             percent(rule["tokens"] / tokens)]
            for rule in source["rules"]
            if len(source["rules"]) > 1
        ]  # fmt: skip
    return Table(tuple(Column(title, title) for title in titles), rows)
