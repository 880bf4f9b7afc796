"""Accuracy by group of rows: by class, by length, by number of unknown tokens."""

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

_SHOWN = 20  # groups


def draw_groups(
    name: str, what: str, found: GroupAccuracy, lead: str, *, is_ordered: bool
) -> Picture | None:
    """Accuracy of each group, with the lead's 95 % intervals; None with fewer than two groups.

    what: the groups are of; is_ordered: in the order given, else the lead's worst 20, worst first
    """
    if len(found.groups) < 2:
        return None
    shown = np.arange(len(found.groups))
    if not is_ordered:
        shown = np.argsort(np.nan_to_num(found.models[lead][1], nan=2.0), kind="stable")[:_SHOWN]
    x = np.arange(len(shown))
    figure, axes = new_figure(HALF, 3.9)
    title = f"Accuracy by {what}"
    curves = {clean(model, 24): (x, array[1, shown]) for model, array in found.models.items()}
    plot_models(axes, curves, clean(lead, 24), "-" if is_ordered else "none")
    axes.vlines(x, *found.models[lead][2:, shown], color=INK, linewidth=1)
    labels = [clean(found.groups[k], 16) for k in shown]
    axes.set_xticks(x, labels, rotation=30, ha="right", rotation_mode="anchor")
    axes.set(xlabel=what, ylabel="accuracy", title=title)
    put_legend(figure, most=3)
    sentence = _sentence(clean(lead), what, found.groups, found.models[lead])
    if len(shown) < len(found.groups):
        sentence += f" The {len(shown)} worst of {len(found.groups)} are drawn."
    return Picture(name, title, figure, sentence, data=found.tabulate())


def _sentence(whose: str, what: str, groups: list[str], array: np.ndarray) -> str:
    """The weakest and strongest group, and whether their intervals overlap."""
    _, share, least, most = array
    low, high = int(np.nanargmin(share)), int(np.nanargmax(share))
    if share[low] == share[high]:
        return f"{whose} is as accurate in every group ({share[low]:.4f})."
    clear = "do not overlap" if most[low] < least[high] else "overlap"
    return (
        f"{whose} is least accurate at {what} {clean(groups[low])} ({share[low]:.4f}) and most at "
        f"{clean(groups[high])} ({share[high]:.4f}); the 95 % intervals {clear}."
    )
