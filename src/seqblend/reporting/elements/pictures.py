"""What a picture of the report is: a figure, its data, and one sentence that says what to see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from seqblend.reporting.elements.fonts import can_draw
from seqblend.reporting.elements.tables import Table


@dataclass(frozen=True)
class Picture:
    """A drawn figure, its file name without ending, title, and what to see on it.

    plain: the same for a PNG, where no font here can draw a label (a browser has its own fonts)
    data: what was drawn, written beside the PNG; csv: the file that has it where another one does
    """

    name: str
    title: str
    figure: Figure
    sentence: str
    plain: Figure | None = None
    data: Table | None = None
    csv: str = ""

    @property
    def file(self) -> str:
        """The name of the CSV that holds its data."""
        return self.csv or f"{self.name}.csv"


def number_undrawable(labels: list[str]) -> list[str]:
    """The labels for a PNG: those that no font here can draw become `class 3`, by position."""
    return [text if can_draw(text) else f"class {k}" for k, text in enumerate(labels, 1)]


def draw_plain(draw: Callable[[list[str]], Figure], labels: list[str]) -> Figure | None:
    """The same figure with numbered labels, for a PNG; None where every label can be drawn."""
    plain = number_undrawable(labels)
    return None if plain == labels else draw(plain)
