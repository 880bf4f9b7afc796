"""The report: one offline index.html, and every picture and table beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import jinja2
from markupsafe import Markup

from seqblend.core import storage
from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.report_tables import to_csv
from seqblend.reporting.elements.style import clean, styled, to_png, to_svg
from seqblend.reporting.facts.entries import Ranked, rank_entries
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.sections.blend_section import blend_section
from seqblend.reporting.sections.class_blocks import class_blocks, grade_blocks
from seqblend.reporting.sections.data_section import data_section
from seqblend.reporting.sections.errors_section import (
    class_errors,
    explanations_section,
    label_errors,
    number_errors,
)
from seqblend.reporting.sections.headline import headline, judge
from seqblend.reporting.sections.label_blocks import label_blocks
from seqblend.reporting.sections.leaderboard_section import leaderboard_section
from seqblend.reporting.sections.models_section import models_section
from seqblend.reporting.sections.next_steps import next_steps
from seqblend.reporting.sections.number_blocks import number_blocks
from seqblend.reporting.sections.reproduction_section import reproduction_section
from seqblend.reporting.sections.tuning_section import tuning_section
from seqblend.reporting.sections.validation_section import validation_section

Made = TypeVar("Made")


@dataclass(frozen=True)
class TaskSections:
    """What a task shows besides what all have: blocks on models, and the section on errors."""

    models: Callable[[ReportData, list[Ranked]], list[Block]] = lambda _data, _entries: []
    errors: Callable[[ReportData, list[Ranked]], Section] = lambda _data, _entries: Section(
        "errors", "Errors", []
    )


_BY_TASK = {
    "single_label": TaskSections(class_blocks, class_errors),
    "ordinal": TaskSections(grade_blocks, class_errors),
    "multi_label": TaskSections(label_blocks, label_errors),
    "regression": TaskSections(number_blocks, number_errors),
}


def _make(_what: str, make: Callable[[], Made]) -> Made | None:
    return make()


def write_report(
    data: ReportData,
    folder: Path,
    entries: list[Ranked] | None = None,
    attempt: Callable[[str, Callable[[], Any]], Any] = _make,
) -> Path:
    """Write the report into `folder`; returns the path of index.html.

    Beside it: leaderboard.csv, loss_comparison.png, and the other tables and pictures, of classes
    also accuracy_comparison.png, cm_<model>.png and cm_blend.png. Nothing asks the network.

    entries: rank_entries of these data, where somebody has them already
    attempt: makes each part, by its name; None instead of a part: the page says that it is missing
    raises: ValueError where two records share a name or rows do not match
    """
    _check(data)
    entries = rank_entries(data) if entries is None else entries
    page = folder / "index.html"
    with styled():
        head = attempt("the report's verdict", lambda: _head(data, entries))
        parts = _sections(data, entries, attempt)
        _write_files(parts, folder)
        storage.write_text(page, render_page(clean(data.competition, 80), head, parts))
    return page


def _check(data: ReportData) -> None:
    """Names are file names, so they must differ; every array must have the targets' rows."""
    names = [record.name for record in data.records]
    if len(set(names)) < len(names) or "blend" in names:
        raise ValueError(f"expected distinct names other than 'blend', got {names}")
    shape = (len(data.targets), len(data.classes))
    for record in [*data.records, *([data.blend] if data.blend else [])]:
        if record.oof.shape != shape:
            raise ValueError(f"expected predictions of shape {shape}, got {record.oof.shape}")


def _write_files(parts: list[Section], folder: Path) -> None:
    """Every picture as PNG, and the tables as CSV."""
    for block in (block for part in parts for block in part.blocks):
        if block.csv:
            frame = block.table.frame() if block.data is None else block.data
            storage.write_text(folder / block.csv, to_csv(frame))
        for picture in [*block.pictures, *block.links]:
            storage.write_bytes(folder / f"{picture.name}.png", to_png(picture.figure))


def _head(data: ReportData, entries: list[Ranked]) -> dict[str, Any] | None:
    """The verdict in words and what to do next; None where nothing is scored."""
    verdict = judge(data, entries)
    return verdict and headline(data, verdict) | {"steps": next_steps(data, entries)}


def _sections(
    data: ReportData,
    entries: list[Ranked],
    attempt: Callable[[str, Callable[[], Section]], Section | None],
) -> list[Section]:
    """The sections in reading order; those without anything to say are left out."""
    of_task = _BY_TASK.get(data.task.name, TaskSections())
    makers: dict[str, Callable[[], Section]] = {
        "leaderboard": lambda: leaderboard_section(data, entries),
        "validation": lambda: validation_section(data),
        "models": lambda: models_section(data, entries, of_task.models(data, entries)),
        "blend": lambda: blend_section(data, entries),
        "errors": lambda: of_task.errors(data, entries),
        "explanations": lambda: explanations_section(data),
        "tuning": lambda: tuning_section(data.tuned),
        "data": lambda: data_section(data),
        "reproduction": lambda: reproduction_section(data),
    }
    parts = []
    for name, make in makers.items():
        part = attempt(f"the report's section {name}", make)
        if part is None:
            text = "This section could not be made. What was submitted does not depend on it."
            part = Section(name, name.title(), [Block(text=text)])
        parts.append(part)
    return [part for part in parts if part.blocks]


def render_page(title: str, head: dict[str, Any] | None, parts: list[Section]) -> str:
    """The text of index.html. head: the verdict in words, None where nothing is scored."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # what the template is given stays text
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["clean"] = clean
    return environment.get_template("index.html.j2").render(
        competition=title,
        verdict=head,
        sections=parts,
        svg=lambda picture: Markup(to_svg(picture.figure)),
    )
