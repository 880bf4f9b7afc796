"""What a report's section is, and those of the data, the leaderboard and reproduction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from seqblend.metrics import METRICS
from seqblend.reporting.entries import Entry
from seqblend.reporting.figures import draw_scores
from seqblend.reporting.leaderboard import shorten, title_of
from seqblend.reporting.pictures import Picture
from seqblend.reporting.records import ReportData
from seqblend.reporting.row_lengths import draw_row_lengths
from seqblend.reporting.tables import Column, Table


@dataclass(frozen=True)
class Block:
    """A part of a section: what is set is shown.

    csv: the file the table's data is in, where it is not all on the page
    links: pictures that lie beside the page
    is_folded: the table is long and shown on demand
    """

    title: str = ""
    text: str = ""
    items: list[str] = field(default_factory=list)
    table: Table | None = None
    pictures: list[Picture] = field(default_factory=list)
    links: list[Picture] = field(default_factory=list)
    code: str = ""
    csv: str = ""
    is_folded: bool = False


@dataclass(frozen=True)
class Section:
    """A titled part of the report; `anchor` is its name in links."""

    anchor: str
    title: str
    blocks: list[Block]


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
    return Section("data", "Data", blocks)


def leaderboard_section(data: ReportData, entries: list[Entry], board: Table) -> Section:
    """The table and its picture."""
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
    blocks = [Block(text=text, table=shorten(board), csv="leaderboard.csv", pictures=pictures)]
    return Section("leaderboard", "Leaderboard", blocks)


def reference_of(data: ReportData) -> tuple[str, float] | None:
    """The best accuracy that can be reached, where it is known."""
    return next(((k, v) for k, v in data.reference.items() if "accuracy" in k.lower()), None)


def reproduction_section(data: ReportData, settings: Table | None) -> Section:
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
    if settings:
        text = "Settings in which models differ stand with their names; the CSV has all."
        shown = tabulate_shared(settings, len(data.records))
        blocks.append(Block("Settings", text, table=shown, csv="settings.csv", is_folded=True))
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
