"""Learning curves: loss or accuracy by epoch, and a sentence that says what to see."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter

from seqblend.reporting.pictures import Picture
from seqblend.reporting.style import (
    INK,
    LINE,
    MARKERS,
    MUTED,
    SERIES,
    SURFACE,
    clean,
    new_figure,
    percent,
)

HISTORY = "history.csv"  # every number of every epoch
Histories = list[dict[str, list[float]]]


def colour_of(i: int) -> str:
    """The colour of the i-th best model: the first six have their own, the others are grey."""
    return SERIES[i] if i < len(SERIES) else LINE


def stack_units(histories: Histories, key: str) -> np.ndarray:
    """float64 [units, epochs]: one value an epoch, over the epochs that every unit has."""
    rows = [[np.nan if v is None else float(v) for v in h[key]] for h in histories if h.get(key)]
    shortest = min(map(len, rows), default=0)
    return np.array([row[:shortest] for row in rows], dtype=np.float64).reshape(len(rows), shortest)


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
