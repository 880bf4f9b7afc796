"""What a section of the report is: a title and blocks of text, tables and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field

from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.tables import Table


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
