"""The report: one offline index.html, report.md, and every picture and table beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from seqblend import store
from seqblend.reporting import breakdowns, sections
from seqblend.reporting.leaderboard import Entry, Verdict, judge, rank_entries, tabulate, title_of
from seqblend.reporting.records import BlendRecord, DataCard, ModelRecord, ReportData
from seqblend.reporting.sections import Block, Section
from seqblend.reporting.style import clean, styled, to_png, to_svg
from seqblend.reporting.tables import Table, escape_markdown, to_csv, to_markdown
from seqblend.reporting.tuning import tabulate_trials, tuning_section
from seqblend.reporting.vectors import vectors_section

__all__ = ["BlendRecord", "DataCard", "ModelRecord", "ReportData", "write_report"]


def write_report(data: ReportData, folder: Path) -> Path:
    """Write the report into `folder`; returns the path of index.html.

    Beside it: report.md, leaderboard.csv, loss_comparison.png, accuracy_comparison.png,
    cm_<model>.png, cm_blend.png, and each picture's data as CSV. Nothing asks the network.

    raises: ValueError where two records share a name or rows do not match
    """
    _check(data)
    entries = rank_entries(data)
    matrices = breakdowns.matrices_of(data, entries)
    tables = _tables(data, entries, matrices)
    verdict = judge(data, entries)
    with styled():
        parts = _sections(data, entries, matrices, tables)
        for name, table in tables.items():
            store.write_text(folder / name, to_csv(table))
        for block in (block for part in parts for block in part.blocks):
            for picture in [*block.pictures, *block.links]:
                image = to_png(picture.plain or picture.figure)
                store.write_bytes(folder / f"{picture.name}.png", image)
        store.write_text(folder / "report.md", _markdown(data, verdict, parts))
        store.write_text(folder / "index.html", _page(data, verdict, parts))
    return folder / "index.html"


def _check(data: ReportData) -> None:
    """Names are file names, so they must differ; every array must have the labels' rows."""
    names = [record.name for record in data.records]
    if len(set(names)) < len(names) or "blend" in names:
        raise ValueError(f"expected distinct names other than 'blend', got {names}")
    shape = (len(data.labels), len(data.classes))
    for record in [*data.records, *([data.blend] if data.blend else [])]:
        if record.oof.shape != shape:
            raise ValueError(f"expected predictions of shape {shape}, got {record.oof.shape}")


def _tables(
    data: ReportData, entries: list[Entry], matrices: dict[str, np.ndarray]
) -> dict[str, Table]:
    """{file name: table} of what is written as CSV; empty tables are left out."""
    tables = {
        "leaderboard.csv": tabulate(data, entries),
        "history.csv": breakdowns.tabulate_history(data),
        "classes.csv": breakdowns.tabulate_classes(data.classes, matrices),
        "accuracy_by_length.csv": breakdowns.tabulate_lengths(data, entries),
    }
    for record in data.tuned:
        tables[f"tuning_{record['model']}.csv"] = tabulate_trials(record)
    for name, matrix in matrices.items():
        tables[f"cm_{name}.csv"] = breakdowns.tabulate_matrix(data.classes, matrix)
    return {name: table for name, table in tables.items() if table.rows}


def _sections(
    data: ReportData,
    entries: list[Entry],
    matrices: dict[str, np.ndarray],
    tables: dict[str, Table],
) -> list[Section]:
    """The sections in reading order; those without anything to say are left out."""
    parts = [sections.data_section(data), vectors_section(data)]
    if entries:
        parts += [
            sections.leaderboard_section(data, entries, tables["leaderboard.csv"]),
            sections.curves_section(data, entries),
            sections.confusion_section(data, matrices),
        ]
    if "accuracy_by_length.csv" in tables:
        parts.append(sections.lengths_section(data, tables["accuracy_by_length.csv"]))
    parts += [sections.blend_section(data), tuning_section(data.tuned)]
    parts += [sections.reproduction_section(data)]
    return [part for part in parts if part.blocks]


def _headline(data: ReportData, verdict: Verdict) -> dict[str, Any]:
    """The verdict box in words: what to submit, what to expect, against whom."""
    entry, metric = verdict.entry, title_of(data.metric)
    what = "the blend" if entry.is_blend else f"{clean(entry.name, 40)}"
    path = clean(data.submission.get("path", ""))
    interval = verdict.interval and "95 % interval {:.4f} to {:.4f}".format(*verdict.interval)
    gains = [gain for gain in verdict.gains if np.isfinite(gain[2])]
    return {
        "action": f"Submit {what}" + (f": {path}" if path else ""),
        "score": f"{entry.pooled:.4f}",
        "label": f"expected {metric}, {entry.split}, {len(entry.rows):,} rows",
        "interval": interval or "interval undefined",
        "gains": [_gain_sentence(gain) for gain in gains],
        "tiles": _tiles(data, entry),
    }


def _gain_sentence(gain: tuple[str, str, float, float, float]) -> str:
    """`+0.0021 against bilstm, the best single model (95 % +0.0004 to +0.0038)`."""
    name, what, value, low, high = gain
    text = f"{value:+.4f} against {clean(name, 40)}, {what}"
    if not np.isfinite([low, high]).all():
        return text
    doubt = "; it may be chance" if low <= 0 <= high else ""
    return f"{text} (95 % interval {low:+.4f} to {high:+.4f}{doubt})"


def _tiles(data: ReportData, entry: Entry) -> list[tuple[str, str]]:
    """Other scores that must not be taken for the expected one: (value, label)."""
    tiles = []
    has_scores = isinstance(entry.record, BlendRecord) and entry.record.cross_fitted is not None
    if has_scores and entry.record.in_sample is not None:
        gap = entry.record.in_sample - entry.record.cross_fitted
        tiles += [(f"{entry.record.in_sample:.4f}", "in-sample"), (f"{gap:+.4f}", "gap")]
    if entry.spread is not None:
        tiles.append((f"±{entry.spread:.4f}", f"over {len(entry.folds)} folds"))
    if (test := (entry.record.test or {}).get(data.metric)) is not None:
        tiles.append((f"{test:.4f}", "on the solution"))
    return tiles + [(f"{value:.4f}", clean(name)) for name, value in data.reference.items()]


def _page(data: ReportData, verdict: Verdict | None, parts: list[Section]) -> str:
    """index.html."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"clean": clean, "code_lines": code_lines}
    return environment.get_template("report.html.j2").render(
        competition=clean(data.competition, 80),
        verdict=verdict and _headline(data, verdict),
        sections=parts,
        svg=lambda picture: Markup(to_svg(picture.figure)),
        width=lambda picture: round(60 * picture.figure.get_figwidth()),
    )


def _markdown(data: ReportData, verdict: Verdict | None, parts: list[Section]) -> str:
    """report.md: the same sections with the pictures as files."""
    lines = [f"# {escape_markdown(clean(data.competition, 80))}", ""]
    if verdict:
        head = _headline(data, verdict)
        lines += [f"**{escape_markdown(head['action'])}**", ""]
        lines += [f"**{head['score']}** {escape_markdown(head['label'])} ({head['interval']})", ""]
        lines += [f"- {escape_markdown(gain)}" for gain in head["gains"]]
        lines += [f"- {escape_markdown(label)}: {value}" for value, label in head["tiles"]]
    for part in parts:
        lines += ["", f"## {part.title}"]
        for block in part.blocks:
            lines += _markdown_block(block)
    return "\n".join(lines) + "\n"


def _markdown_block(block: Block) -> list[str]:
    """One block as lines of Markdown."""
    lines = ["", f"### {escape_markdown(block.title)}"] if block.title else []
    if block.text:
        lines += ["", escape_markdown(block.text)]
    lines += ["", *(f"- {escape_markdown(item)}" for item in block.items)]
    if block.table:
        lines += [to_markdown(block.table)]
    for picture in block.pictures:
        lines += ["", f"![{escape_markdown(picture.title)}]({picture.name}.png)", ""]
        lines += [f"*{escape_markdown(picture.sentence)}*"]
    if block.links:
        links = ", ".join(f"[{escape_markdown(p.title)}]({p.name}.png)" for p in block.links)
        lines += ["", f"Also: {links}"]
    if block.csv:
        lines += ["", f"Data: [{block.csv}]({block.csv})"]
    if block.code:
        lines += ["", *(f"    {clean_line}" for clean_line in code_lines(block.code))]
    return lines


def code_lines(code: str) -> list[str]:
    """Printable lines of a command or of settings, indentation kept."""
    return [
        line[: len(line) - len(line.lstrip(" "))] + clean(line, 1000) for line in code.splitlines()
    ]
