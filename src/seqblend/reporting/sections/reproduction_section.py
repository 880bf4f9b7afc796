"""The section that makes it all again: command, submission, environment and runs."""

from __future__ import annotations

from typing import Any

from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.report_tables import Column, table_of, text_table
from seqblend.reporting.elements.style import relative_paths, shorten_paths
from seqblend.reporting.facts.records import ReportData


def reproduction_section(data: ReportData) -> Section:
    """Command, the submission's checks, hashes, versions, device, runs."""
    blocks = [Block("Command", code=relative_paths(data.command))] if data.command else []
    for title, facts in (("Submission", data.submission), ("Environment", data.environment)):
        if facts:
            rows = [[str(k), shorten_paths(_plain(v))] for k, v in facts.items() if v is not None]
            table = text_table(("what", "value"), rows)
            blocks.append(Block(title, table=table, is_half=True))
    if data.records:
        table = table_of(
            {
                Column("model", "model"): [r.name for r in data.records],
                Column("run", "run"): [r.run for r in data.records],
                Column("deterministic", "deterministic"): [
                    "yes" if r.deterministic else "no (GPU)" for r in data.records
                ],
            }
        )
        text = "Settings and epochs of a run are in its runs/<run>/manifest.json."
        blocks.append(Block("Runs", text, table=table))
    lead = "The same command on the same data and versions gives the same scores."
    return Section("reproduce", "Reproduce", blocks, lead)


def _plain(value: Any) -> str:
    """A value of the submission's record as one line."""
    if isinstance(value, dict):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
