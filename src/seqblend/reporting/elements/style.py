"""How the report looks and what text may enter it: one matplotlib style, colours, safe labels."""

from __future__ import annotations

import contextlib
import io
import os
import re
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from functools import cache

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from numpy.typing import ArrayLike

INK, MUTED, LINE, SURFACE = "#1b1f24", "#5b6470", "#d5dae0", "#ffffff"
# Okabe and Ito's colours without the yellow, which cannot be read on white. The first one is the
# accent of the page; the others only tell models apart.
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "^", "D", "v", "P")
ACCENT, AGAINST = SERIES[0], SERIES[1]
HALF, WHOLE = 5.8, 11.8  # inches: half a line of the page, or all of it

# matplotlib brings the first one: Latin, Greek, Cyrillic, Arabic, Hebrew, Armenian. The others, of
# Linux, Windows and macOS, are asked in turn for what it lacks.
_FONTS = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "Arial Unicode MS",
)
_ABSOLUTE = re.compile(r"(?<![\w.~/<])/[^\s/'\"<>]+(?:/[^\s/'\"<>]+)*")
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
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "figure.facecolor": SURFACE,
    "figure.dpi": 150,
    "svg.fonttype": "none",
    "svg.hashsalt": "seqblend",
}


@cache
def families() -> tuple[str, ...]:
    """The font families to draw with, first choice first, of those that this machine has."""
    known = {font.name for font in fontManager.ttflist}
    return (_FONTS[0], *(name for name in _FONTS[1:] if name in known))


def styled() -> AbstractContextManager[None]:
    """The context in which every figure is made and saved."""
    return matplotlib.rc_context(_RULES | {"font.family": list(families())})


def new_figure(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure with one pair of axes, in inches; no global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    return figure, figure.add_subplot()


def put_legend(figure: Figure, *, most: int = 4) -> None:
    """A legend below the axes, in as many columns as have room for their names, at most `most`."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    if not labels:
        return
    room = 14 * figure.get_figwidth()  # characters of 8 points in a line
    columns = min(most, len(labels), int(room / (8 + max(map(len, labels)))))
    place = {"loc": "outside lower center", "ncols": max(columns, 1)}
    figure.legend(handles, labels, frameon=False, fontsize=8, **place)


def plot_models(axes: Axes, curves: dict[str, tuple[ArrayLike, ArrayLike]], lead: str = "") -> None:
    """A line of markers for each model: `lead` in ink, the best six others in colours.

    curves: {what the legend says: (x, y)}, best first
    """
    others = [name for name in curves if name != lead][: len(SERIES)]
    for name, colour, marker in zip(others, SERIES, MARKERS, strict=False):
        style = {"linewidth": 1, "marker": marker, "markersize": 4.5}
        axes.plot(*curves[name], color=colour, label=name, **style)
    if lead in curves:
        style = {"linewidth": 1.6, "marker": "*", "markersize": 8}
        axes.plot(*curves[lead], color=INK, label=lead, **style)


def to_png(figure: Figure) -> bytes:
    """The figure as PNG, the same bytes every time."""
    buffer = io.BytesIO()
    with _laid_out(figure):
        FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def to_svg(figure: Figure) -> str:
    """The figure as an inline SVG element without background."""
    figure.patch.set_visible(False)
    nothing, buffer = dict.fromkeys(("Date", "Creator", "Format", "Type")), io.StringIO()
    with _laid_out(figure):
        FigureCanvasSVG(figure).print_svg(buffer, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"\n\s*", "\n", re.sub(r"<[^>]*>", _shorten, text))
    return text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


@contextlib.contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Lay a figure out, once, and draw it: figure.savefig would lay out and draw it twice."""
    with warnings.catch_warnings():  # a browser has fonts of its own for what ours lack
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        if engine := figure.get_layout_engine():
            engine.execute(figure)
            figure.set_layout_engine("none")
        yield


def _shorten(tag: re.Match[str]) -> str:
    """One SVG tag (never a label) with two decimals and without ids that repeat on a page."""
    text = re.sub(r' id="\w+_\d+"', "", tag[0])
    return re.sub(r"(\d\.\d\d)\d+", r"\1", text)


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


def shorten_paths(text: str) -> str:
    """The text with the last folder and the file's name in place of each absolute path.

    >>> shorten_paths("see /home/me/submissions/toy.csv")
    'see submissions/toy.csv'
    """
    return _ABSOLUTE.sub(lambda path: "/".join(path[0].split("/")[-2:]).lstrip("/"), text)


def relative_paths(command: str) -> str:
    """The command with paths from the current folder, from which it can be run as it is."""
    return _ABSOLUTE.sub(lambda path: os.path.relpath(path[0]), command)
