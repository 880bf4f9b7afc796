"""The report: one offline index.html, report.md, and every picture and table beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqblend import store
from seqblend.errors import InputError, listing
from seqblend.reporting.elements.sections import Section
from seqblend.reporting.elements.style import clean, styled, to_png
from seqblend.reporting.elements.tables import Table, to_csv
from seqblend.reporting.facts import breakdowns, mistakes
from seqblend.reporting.facts.entries import Entry, rank_entries
from seqblend.reporting.facts.leaderboard import BOARD, tabulate
from seqblend.reporting.facts.members import tabulate_members
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.markdown import render_markdown
from seqblend.reporting.page import render_page
from seqblend.reporting.sections.advice import next_steps
from seqblend.reporting.sections.blend import blend_section
from seqblend.reporting.sections.data import data_section
from seqblend.reporting.sections.errors import errors_section
from seqblend.reporting.sections.explanations import explanations_section
from seqblend.reporting.sections.groups import groups_section
from seqblend.reporting.sections.leaderboard import leaderboard_section
from seqblend.reporting.sections.models import models_section
from seqblend.reporting.sections.pseudo import PSEUDO, pseudo_section, tabulate_pseudo
from seqblend.reporting.sections.reproduction import (
    SETTINGS,
    reproduction_section,
    tabulate_settings,
)
from seqblend.reporting.sections.trust import trust_section
from seqblend.reporting.sections.tuning import tabulate_trials, tuning_section
from seqblend.reporting.sections.verdict import headline, judge

README_PICTURES = ("accuracy_comparison.png", "models.png", "cm_blend.png", "error_correlation.png")


def write_report(data: ReportData, folder: Path, entries: list[Entry] | None = None) -> Path:
    """Write the report into `folder`; returns the path of index.html.

    Beside it: report.md, leaderboard.csv, loss_comparison.png, accuracy_comparison.png,
    cm_<model>.png, cm_blend.png, and each picture's data as CSV. Nothing asks the network.

    entries: rank_entries of these data, where somebody has them already
    raises: ValueError where two records share a name or rows do not match
    """
    _check(data)
    entries = rank_entries(data) if entries is None else entries
    matrices = breakdowns.matrices_of(data, entries)
    tables = _tables(data, entries, matrices)
    verdict = judge(data, entries)
    head = verdict and headline(data, verdict) | {"steps": next_steps(data, entries)}
    title = clean(data.competition, 80)
    with styled():
        parts = _sections(data, entries, matrices, tables)
        _write_pictures(parts, tables, folder)
        for name, table in tables.items():
            store.write_text(folder / name, to_csv(table))
        store.write_text(folder / "report.md", render_markdown(title, head, parts))
        store.write_text(folder / "index.html", render_page(title, head, parts))
    return folder / "index.html"


def copy_pictures(report: Path, folder: Path) -> list[Path]:
    """Copy the README's pictures out of a report's folder; returns where they are.

    raises: InputError where the report has no such picture
    """
    lacking = [name for name in README_PICTURES if not (report / name).is_file()]
    if lacking:
        raise InputError(
            f"{report} has no {listing(lacking)}: expected a report on the demo, with the default "
            "models. Run ./run.sh first"
        )
    for name in README_PICTURES:
        store.write_bytes(folder / name, (report / name).read_bytes())
    return [folder / name for name in README_PICTURES]


def _check(data: ReportData) -> None:
    """Names are file names, so they must differ; every array must have the labels' rows."""
    names = [record.name for record in data.records]
    if len(set(names)) < len(names) or "blend" in names:
        raise ValueError(f"expected distinct names other than 'blend', got {names}")
    shape = (len(data.labels), len(data.classes))
    for record in [*data.records, *([data.blend] if data.blend else [])]:
        if record.oof.shape != shape:
            raise ValueError(f"expected predictions of shape {shape}, got {record.oof.shape}")


def _write_pictures(parts: list[Section], tables: dict[str, Table], folder: Path) -> None:
    """Every PNG; the data of those that have their own join the tables."""
    for block in (block for part in parts for block in part.blocks):
        for picture in [*block.pictures, *block.links]:
            image = to_png(picture.plain or picture.figure)
            store.write_bytes(folder / f"{picture.name}.png", image)
            if picture.data is not None:
                tables[picture.file] = picture.data


def _tables(
    data: ReportData, entries: list[Entry], matrices: dict[str, np.ndarray]
) -> dict[str, Table]:
    """{file name: table} of what is written as CSV; empty tables are left out."""
    tables = {
        BOARD: tabulate(data, entries),
        "history.csv": breakdowns.tabulate_history(data),
        "classes.csv": breakdowns.tabulate_classes(data.classes, matrices),
        SETTINGS: tabulate_settings(data),
        PSEUDO: tabulate_pseudo(data, entries),
    }
    scored = [entry for entry in entries if len(entry.rows)]
    if scored:
        tables[mistakes.WORST] = mistakes.tabulate_worst(data, scored)
        tables[mistakes.SUSPECTS] = mistakes.tabulate_suspects(data, scored)
    if data.blend is not None:
        tables["members.csv"] = tabulate_members(data, data.blend)
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
    parts = [
        data_section(data),
        leaderboard_section(data, entries, tables),
        trust_section(data),
        models_section(data, entries, matrices),
        blend_section(data, entries),
        pseudo_section(data, entries),
        groups_section(data, entries),
        errors_section(data, tables),
        explanations_section(data),
        tuning_section(data.tuned),
        reproduction_section(data, tables),
    ]
    return [part for part in parts if part.blocks]
