"""Accuracy by length of the rows."""

from __future__ import annotations

import numpy as np

from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import (
    HALF,
    INK,
    clean,
    new_figure,
    plot_models,
    put_legend,
)
from seqblend.reporting.facts.breakdowns import GroupAccuracy


def draw_lengths(found: GroupAccuracy, lead: str) -> Picture | None:
    """Accuracy by length, with the lead's 95 % intervals; None with fewer than two groups."""
    if len(found.groups) < 2:
        return None
    x = np.arange(len(found.groups))
    figure, axes = new_figure(HALF, 3.9)
    curves = {clean(model, 24): (x, array[0]) for model, array in found.models.items()}
    plot_models(axes, curves, clean(lead, 24))
    axes.vlines(x, *found.models[lead][1:], color=INK, linewidth=1)
    axes.set_xticks(x, found.groups, rotation=30, ha="right", rotation_mode="anchor")
    axes.set(xlabel="length in tokens", ylabel="accuracy", title="Accuracy by length")
    put_legend(figure, most=3)
    sentence = _sentence(clean(lead), found.groups, found.models[lead])
    return Picture("accuracy_by_length", "Accuracy by length", figure, sentence)


def _sentence(whose: str, groups: list[str], array: np.ndarray) -> str:
    """The weakest and strongest group, and whether their intervals overlap."""
    share, least, most = array
    low, high = int(np.nanargmin(share)), int(np.nanargmax(share))
    if share[low] == share[high]:
        return f"Accuracy of {whose}: {share[low]:.4f} at every length."
    clear = "do not overlap" if most[low] < least[high] else "overlap"
    return (
        f"Accuracy of {whose}: lowest at {groups[low]} tokens ({share[low]:.4f}), highest at "
        f"{groups[high]} ({share[high]:.4f}); their 95 % intervals {clear}."
    )
