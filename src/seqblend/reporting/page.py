"""index.html and report.md: the sections in one offline page, and the same for GitHub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from seqblend.reporting.elements.blocks import Section
from seqblend.reporting.elements.report_tables import escape_markdown
from seqblend.reporting.elements.style import clean, to_svg


def make_environment(folder: Path) -> jinja2.Environment:
    """For templates in this folder: what they are given stays text, and has to be there."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=lambda name: ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def render_page(
    title: str, head: dict[str, Any] | None, parts: list[Section], template: str = "index.html.j2"
) -> str:
    """The text of index.html, or of report.md with the template `report.md.j2`.

    head: the verdict in words, None where nothing is scored
    """
    environment = make_environment(Path(__file__).parent)
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
