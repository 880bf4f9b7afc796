"""Pictures of scores: every model fold by fold, and accuracy by length."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

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
from seqblend.reporting.elements.tables import Table
from seqblend.reporting.facts.leaderboard import BOARD


def draw_scores(
    title: str,
    rows: list[tuple[str, float, list[float]]],
    lead: str | None = None,
    reference: tuple[str, float] | None = None,
    *,
    is_share: bool = True,
) -> Picture:
    """Each model's pooled score and, small, its folds. rows: (name, pooled, folds), best first.

    lead: the row drawn in ink, the blend; is_share: the best possible score is 1
    """
    shown = rows[:30]
    figure, axes = new_figure(5.2, 0.8 + 0.27 * len(shown))
    models = [name for name, _, _ in shown if name != lead]
    for y, (name, pooled, folds) in enumerate(shown):
        i = 0 if name == lead else models.index(name)
        colour = INK if name == lead else (SERIES[i] if i < len(SERIES) else MUTED)
        axes.plot(folds, [y] * len(folds), "|", color=colour, markersize=8, markeredgewidth=1.1)
        marker = "*" if name == lead else MARKERS[i % len(MARKERS)]
        axes.plot([pooled], [y], marker, color=colour, markersize=10 if name == lead else 6)
    if is_share:
        known = [reference[1]] if reference else []
        _use_error_scale(axes, known + [v for _, pooled, folds in shown for v in (pooled, *folds)])
    if reference:
        axes.axvline(reference[1], color=MUTED, linewidth=1, linestyle="--")
        axes.annotate(
            f"{clean(reference[0])} {reference[1]:.4f}",
            xy=(reference[1], 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(-3, 3),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color=MUTED,
        )
    axes.set_yticks(range(len(shown)), [f"{clean(name, 24)}  {v:.4f}" for name, v, _ in shown])
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.set_xlabel(f"{title}: all rows (marker), each fold (stroke)", fontsize=8)
    return Picture("scores", "Scores", figure, _scores_sentence(rows), csv=BOARD)


def _use_error_scale(axes: Axes, values: list[float]) -> None:
    """A scale even in the logarithm of what is missing to 1, where a far baseline hides the top."""
    smallest, largest = 1 - max(values), 1 - min(values)
    if smallest <= 0 or largest / smallest < 5:
        return
    axes.set_xscale("function", functions=(_log_missing, _unlog_missing))
    edges = 1 - np.array([largest * 1.15, smallest / 1.15])
    axes.set_xlim(*edges)
    steps = [base * 10.0**k for k in range(-6, 1) for base in (1, 2, 5)]
    ticks = [1 - step for step in reversed(steps) if edges[0] <= 1 - step <= edges[1]]
    axes.set_xticks(ticks, [f"{tick:.6g}" for tick in ticks])


def _log_missing(values: np.ndarray) -> np.ndarray:
    return -np.log(np.maximum(1 - np.asarray(values, dtype=np.float64), 1e-9))


def _unlog_missing(values: np.ndarray) -> np.ndarray:
    return 1 - np.exp(-np.asarray(values, dtype=np.float64))


def _scores_sentence(rows: list[tuple[str, float, list[float]]]) -> str:
    """The lead of the first over the second, against how far the folds lie apart."""
    name, first, folds = rows[0]
    spread = max(folds) - min(folds) if folds else 0.0
    if len(rows) == 1:
        return f"{clean(name)} scores {first:.4f}; its folds lie within {spread:.4f}."
    lead = abs(first - rows[1][1])
    size = "more" if lead > spread else "less"
    return (
        f"{clean(name)} leads {clean(rows[1][0])} by {lead:.4f}, {size} than the {spread:.4f} that "
        "separate its own best and worst fold"
        + (f"; {len(rows) - 30} more models are in leaderboard.csv." if len(rows) > 30 else ".")
    )


def draw_tenths(
    name: str,
    title: str,
    what: str,
    bins: list[str],
    arrays: dict[str, np.ndarray],
    lead: str | None,
    data: Table | None = None,
) -> Picture:
    """Accuracy by tenths of the rows by `what`, with 95 % intervals; best model first.

    bins: ranges; arrays: float64 [3, bins] a model: accuracy, low, high
    """
    others = [model for model in arrays if model != lead][: len(SERIES)]
    drawn = ([lead] if lead in arrays else []) + others
    figure, axes = new_figure(5.2, 3.5 + 0.12 * max(len(drawn) - 4, 0))  # the legend grows
    for k, model in enumerate(drawn):
        i = others.index(model) if model in others else -1
        share, low, high = arrays[model]
        drawn_bars = axes.errorbar(
            np.arange(len(bins)) + 0.09 * (k - (len(drawn) - 1) / 2),
            share,
            np.abs([share - low, high - share]),  # rounding may leave -1e-17
            color=INK if i < 0 else SERIES[i],
            linewidth=1.4,
            elinewidth=0.7,
            marker="*" if i < 0 else MARKERS[i],
            markersize=7 if i < 0 else 4.5,
            label=clean(model, 24),
        )
        drawn_bars.lines[2][0].set_alpha(1.0 if i < 0 else 0.45)
    axes.set_xticks(range(len(bins)), bins, rotation=30, ha="right", rotation_mode="anchor")
    axes.set(xlabel=f"{what} (tenths of the rows)", title=f"{title}, 95 % intervals")
    put_legend(figure)
    sentence = _tenths_sentence(what, bins, drawn[0], arrays)
    if rest := len(arrays) - len(drawn):
        sentence += f" {rest} more models are in the CSV."
    return Picture(name, title, figure, sentence, data=data)


def _tenths_sentence(what: str, bins: list[str], top: str, arrays: dict[str, np.ndarray]) -> str:
    """Where the first is weakest and strongest, and whether that can be chance."""
    share, least, most = arrays[top]
    low, high = int(np.nanargmin(share)), int(np.nanargmax(share))
    if share[low] == share[high]:
        return f"{clean(top)} is right as often everywhere ({share[low]:.4f})."
    verdict = (
        "the intervals do not overlap" if most[low] < least[high] else "their intervals overlap"
    )
    return (
        f"{clean(top)} is weakest at {bins[low]} {what} ({share[low]:.4f}) and strongest at "
        f"{bins[high]} ({share[high]:.4f}); {verdict}."
    )
