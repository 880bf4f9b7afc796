"""What the report consists of: sections, their blocks, and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from seqblend.reporting.elements.report_tables import ReportTable


@dataclass(frozen=True)
class Picture:
    """A drawn figure, its file name without ending, its title, and what to see on it.

    is_wide: it takes a whole line of the page
    """

    name: str
    title: str
    figure: Figure
    sentence: str
    is_wide: bool = False


@dataclass(frozen=True)
class Block:
    """A part of a section: what is set is shown.

    csv: the file that has the table, or `data` where the page shows only a part of it
    links: pictures that lie beside the page
    is_folded: the table is long and shown on demand
    is_half: the block is narrow and may share a line of the page with another
    """

    title: str = ""
    text: str = ""
    items: list[str] = field(default_factory=list)
    table: ReportTable | None = None
    pictures: list[Picture] = field(default_factory=list)
    links: list[Picture] = field(default_factory=list)
    code: str = ""
    csv: str = ""
    data: pd.DataFrame | None = None
    is_folded: bool = False
    is_half: bool = False


@dataclass(frozen=True)
class Section:
    """A titled part of the report; `anchor` is its name in links, `lead` its first sentence."""

    anchor: str
    title: str
    blocks: list[Block]
    lead: str = ""
