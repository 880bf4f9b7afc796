"""The report: one offline index.html, report.md, and every picture and table beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from seqblend.core import storage
from seqblend.core.errors import InputError, listing
from seqblend.reporting.elements.blocks import Section
from seqblend.reporting.elements.report_tables import escape_markdown, to_csv
from seqblend.reporting.elements.style import clean, styled, to_png, to_svg
from seqblend.reporting.facts.entries import Ranked, rank_entries
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.sections.blend_section import blend_section
from seqblend.reporting.sections.data_section import data_section
from seqblend.reporting.sections.errors_section import errors_section, explanations_section
from seqblend.reporting.sections.headline import headline, judge
from seqblend.reporting.sections.leaderboard_section import leaderboard_section
from seqblend.reporting.sections.models_section import models_section
from seqblend.reporting.sections.next_steps import next_steps
from seqblend.reporting.sections.pseudo_section import pseudo_section
from seqblend.reporting.sections.reproduction_section import reproduction_section
from seqblend.reporting.sections.tuning_section import tuning_section
from seqblend.reporting.sections.validation_section import validation_section

README_PICTURES = ("accuracy_comparison.png", "models.png", "cm_blend.png", "error_correlation.png")


def write_report(data: ReportData, folder: Path, entries: list[Ranked] | None = None) -> Path:
    """Write the report into `folder`; returns the path of index.html.

    Beside it: report.md, leaderboard.csv, loss_comparison.png, accuracy_comparison.png,
    cm_<model>.png, cm_blend.png, and each picture's data as CSV. Nothing asks the network.

    entries: rank_entries of these data, where somebody has them already
    raises: ValueError where two records share a name or rows do not match
    """
    _check(data)
    entries = rank_entries(data) if entries is None else entries
    verdict = judge(data, entries)
    head = verdict and headline(data, verdict) | {"steps": next_steps(data, entries)}
    title = clean(data.competition, 80)
    with styled():
        parts = _sections(data, entries)
        _write_files(parts, folder)
        for name in ("report.md", "index.html"):
            text = render_page(title, head, parts, f"{name}.j2")
            storage.write_text(folder / name, text)
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
        storage.write_bytes(folder / name, (report / name).read_bytes())
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


def _write_files(parts: list[Section], folder: Path) -> None:
    """Every picture as PNG, its data and the tables as CSV."""
    for block in (block for part in parts for block in part.blocks):
        if block.csv:
            frame = block.table.frame() if block.data is None else block.data
            storage.write_text(folder / block.csv, to_csv(frame))
        for picture in [*block.pictures, *block.links]:
            storage.write_bytes(folder / f"{picture.name}.png", to_png(picture.figure))
            if picture.data is not None:
                storage.write_text(folder / picture.file, to_csv(picture.data))


def _sections(data: ReportData, entries: list[Ranked]) -> list[Section]:
    """The sections in reading order; those without anything to say are left out."""
    parts = [
        leaderboard_section(data, entries),
        validation_section(data),
        models_section(data, entries),
        blend_section(data, entries),
        pseudo_section(data, entries),
        errors_section(data, entries),
        explanations_section(data),
        tuning_section(data.tuned),
        data_section(data),
        reproduction_section(data),
    ]
    return [part for part in parts if part.blocks]


def render_page(
    title: str, head: dict[str, Any] | None, parts: list[Section], template: str = "index.html.j2"
) -> str:
    """The text of index.html, or of report.md with the template `report.md.j2`.

    head: the verdict in words, None where nothing is scored
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=lambda name: ".html" in name,  # what templates are given stays text
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"clean": clean, "code_lines": code_lines, "md": escape_markdown}
    return environment.get_template(template).render(
        competition=title,
        verdict=head,
        sections=parts,
        svg=lambda picture: Markup(to_svg(picture.figure)),
    )


def code_lines(code: str) -> list[str]:
    """Printable lines of a command or of settings, indentation kept."""
    return [
        line[: len(line) - len(line.lstrip(" "))] + clean(line, 1000) for line in code.splitlines()
    ]
