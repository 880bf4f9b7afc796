"""index.html: the sections in one offline page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from seqblend.reporting.elements.sections import Section
from seqblend.reporting.elements.style import clean, to_svg
from seqblend.reporting.markdown import code_lines


def make_environment(folder: Path) -> jinja2.Environment:
    """For templates in this folder: what they are given stays text, and has to be there."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def render_page(title: str, head: dict[str, Any] | None, parts: list[Section]) -> str:
    """The page's text; head: the verdict in words, None where nothing is scored."""
    environment = make_environment(Path(__file__).parent)
    environment.filters |= {"clean": clean, "code_lines": code_lines}
    return environment.get_template("report.html.j2").render(
        competition=title,
        verdict=head,
        sections=parts,
        svg=lambda picture: Markup(to_svg(picture.figure)),
        width=lambda picture: round(60 * picture.figure.get_figwidth()),
    )
