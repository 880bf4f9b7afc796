"""All models at a glance: bars of the metric, accuracy, macro F1 or log loss."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.evaluation.metrics import METRICS
from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import ACCENT, INK, LINE, WHOLE, clean
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.leaderboard_table import BOARD, title_of

_SHOWN = 30  # models; the leaderboard has all
_SCORES = ("accuracy", "macro_f1", "log_loss")


def draw_models(metric: str, entries: list[Ranked]) -> Picture | None:
    """Three scores of every model and the blend; None with fewer than two.

    What is submitted is coloured; the first panel, of the metric, has its 95 % intervals.
    """
    shown = [entry for entry in entries if entry.pooled is not None and entry.summary][:_SHOWN]
    if len(shown) < 2:
        return None
    lead, y = submitted_row(entries), np.arange(len(shown))
    keys = list(dict.fromkeys([metric, *_SCORES]))[:3]
    colours = [ACCENT if entry is lead else LINE for entry in shown]
    figure = Figure(figsize=(WHOLE, 1.0 + 0.27 * len(shown)), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12)
    for axes, key in zip(figure.subplots(1, 3, sharey=True), keys, strict=True):
        given = [entry.pooled if key == metric else entry.summary[key] for entry in shown]
        values = np.array(given, dtype=np.float64)
        axes.barh(y, values, color=colours, height=0.7)
        axes.margins(x=0.2)
        for place, (entry, value) in enumerate(zip(shown, values, strict=True)):
            interval = (entry.interval if key == metric else None) or (value, value)
            axes.hlines(place, *interval, color=INK, linewidth=1.2)
            end, apart = (max(value, *interval), place), {"textcoords": "offset points"}
            axes.annotate(f"{value:.4f}", end, (5, 0), va="center_baseline", fontsize=8, **apart)
        less = "" if METRICS[key].higher_is_better else " (less is better)"
        axes.set_title(title_of(key) + less)
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_yticks(y, [clean(entry.name, 24) for entry in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    sentence = (
        f"What is submitted is coloured; strokes are 95 % intervals of the {title_of(metric)}. "
        f"{clean(shown[0].name)} has the best {title_of(metric)}, {shown[0].pooled:.4f}, "
        f"{clean(shown[-1].name)} the worst, {shown[-1].pooled:.4f}."
    )
    return Picture("models", "All models", figure, sentence, csv=BOARD, is_wide=True)
