"""Matrices as coloured cells: confusion of classes, correlation of the models' errors."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import (
    ACCENT,
    HALF,
    INK,
    LINE,
    SURFACE,
    clean,
    display_labels,
    new_figure,
    percent,
)

SHOWN = 20  # rows and columns; a larger matrix cannot be read
_ROOMY = 10  # rows up to which a cell has room for two lines
_COLOURS = LinearSegmentedColormap.from_list("accent", [SURFACE, ACCENT])
_DARK = 0.6  # share of the colour from which its text is white


def draw_heatmap(
    shares: np.ndarray, texts: list[list[str]], rows: list[str], columns: list[str], title: str
) -> tuple[Figure, Axes]:
    """Cells as strongly coloured as their share is large.

    shares: float64 [r, c] in 0..1; texts: of each cell, "" for none
    """
    is_dense = len(rows) > _ROOMY
    margin = 0.07 * max(map(len, columns)) if is_dense or max(map(len, columns)) > 5 else 0.2
    height = 0.9 + margin + (0.31 if is_dense else 0.5) * len(rows)
    figure, axes = new_figure(HALF, max(3.0, height))
    axes.pcolormesh(shares, cmap=_COLOURS, vmin=0, vmax=1, edgecolors=LINE, linewidth=0.5)
    for (i, j), share in np.ndenumerate(shares):
        if texts[i][j]:
            style = {"ha": "center", "va": "center_baseline", "fontsize": 7 if is_dense else 8}
            colour = SURFACE if share > _DARK else INK
            axes.text(j + 0.5, i + 0.5, texts[i][j], color=colour, **style)
    axes.invert_yaxis()
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    if margin > 0.2:
        axes.tick_params(axis="x", labelrotation=90)
    axes.tick_params(length=0)
    axes.grid(False)
    axes.set_title(title)
    return figure, axes


def worst_classes(matrix: np.ndarray) -> np.ndarray:
    """int64 [<= SHOWN]: the classes with rows and the lowest F1, in class order.

    matrix: int64 [c, c]
    """
    hits = np.diag(matrix).astype(np.float64)
    sizes = matrix.sum(0) + matrix.sum(1)
    f1 = np.divide(2 * hits, sizes, out=np.full(len(hits), np.inf), where=matrix.sum(1) > 0)
    return np.sort(np.argsort(f1, kind="stable")[:SHOWN])


def draw_confusion(name: str, matrix: np.ndarray, classes: tuple[str, ...]) -> Picture:
    """Counts by true (row) and predicted (column) class; colour is the share of the row.

    matrix: int64 [c, c]. Beyond 20 classes the 20 with the lowest F1, the rest as one column.
    """
    labels, chosen = display_labels(classes, 16), worst_classes(matrix)
    shown, columns = matrix[np.ix_(chosen, chosen)], [labels[k] for k in chosen]
    rows, title = list(columns), clean(name, 40)
    if len(chosen) < len(matrix):
        others = matrix[chosen].sum(1) - shown.sum(1)
        shown, columns = np.column_stack([shown, others]), [*columns, "(others)"]
    shares = shown / np.maximum(shown.sum(1, keepdims=True), 1)
    is_roomy = len(rows) <= _ROOMY
    texts = [
        [_cell_text(n, share, is_roomy=is_roomy) for n, share in zip(*line, strict=True)]
        for line in zip(shown, shares, strict=True)
    ]
    # The square root sets small shares, which are the mistakes, apart from none.
    figure, axes = draw_heatmap(np.sqrt(shares), texts, rows, columns, title)
    axes.set(xlabel="predicted", ylabel="true")
    return Picture(f"cm_{name}", title, figure, _sentence(matrix, labels))


def _cell_text(count: int, share: float, *, is_roomy: bool) -> str:
    """The count with its share below it where there is room."""
    if not count:
        return ""
    return f"{count:,}\n{percent(share)}" if is_roomy else f"{count:,}"


def _sentence(matrix: np.ndarray, labels: list[str]) -> str:
    """The most frequent mistake."""
    wrong = matrix - np.diag(np.diag(matrix))
    if not wrong.any():
        return "Every row is predicted as its true class."
    i, j = np.unravel_index(np.argmax(wrong), wrong.shape)
    size = matrix[i].sum()
    return (
        f"Most frequent error: {wrong[i, j]:,} of {size:,} rows of {labels[i]} "
        f"({percent(wrong[i, j] / size)}) predicted as {labels[j]}."
    )


def draw_correlation(names: list[str], matrix: np.ndarray) -> Picture:
    """Correlation of the models' errors; the best models are drawn.

    matrix: float64 [m, m], as correlate_errors has it
    """
    drawn, shown = matrix[:SHOWN, :SHOWN], [clean(name, 24) for name in names[:SHOWN]]
    texts = [[f"{value + 0.0:.2f}" for value in line] for line in drawn.round(2)]
    figure, _ = draw_heatmap(drawn.clip(0, 1) ** 2, texts, shown, shown, "Correlation of errors")
    one, other = np.triu_indices(len(names), 1)
    values = matrix[one, other]
    a, b = clean(names[one[values.argmin()]]), clean(names[other[values.argmin()]])
    sentence = (
        f"The errors of {a} and {b} are the least correlated ({values.min():.2f}). The less the "
        "errors of good models correlate, the more their blend gains."
    )
    return Picture("error_correlation", "Correlation of errors", figure, sentence)
