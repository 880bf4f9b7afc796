"""A small matrix of shares as coloured cells with their numbers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seqblend.reporting.style import INK, RIGHT, WRONG, clean, new_figure

_DENSE = 10  # rows from which cells are smaller


def draw_heatmap(
    values: np.ndarray, rows: list[str], columns: list[str], *, title: str, power: float = 2.0
) -> Figure:
    """Cells as strongly blue as their value is large, orange below 0.

    values: float64 [r, c] in -1..1; power: 2 sets high values apart, 0.5 low ones
    """
    is_dense = len(rows) > _DENSE
    side = 0.36 if is_dense else 0.5
    margin = 0.075 * max(map(len, [clean(name, 24) for name in (*rows, *columns)]))
    size = max(3.0, side * len(columns) + margin + 0.5), max(2.6, side * len(rows) + margin + 0.5)
    figure, axes = new_figure(*size)
    for (i, j), value in np.ndenumerate(values):
        opacity = round(min(abs(float(value)), 1.0) ** power, 3)
        colour = RIGHT if value >= 0 else WRONG
        cell = Rectangle((j, i), 1, 1, facecolor=colour, alpha=opacity, linewidth=0)
        axes.add_patch(cell)
        axes.text(
            j + 0.5, i + 0.5, f"{value:.2f}", ha="center", va="center_baseline",
            fontsize=6.5 if is_dense else 8, color="#ffffff" if opacity > 0.62 else INK,
        )  # fmt: skip
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0), aspect="equal", title=title)
    axes.set_xticks(np.arange(len(columns)) + 0.5, [clean(name, 24) for name in columns])
    axes.set_yticks(np.arange(len(rows)) + 0.5, [clean(name, 24) for name in rows])
    axes.tick_params(axis="x", labelrotation=90)
    axes.tick_params(length=0)
    axes.grid(False)
    return figure
