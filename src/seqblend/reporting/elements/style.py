"""How the report looks and what text may enter it: one matplotlib style, colours, safe labels."""

from __future__ import annotations

import contextlib
import io
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from seqblend.reporting.elements.fonts import families

# Roles become CSS variables in the page's SVGs, so that one drawing serves light and dark.
INK, MUTED, LINE, SURFACE = "#1b1f24", "#5b6470", "#d5dae0", "#fefefe"
# Okabe and Ito's colours without the yellow, which cannot be read on white.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "^", "D", "v", "P")
RIGHT, WRONG = SERIES[0], SERIES[1]
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", SURFACE: "surface"} | {
    colour: f"s{i}" for i, colour in enumerate(SERIES)
}
_RULES = {
    "font.size": 9,
    "text.parse_math": False,  # a label may hold a `$`
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "figure.facecolor": SURFACE,
    "savefig.facecolor": SURFACE,
    "figure.dpi": 200,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "svg.hashsalt": "seqblend",
}


def styled() -> AbstractContextManager[None]:
    """The context in which every figure is made and saved."""
    return matplotlib.rc_context(_RULES | {"font.family": list(families())})


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure with one pair of axes, in inches; no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    return figure, figure.add_subplot()


def put_legend(figure: Figure, title: str = "", *, most: int = 4, is_turned: bool = False) -> None:
    """A legend below the axes, in as many columns as have room for their names, at most `most`."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if not labels:
        return
    if is_turned:
        handles, labels = handles[::-1], labels[::-1]
    room = 14 * figure.get_figwidth()  # characters of 8 points in a line
    fitting = (
        n
        for n in range(min(most, len(labels)), 1, -1)
        if sum(max(map(len, part)) + 8 for part in np.array_split(labels, n)) <= room
    )
    figure.legend(
        handles, labels, loc="outside lower center", ncols=next(fitting, 1), frameon=False,
        fontsize=8, title=title or None,
    )  # fmt: skip


def to_png(figure: Figure) -> bytes:
    """The figure as PNG, 200 dpi, the same bytes every time."""
    buffer = io.BytesIO()
    with _laid_out(figure):
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def to_svg(figure: Figure) -> str:
    """The figure as an inline SVG element whose colours are CSS variables."""
    figure.patch.set_visible(False)
    nothing, buffer = dict.fromkeys(("Date", "Creator", "Format", "Type")), io.StringIO()
    with _laid_out(figure):
        FigureCanvasSVG(figure).print_svg(buffer, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"\n\s*", "\n", re.sub(r"<[^>]*>", _lighten, text))
    return text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


@contextlib.contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Lay a figure out, once, and draw it: figure.savefig would lay out and draw it twice."""
    with warnings.catch_warnings():  # an SVG is laid out here and its labels drawn by a browser
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        if engine := figure.get_layout_engine():
            engine.execute(figure)
            figure.set_layout_engine("none")
        yield


def _lighten(tag: re.Match[str]) -> str:
    """One SVG tag (never a label) with short numbers, named colours and no repeated names."""
    text = re.sub(r' id="\w+_\d+"', "", tag[0])
    text = re.sub(r"(\d\.\d\d)\d+", r"\1", text)
    for colour, name in _VARIABLES.items():
        text = text.replace(colour, f"var(--{name})")
    return text


def clean(text: object, limit: int = 200) -> str:
    """One line of printable text, at most `limit` characters; control characters are dropped.

    >>> clean("a\\x1b[31m\\nb")
    'a[31m b'
    """
    head = " ".join(str(text)[: 4 * limit].split())
    kept = "".join(c for c in head if unicodedata.category(c)[0] != "C")
    return kept if len(kept) <= limit else kept[: limit - 1] + "…"


def percent(share: float) -> str:
    """`7.3 %`."""
    return f"{100 * share:.1f} %"


def display_labels(names: Iterable[str], limit: int = 24) -> list[str]:
    """Short printable names, in order; those that became equal get their position appended."""
    short = [clean(name, limit) or "(empty)" for name in names]
    return [
        name if short.count(name) == 1 else f"{clean(name, limit - 5)}~{i}"
        for i, name in enumerate(short)
    ]
