"""The section that makes it all again: command, submission, environment, runs and settings."""

from __future__ import annotations

from typing import Any

from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.tables import Column, Table
from seqblend.reporting.facts.records import ReportData

SETTINGS = "settings.csv"


def reproduction_section(data: ReportData, tables: dict[str, Table]) -> Section:
    """Command, the submission's checks, hashes, versions, device, runs, settings."""
    blocks = [Block("Command", code=data.command)] if data.command else []
    pair = (Column("what", "what"), Column("value", "value"))
    if data.submission:
        rows = [[str(k), _plain(v)] for k, v in data.submission.items()]
        blocks.append(Block("Submission", table=Table(pair, rows)))
    if data.environment:
        rows = [[str(k), str(v)] for k, v in data.environment.items()]
        blocks.append(Block("Environment", table=Table(pair, rows)))
    if data.records:
        columns = (
            Column("model", "model"),
            Column("run", "run"),
            Column("epochs", "epochs by unit"),
            Column("deterministic", "deterministic"),
        )
        rows = [
            [r.name, r.run, _epochs(r.epochs), "yes" if r.deterministic else "no (GPU)"]
            for r in data.records
        ]
        blocks.append(Block("Runs", table=Table(columns, rows)))
    if settings := tables.get(SETTINGS):
        text = "Settings in which models differ stand with their names; the CSV has all."
        shown = tabulate_shared(settings, len(data.records))
        blocks.append(Block("Settings", text, table=shown, csv=SETTINGS, is_folded=True))
    return Section("reproduce", "Reproduce", blocks)


def tabulate_settings(data: ReportData) -> Table:
    """A row a model and setting: model, `train.lr`, value."""
    columns = tuple(Column(name, name) for name in ("model", "setting", "value"))
    rows = [
        [record.name, key, value]
        for record in data.records
        for key, value in _flatten(record.settings)
    ]
    return Table(columns, rows)


def tabulate_shared(settings: Table, models: int) -> Table:
    """A row a setting and value: the models that have it, `all` where every model does."""
    owners: dict[tuple[str, str], list[str]] = {}
    for model, key, value in settings.rows:
        owners.setdefault((key, value), []).append(model)
    columns = tuple(Column(name, name) for name in ("setting", "value", "models"))
    rows = [
        [key, value, "all" if len(names) == models else ", ".join(names)]
        for (key, value), names in sorted(owners.items())
    ]
    return Table(columns, rows)


def _flatten(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """(dotted name, value as text) of nested settings."""
    found = []
    for key, value in settings.items():
        name = f"{prefix}{key}"
        found += _flatten(value, f"{name}.") if isinstance(value, dict) else [(name, f"{value}")]
    return found


def _epochs(epochs: list[int]) -> str:
    """`3, 3, 3`, or `3 each` where they are many and equal."""
    if len(epochs) > 1 and len(set(epochs)) == 1:
        return f"{epochs[0]} each" if epochs[0] else "none"
    return ", ".join(map(str, epochs))


def _plain(value: Any) -> str:
    """A value of the submission's record as one line."""
    if isinstance(value, dict):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
