"""The picture of a search: its history."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import (
    ACCENT,
    AGAINST,
    HALF,
    INK,
    MARKERS,
    MUTED,
    clean,
    new_figure,
    put_legend,
)

_COLOURS = {"done": ACCENT, "pruned": MUTED, "failed": AGAINST}
Trials = list[dict[str, Any]]


def draw_history(model: str, trials: Trials) -> Picture:
    """Every trial's log loss in the order of the search, and the best so far as a line."""
    figure, axes = new_figure(HALF, 3.9)
    valued = [t for t in trials if t["log_loss"] is not None and t["folds"]]
    for marker, (outcome, colour) in zip(MARKERS, _COLOURS.items(), strict=False):
        points = [(t["number"], t["log_loss"]) for t in valued if t["outcome"] == outcome]
        if points:
            face = "none" if outcome == "pruned" else colour
            style = {"color": colour, "markerfacecolor": face, "markersize": 5}
            axes.plot(*zip(*points, strict=True), marker, label=outcome, **style)
    complete = [
        (t["number"], t["log_loss"]) for t in valued if t["outcome"] == "done" and t["may_win"]
    ]
    default = next((t["log_loss"] for t in valued if t["role"] == "default"), None)
    if complete:
        places, losses = zip(*complete, strict=True)
        best = np.minimum.accumulate(losses)
        ends = [*places, trials[-1]["number"]], [*best, best[-1]]
        axes.step(*ends, where="post", color=INK, linewidth=1.4, label="best so far")
    if default is not None:
        axes.axhline(default, color=MUTED, linewidth=1, linestyle="--", label="default")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="trial", ylabel="log loss, out of fold")
    axes.set_title(f"Optimization history of {clean(model, 30)}")
    put_legend(figure)
    sentence = _history_sentence(trials, complete, default)
    csv = f"tuning_{model}.csv"
    return Picture(f"tuning_history_{model}", "Optimization history", figure, sentence, csv=csv)


def _history_sentence(
    trials: Trials, complete: list[tuple[int, float]], default: float | None
) -> str:
    counts = {how: sum(t["outcome"] == how for t in trials) for how in _COLOURS}
    text = "{done} trials complete, {pruned} pruned, {failed} failed".format(**counts)
    if not complete:
        return f"{text}."
    place, loss = min(complete, key=lambda pair: pair[1])
    comparison = "" if default is None else f" (default {default:.4f})"
    return f"{text}; the best log loss, {loss:.4f}, is that of trial {place}{comparison}."
