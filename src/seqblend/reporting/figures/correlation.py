"""How alike the models err: a matrix of correlations as coloured cells with their numbers."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.style import INK, RIGHT, WRONG, clean, new_figure
from seqblend.reporting.elements.tables import Column, Table
from seqblend.reporting.facts.entries import Entry

_DENSE = 10  # rows from which cells are smaller
_SHOWN = 20  # models, the best ones


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
            j + 0.5, i + 0.5, f"{round(value, 2) + 0.0:.2f}", ha="center", va="center_baseline",
            fontsize=6.5 if is_dense else 8, color="#ffffff" if opacity > 0.62 else INK,
        )  # fmt: skip
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0), aspect="equal", title=title)
    axes.set_xticks(np.arange(len(columns)) + 0.5, [clean(name, 24) for name in columns])
    axes.set_yticks(np.arange(len(rows)) + 0.5, [clean(name, 24) for name in rows])
    axes.tick_params(axis="x", labelrotation=90)
    axes.tick_params(length=0)
    axes.grid(False)
    return figure


def draw_correlation(models: list[Entry], matrix: np.ndarray) -> Picture:
    """The heatmap of the best models; the CSV has all of them."""
    names = [entry.name for entry in models]
    k = min(len(names), _SHOWN)
    columns = (Column("model", "model"), *(Column(name, name, "score") for name in names))
    data = Table(columns, [[n, *line] for n, line in zip(names, matrix.tolist(), strict=True)])
    figure = draw_heatmap(matrix[:k, :k], names[:k], names[:k], title="Correlation of errors")
    pairs = np.column_stack(np.triu_indices(len(names), 1))
    values = matrix[pairs[:, 0], pairs[:, 1]]
    (a, b), (c, d) = pairs[values.argmax()], pairs[values.argmin()]
    sentence = (
        f"{clean(names[a])} and {clean(names[b])} err most alike ({values.max():.2f})"
        + (f", {clean(names[c])} and {clean(names[d])} least" if len(values) > 1 else "")
        + (f" ({values.min():.2f})" if len(values) > 1 else "")
        + "; the less alike two equally good models err, the more their blend gains."
    )
    return Picture("error_correlation", "Correlation of errors", figure, sentence, data=data)
