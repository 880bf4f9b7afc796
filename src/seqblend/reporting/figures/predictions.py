"""Predicted against true numbers."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import ACCENT, HALF, LINE, MUTED, clean, new_figure

_FEW = 500  # rows that are drawn one by one; more are counted in hexagons
_ACROSS = 30  # hexagons in a line
_COLOURS = LinearSegmentedColormap.from_list("density", [LINE, ACCENT])


def draw_predictions(
    place: int, column: str, true: np.ndarray, predicted: np.ndarray, scores: str
) -> Picture:
    """A point for each row, of many rows their number by colour; dashed: true as predicted.

    place: the column's position, for the file's name; true, predicted: float64 [n]
    scores: the column's, in words
    """
    figure, axes = new_figure(HALF, 3.9)
    if len(true) <= _FEW:
        axes.plot(predicted, true, "o", color=ACCENT, markersize=3, alpha=0.5)
    else:
        style = {"gridsize": _ACROSS, "mincnt": 1, "bins": "log", "linewidths": 0.2}
        axes.hexbin(predicted, true, cmap=_COLOURS, **style)
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle="--")
    axes.set(xlabel="predicted", ylabel="true", title=clean(column, 40))
    low, high = np.quantile(predicted, (0.05, 0.95))
    sentence = (
        f"{clean(column, 40)}: {scores}. Predictions lie between {low:.4g} and {high:.4g} (5 % to "
        f"95 %), true values between {np.quantile(true, 0.05):.4g} and "
        f"{np.quantile(true, 0.95):.4g}."
    )
    return Picture(f"predictions_{place}", clean(column, 40), figure, sentence)
