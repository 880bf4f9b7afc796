"""Whether probabilities mean what they say: the reliability diagram."""

from __future__ import annotations

import numpy as np

from seqblend.blending.calibration import Reliability
from seqblend.intervals import wilson_interval
from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.style import (
    INK,
    MARKERS,
    MUTED,
    SERIES,
    clean,
    new_figure,
    put_legend,
)
from seqblend.reporting.elements.tables import Column, Table


def draw_reliability(measured: dict[str, Reliability], lead: str | None) -> Picture:
    """How often each is right against how sure it was; best first, `lead` in ink."""
    others = [name for name in measured if name != lead][: len(SERIES) - 1]
    drawn = ([lead] if lead in measured else []) + others
    figure, axes = new_figure(5.2, 3.9)
    for name in reversed(drawn):
        i = others.index(name) if name in others else -1
        part = measured[name]
        low, high = wilson_interval(part.accuracy * part.rows, part.rows)
        axes.errorbar(
            part.confidence,
            part.accuracy,
            np.abs([low - part.accuracy, high - part.accuracy]) if i < 0 else None,
            color=INK if i < 0 else SERIES[i],
            linewidth=1.6 if i < 0 else 1.0,
            elinewidth=0.7,
            marker="*" if i < 0 else MARKERS[i],
            markersize=7 if i < 0 else 4,
            label=f"{clean(name, 24)} {part.error:.4f}",
        )
    edge = min(min(measured[name].confidence.min() for name in drawn), 0.95)
    axes.plot([edge, 1], [edge, 1], color=MUTED, linewidth=1, linestyle="--")
    axes.set(
        xlabel="mean probability of the predicted class",
        ylabel="share that is right",
        title="Reliability",
    )
    put_legend(figure, "calibration error", most=2)
    sentence = _sentence(drawn[0], measured[drawn[0]])
    return Picture("reliability", "Reliability", figure, sentence, data=_tabulate(measured))


def _sentence(name: str, part: Reliability) -> str:
    """Whether too much or too little is promised, and whether that is worth anything."""
    side = "more sure than right" if part.bias > 0 else "less sure than right"
    return (
        f"{clean(name)} is {side} by {abs(part.bias):.4f} on average; its calibration error, the "
        f"mean distance to the dashed line, is {part.error:.4f}."
    )


def _tabulate(measured: dict[str, Reliability]) -> Table:
    columns = (
        Column("model", "model"),
        *(Column(key, key, "score") for key in ("confidence", "accuracy")),
        Column("rows", "rows", "count"),
    )
    rows = [
        [name, *map(float, values)]
        for name, part in measured.items()
        for values in zip(part.confidence, part.accuracy, part.rows, strict=True)
    ]
    return Table(columns, rows)
