"""Scores and residuals by length of the rows."""

from __future__ import annotations

from functools import partial

import numpy as np

from seqblend.evaluation.score_text import format_score
from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import (
    ACCENT,
    HALF,
    INK,
    MUTED,
    clean,
    new_figure,
    plot_models,
    put_legend,
)
from seqblend.reporting.facts.breakdowns import GroupScores, group_lengths


def draw_lengths(found: GroupScores, lead: str) -> Picture | None:
    """The score by length, with the lead's 95 % intervals; None with fewer than two groups."""
    if len(found.groups) < 2:
        return None
    x = np.arange(len(found.groups))
    figure, axes = new_figure(HALF, 3.9)
    curves = {clean(model, 24): (x, array[0]) for model, array in found.models.items()}
    plot_models(axes, curves, clean(lead, 24))
    axes.vlines(x, *found.models[lead][1:], color=INK, linewidth=1)
    axes.set_xticks(x, found.groups, rotation=30, ha="right", rotation_mode="anchor")
    title = f"{_capitalise(found.what)} by length"
    axes.set(xlabel="length in tokens", ylabel=found.what, title=title)
    put_legend(figure, most=3)
    sentence = _sentence(found, lead)
    return Picture(f"{found.what.replace(' ', '_')}_by_length", title, figure, sentence)


def draw_residuals(lengths: np.ndarray, residuals: np.ndarray, unit: str, name: str) -> Picture:
    """Median and spread of true less predicted numbers by length.

    lengths: int64 [n]; residuals: float64 [n, c], in `unit`; name: whose predictions they are
    """
    group, names = group_lengths(lengths)
    x, figure, axes = np.arange(len(names)), *new_figure(HALF, 3.9)
    parts = [residuals[group == k].ravel() for k in x]
    low, first, middle, third, high = (
        np.array([np.quantile(part, share) for part in parts])
        for share in (0.05, 0.25, 0.5, 0.75, 0.95)
    )
    axes.axhline(0, color=MUTED, linewidth=1)
    axes.vlines(x, low, high, color=ACCENT, linewidth=1, label="5 % to 95 %")
    axes.vlines(x, first, third, color=ACCENT, linewidth=5, alpha=0.5, label="25 % to 75 %")
    axes.plot(x, middle, "o", color=INK, markersize=4.5, label="median")
    axes.set_xticks(x, names, rotation=30, ha="right", rotation_mode="anchor")
    title = f"Residuals of {clean(name, 24)} by length"
    axes.set(xlabel="length in tokens", ylabel=f"true - predicted ({unit})", title=title)
    put_legend(figure, most=3)
    k = int(np.abs(middle).argmax())
    shift = format_score(float(middle[k]), has_unit=True, is_signed=True)
    side = "too low" if middle[k] > 0 else "too high"
    sentence = (
        f"The median residual is farthest from 0 at {names[k]} tokens ({shift}): half of "
        f"these rows are predicted {side} by more than that."
    )
    return Picture("residuals_by_length", title, figure, sentence)


def _capitalise(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _sentence(found: GroupScores, lead: str) -> str:
    """The groups of lowest and highest score, and whether their intervals overlap."""
    (share, least, most), groups = found.models[lead], found.groups
    form = partial(format_score, has_unit=found.has_unit)
    what = f"{_capitalise(found.what)} of {clean(lead)}"
    low, high = int(np.nanargmin(share)), int(np.nanargmax(share))
    if share[low] == share[high]:
        return f"{what}: {form(share[low])} at every length."
    clear = "do not overlap" if most[low] < least[high] else "overlap"
    return (
        f"{what}: lowest at {groups[low]} tokens ({form(share[low])}), highest at "
        f"{groups[high]} ({form(share[high])}); their 95 % intervals {clear}."
    )
