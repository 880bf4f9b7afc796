"""Rows of tokens coloured by a weight each: attention heatmaps, gradients, n-grams."""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import (
    ACCENT,
    AGAINST,
    INK,
    MUTED,
    WHOLE,
    clean,
    display_labels,
    families,
)
from seqblend.reporting.facts.explanations import Explanation, shares_of
from seqblend.reporting.facts.records import ReportData

_ROWS = 6  # rows of a picture
LINE = 155  # characters of a line
_LINES = 3  # lines of a row; the CSV has the rest
_TOKEN = 18  # characters of a token


def draw_strips(data: ReportData, explanation: Explanation, method: str) -> Picture:
    """The first rows of an explanation; blue supports the explained class, orange does not."""
    names, lexicon = display_labels(data.classes), data.texts.lexicon
    figure = Figure(layout="constrained")
    axes, top = figure.add_subplot(), 0
    for i in range(min(_ROWS, len(explanation.rows))):
        span, row = explanation.span(i), int(explanation.rows[i])
        tokens = [clean(lexicon[k], _TOKEN) or "·" for k in explanation.tokens[span]]
        places = lay_out(tokens, len(data.texts.joint))
        whose = f"row {clean(data.texts.ids[row], 24)}" if row >= 0 else "a text of yours"
        title = f"{whose}, class {clean(names[explanation.target[i]], 24)}"
        draw_row(axes, top, title, places, shares_of(method, explanation.weights[method][span]))
        top += places[-1][1] + 3  # the title, its lines, and a gap
    figure.set_size_inches(WHOLE, 0.4 + 0.24 * top)
    axes.set(xlim=(0, LINE), ylim=(top, 0), title=f"{clean(explanation.model, 40)}: {method}")
    axes.axis("off")
    sentence = "The stronger the colour, the larger the token's weight in its row"
    signed = "" if method == "attention" else "; blue supports the class, orange contradicts it"
    sentence += f"{signed}. The CSV has every token."
    return Picture(
        f"explained_{method}_{explanation.model}",
        method.capitalize(),
        figure,
        sentence,
        data=_tabulate(data, explanation, method),
        is_wide=True,
    )


def lay_out(tokens: list[str], gap: int, most_lines: int = _LINES) -> list[tuple[int, int, str]]:
    """(column, line, text) of each token that has room, in characters of one width."""
    places, column, line = [], 0, 0
    for token in tokens:
        if column and column + width_of(token) > LINE:
            column, line = 0, line + 1
        if line == most_lines:
            break
        places.append((column, line, token))
        column += width_of(token) + gap
    return places


def width_of(token: str) -> int:
    """Columns that a token takes: ideographs and the like are two wide."""
    return len(token) + sum(unicodedata.east_asian_width(c) in "WF" for c in token)


def draw_row(
    axes: Axes, top: int, title: str, places: list[tuple[int, int, str]], shares: np.ndarray
) -> None:
    """shares: float [t] in -1..1, the weight over the row's largest."""
    family = ["DejaVu Sans Mono", *families()]  # the first that has a character
    axes.text(0, top + 0.5, title, fontsize=8, color=MUTED, va="center")
    for (column, line, token), share in zip(places, shares, strict=False):
        opacity = round(0.75 * abs(float(share)), 3)
        y = top + 1 + line
        size = width_of(token) + 0.4, 0.88
        colour = ACCENT if share >= 0 else AGAINST
        axes.add_patch(
            Rectangle((column - 0.2, y + 0.06), *size, alpha=opacity, facecolor=colour, linewidth=0)
        )
        axes.text(column, y + 0.5, token, family=family, fontsize=8, color=INK, va="center")


def _tabulate(data: ReportData, explanation: Explanation, method: str) -> pd.DataFrame:
    """Every token of every explained row."""
    sizes = np.diff(explanation.offsets)
    return pd.DataFrame(
        {
            "row": np.repeat(explanation.rows, sizes),
            "place": np.concatenate([np.arange(n) for n in sizes]),
            "token": [data.texts.lexicon[token] or "(empty)" for token in explanation.tokens],
            "weight": explanation.weights[method],
        }
    )
