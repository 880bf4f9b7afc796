"""Rows of tokens coloured by a weight each: attention heatmaps, occlusion, n-grams."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seqblend.data.sequences import show_token
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
_LINE = 155  # characters of a line
_LINES = 3  # lines of a row
_TOKEN = 18  # characters of a token


@dataclass(frozen=True)
class Strip:
    """A row's tokens with their colours.

    tokens: the text of each; shares: float [t] in -1..1, the weight over the row's largest
    """

    title: str
    tokens: list[str]
    shares: np.ndarray


def draw_explanation(data: ReportData, explanation: Explanation, method: str) -> Picture:
    """The first rows of an explanation; blue supports what is explained, orange does not."""
    names, lexicon, strips = display_labels(data.classes), data.texts.lexicon, []
    noun = data.task.column_name[0]
    for i in range(min(_ROWS, len(explanation.rows))):
        span, row = explanation.span(i), int(explanation.rows[i])
        tokens = [show_token(lexicon[k]) for k in explanation.tokens[span]]
        whose = f"row {clean(data.texts.ids[row], 24)}" if row >= 0 else "a text of yours"
        title = f"{whose}, {noun} {clean(names[explanation.target[i]], 24)}"
        strips.append(Strip(title, tokens, shares_of(method, explanation.weights[method][span])))
    title = f"{clean(explanation.model, 40)}: {method}"
    figure = draw_strips(title, strips, len(data.texts.joint), _LINES)
    signed = "" if method == "attention" else f"; blue supports the {noun}, orange contradicts it"
    if not data.task.has_probabilities and signed:
        signed = "; blue raises the number, orange lowers it"
    sentence = f"The stronger the colour, the larger the token's weight in its row{signed}."
    name = f"explained_{method}_{explanation.model}"
    return Picture(name, method.capitalize(), figure, sentence, is_wide=True)


def draw_strips(title: str, strips: list[Strip], gap: int, most_lines: int) -> Figure:
    """One strip below the other; gap: columns between two tokens."""
    figure, top = Figure(layout="constrained"), 0
    axes = figure.add_subplot()
    for strip in strips:
        tokens = [clean(token, _TOKEN) or "·" for token in strip.tokens]
        places = lay_out(tokens, gap, most_lines)
        _draw_strip(axes, top, strip, places)
        top += places[-1][1] + 3  # the title, its lines, and a gap
    figure.set_size_inches(WHOLE, 0.4 + 0.24 * top)
    axes.set(xlim=(0, _LINE), ylim=(top, 0), title=clean(title, 80))
    axes.axis("off")
    return figure


def lay_out(tokens: list[str], gap: int, most_lines: int) -> list[tuple[int, int, str]]:
    """(column, line, text) of each token that has room, in characters of one width."""
    places, column, line = [], 0, 0
    for token in tokens:
        if column and column + width_of(token) > _LINE:
            column, line = 0, line + 1
        if line == most_lines:
            break
        places.append((column, line, token))
        column += width_of(token) + gap
    return places


def width_of(token: str) -> int:
    """Columns that a token takes: ideographs and the like are two wide."""
    return len(token) + sum(unicodedata.east_asian_width(c) in "WF" for c in token)


def _draw_strip(axes: Axes, top: int, strip: Strip, places: list[tuple[int, int, str]]) -> None:
    """The title at line `top`, the tokens that have a place below it."""
    family = ["DejaVu Sans Mono", *families()]  # the first that has a character
    axes.text(0, top + 0.5, clean(strip.title), fontsize=8, color=MUTED, va="center")
    for (column, line, token), share in zip(places, strip.shares, strict=False):
        opacity = round(0.75 * abs(float(share)), 3)
        y = top + 1 + line
        size = width_of(token) + 0.4, 0.88
        colour = ACCENT if share >= 0 else AGAINST
        axes.add_patch(
            Rectangle((column - 0.2, y + 0.06), *size, alpha=opacity, facecolor=colour, linewidth=0)
        )
        axes.text(column, y + 0.5, token, family=family, fontsize=8, color=INK, va="center")
