"""Rows of tokens coloured by a weight each: attention heatmaps, gradients, n-grams."""

from __future__ import annotations

import unicodedata

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seqblend.reporting.elements.fonts import can_draw, families
from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.style import INK, MUTED, RIGHT, WRONG, clean, display_labels
from seqblend.reporting.elements.tables import Column, Table
from seqblend.reporting.facts.explanations import Explanation, shares_of
from seqblend.reporting.facts.records import ReportData

_ROWS = 6  # rows of a picture
LINE = 96  # characters of a line
_LINES = 3  # lines of a row; the CSV has the rest
_TOKEN = 18  # characters of a token


def draw_strips(data: ReportData, explanation: Explanation, method: str) -> Picture:
    """The first rows of an explanation; blue speaks for the explained class, orange against it."""
    names = display_labels(data.classes)
    weights, lexicon = explanation.weights[method], data.texts.lexicon
    laid, titles = [], []
    for i in range(min(_ROWS, len(explanation.rows))):
        span = explanation.span(i)
        tokens = [clean(lexicon[k], _TOKEN) or "·" for k in explanation.tokens[span]]
        laid.append(lay_out(tokens, len(data.texts.joint)))
        row = int(explanation.rows[i])
        whose = f"row {clean(data.texts.ids[row], 24)}" if row >= 0 else "a text of yours"
        titles.append(f"{whose}, for class {clean(names[explanation.target[i]], 24)}")
    heights = [1 + max(line for _, line, _ in places) + 1 for places in laid]
    figure = Figure(figsize=(8.6, 0.5 + 0.21 * sum(heights)), layout="constrained")
    axes = figure.add_subplot()
    top = 0
    for i, (places, title) in enumerate(zip(laid, titles, strict=True)):
        values = weights[explanation.span(i)]
        draw_row(axes, top, title, places, shares_of(method, values))
        top += heights[i]
    axes.set(xlim=(0, LINE), ylim=(top, 0), title=f"{clean(explanation.model, 40)}: {method}")
    axes.axis("off")
    sentence = _sentence(data, explanation, method)
    if not can_draw("".join(token for places in laid for _, _, token in places)):
        sentence += " For want of a font some tokens are boxes in the PNG; the CSV has them."
    return Picture(
        f"explained_{method}_{explanation.model}", method.capitalize(), figure, sentence,
        data=_tabulate(data, explanation, method),
    )  # fmt: skip


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
    axes.text(0, top + 0.5, title, fontsize=7.5, color=MUTED, va="center")
    for (column, line, token), share in zip(places, shares, strict=False):
        opacity = round(0.75 * abs(float(share)), 3)
        y = top + 1 + line
        axes.add_patch(Rectangle(
            (column - 0.2, y + 0.06), width_of(token) + 0.4, 0.88, linewidth=0, alpha=opacity,
            facecolor=RIGHT if share >= 0 else WRONG,
        ))  # fmt: skip
        axes.text(column, y + 0.5, token, family=family, fontsize=7, color=INK, va="center")


def _sentence(data: ReportData, explanation: Explanation, method: str) -> str:
    """The token with the largest weight, and how far the first rows concentrate."""
    span = explanation.span(0)
    sizes = np.abs(explanation.weights[method][span])
    token = data.texts.lexicon[explanation.tokens[span][int(sizes.argmax())]]
    share = sizes.max() / max(sizes.sum(), 1e-12)
    signed = "" if method == "attention" else "; blue speaks for the class, orange against it"
    return (
        f"In the first row {clean(token, 24) or 'the empty token'} has the largest weight, "
        f"{100 * share:.0f} % of all; the stronger the colour, the larger the weight in its "
        f"row{signed}."
    )


def _tabulate(data: ReportData, explanation: Explanation, method: str) -> Table:
    """Every token of every explained row."""
    columns = (
        Column("row", "row", "count"), Column("place", "place", "count"), Column("token", "token"),
        Column("weight", "weight", "signed"),
    )  # fmt: skip
    lines = []
    for i, row in enumerate(explanation.rows.tolist()):
        span = explanation.span(i)
        pairs = zip(explanation.tokens[span], explanation.weights[method][span], strict=True)
        lines += [
            [row, k, data.texts.lexicon[t] or "(empty)", float(w)] for k, (t, w) in enumerate(pairs)
        ]
    return Table(columns, lines)
