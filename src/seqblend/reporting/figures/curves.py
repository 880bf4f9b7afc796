"""Learning curves: loss or accuracy by epoch, and a sentence that says what to see."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.style import (
    MARKERS,
    MUTED,
    SERIES,
    SURFACE,
    clean,
    new_figure,
    percent,
)
from seqblend.reporting.facts.histories import HISTORY, Histories, stack_units
from seqblend.reporting.figures.line_ends import colour_of, label_ends


def draw_curves(
    what: str,
    histories: dict[str, Histories],
    levels: dict[str, float],
    reference: tuple[str, float] | None = None,
    more_epochs: dict[str, str] | None = None,
) -> Picture | None:
    """Training (dashed) and validation (solid) `loss` or `accuracy`; None without any epoch.

    histories: best model first; levels: for models without epochs, the score to stand as a line
    more_epochs: by model, what to say of more epochs where its loss was still falling
    """
    curves = {
        name: pair
        for name, units in histories.items()
        if (pair := (stack_units(units, f"train_{what}"), stack_units(units, f"valid_{what}")))[
            1
        ].size
    }
    if not curves:
        return None
    figure, axes = new_figure(5.2, 3.5)
    ends = {}
    for i, name in reversed(list(enumerate(histories))):
        if name in curves:
            _draw_model(axes, *curves[name], i)
            valid = curves[name][1]
            ends[name] = (i, valid.shape[1], float(valid[:, -1].mean()))
        elif name in levels and i < len(SERIES):
            axes.axhline(levels[name], color=colour_of(i), linewidth=1.4, linestyle=(0, (1, 1.5)))
            ends[name] = (i, None, levels[name])
    last = max(end for _, end, _ in ends.values() if end)
    axes.set_xlim(1 if last > 1 else 0.5, max(last, 1.5))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_title(f"{what.capitalize()} by epoch, training dashed")
    if what == "loss":
        _use_log_scale(axes)
    if reference:
        axes.axhline(reference[1], color=MUTED, linewidth=1, linestyle="--")
        ends[reference[0]] = (-1, None, reference[1])
    label_ends(axes, ends, last)
    if what == "loss":
        sentence = _loss_sentence(curves, more_epochs or {})
    else:
        sentence = _accuracy_sentence(curves, reference)
    return Picture(f"{what}_comparison", what.capitalize(), figure, sentence, csv=HISTORY)


def _draw_model(axes: Axes, train: np.ndarray, valid: np.ndarray, i: int) -> None:
    """Every unit thin, the mean thick, with markers so that a single epoch can be seen."""
    is_main = i < len(SERIES)
    for values, line in ((train, (0, (4, 2))), (valid, "-")):
        if not values.size:
            continue
        epochs = np.arange(1, values.shape[1] + 1)
        style = {"color": colour_of(i), "linestyle": line, "zorder": 3 if is_main else 2}
        if is_main:
            axes.plot(epochs, values.T, linewidth=0.6, alpha=0.35, **style)
        axes.plot(
            epochs,
            values.mean(0),
            linewidth=2.0 if is_main else 0.8,
            marker=MARKERS[i % len(MARKERS)],
            markersize=4 if is_main else 2,
            markerfacecolor=SURFACE if values is train else colour_of(i),
            markevery=max(1, len(epochs) // 10),
            clip_on=False,
            **style,
        )


def _use_log_scale(axes: Axes) -> None:
    """A log scale where the losses span more than a factor of 20."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.lines])
    values = values[np.isfinite(values) & (values > 0)]
    if values.size and values.max() / values.min() > 20:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())


def _loss_sentence(
    curves: dict[str, tuple[np.ndarray, np.ndarray]], more_epochs: dict[str, str]
) -> str:
    """Who ends lowest, and whether it had been lower before."""
    means = {name: valid.mean(0) for name, (_, valid) in curves.items()}
    best = min(means, key=lambda name: np.nan_to_num(means[name][-1], nan=np.inf))
    mean = means[best]
    lowest = int(np.argmin(np.nan_to_num(mean, nan=np.inf)))
    text = f"{clean(best)} ends with the lowest validation loss, {mean[-1]:.4f}"
    if len(mean) == 1:
        return f"{text}, after its only epoch."
    if lowest == len(mean) - 1:
        hint = more_epochs.get(best, "")
        return f"{text}, and it was still falling{': ' if hint else ''}{hint}."
    lower = 1 - mean[lowest] / mean[-1]
    return (
        f"{text}; its minimum was {mean[lowest]:.4f} at epoch {lowest + 1}, {percent(lower)} lower."
    )


def _accuracy_sentence(
    curves: dict[str, tuple[np.ndarray, np.ndarray]], reference: tuple[str, float] | None
) -> str:
    """Who ends highest, how far the folds lie apart, how much room is left."""
    ends = {name: valid[:, -1] for name, (_, valid) in curves.items()}
    best = max(ends, key=lambda name: np.nan_to_num(ends[name].mean(), nan=-np.inf))
    values = ends[best]
    text = f"{clean(best)} ends highest, at {values.mean():.4f}"
    if len(values) > 1:
        text += f" (units from {values.min():.4f} to {values.max():.4f})"
    train = curves[best][0]
    if train.size:
        text += f", with {train[:, -1].mean():.4f} on its training rows"
    if reference:
        room = 100 * (reference[1] - values.mean())
        side = "below" if room >= 0 else "by chance above"
        text += f"; that is {abs(room):.2f} points {side} the {clean(reference[0])}"
    return text + "."
