"""Names at the ends of lines instead of a legend, kept apart from each other."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from seqblend.reporting.elements.style import (
    INK,
    LINE,
    MUTED,
    SERIES,
    clean,
)


def colour_of(i: int) -> str:
    """The colour of the i-th best model: the first six have their own, the others are grey."""
    return SERIES[i] if i < len(SERIES) else LINE


def label_ends(
    axes: Axes, ends: dict[str, tuple[int, int | None, float]], last: int, gap: float = 0.055
) -> None:
    """Names at the right edge, each tied to the end of its line and kept apart from the others.

    ends: {name: (colour's number or -1, last epoch or None, last value)}
    gap: the least distance of two names, a share of the axes' height
    """
    axes.autoscale_view(scalex=False)
    axes.set_ylim(axes.get_ylim())
    named = [item for item in ends.items() if item[1][0] < len(SERIES) and np.isfinite(item[1][2])]
    to_axes = axes.transScale + axes.transLimits
    heights = np.array([to_axes.transform((1, end[2]))[1] for _, end in named])
    for k, place in zip(np.argsort(heights), spread_apart(np.sort(heights), gap), strict=True):
        name, (i, epoch, value) = named[k]
        axes.annotate(
            clean(name, 24),
            xy=(epoch or last, value),
            xytext=(1.04, place),
            textcoords="axes fraction",
            va="center",
            color=MUTED if i < 0 else INK,
            fontsize=8,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "relpos": (0, 0.5),  # to the name's left edge, not across its neighbours
                "color": MUTED if i < 0 else colour_of(i),
                "linewidth": 1.2 if epoch in (None, last) else 0.6,
                "linestyle": "-" if epoch in (None, last) else ":",  # no part of the curve
                "shrinkA": 1,
                "shrinkB": 2,
            },
        )


def spread_apart(sorted_places: np.ndarray, gap: float) -> np.ndarray:
    """Places in 0..1, at least `gap` apart where there is room."""
    places = np.clip(sorted_places.astype(np.float64), 0.0, 1.0)
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + gap)
    if len(places) and places[-1] > 1.0:
        places[-1] = 1.0
        for i in range(len(places) - 2, -1, -1):
            places[i] = min(places[i], places[i + 1] - gap)
    return places
