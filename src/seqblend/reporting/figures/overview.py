"""All models at a glance: bars of accuracy, F1 and loss, and accuracy against training time."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.style import INK, SERIES, clean, new_figure
from seqblend.reporting.facts.entries import Entry
from seqblend.reporting.facts.leaderboard import BOARD
from seqblend.reporting.facts.records import ModelRecord
from seqblend.reporting.figures.line_ends import label_ends, spread_apart

_SHOWN = 30  # models; the leaderboard has all
_NAMED = 8  # points with a name, the best ones
_HEIGHT = 180  # points that the axes of accuracy against time are high
_PANELS = {"accuracy": "accuracy", "macro_f1": "macro F1", "log_loss": "log loss"}


def draw_models(entries: list[Entry]) -> Picture | None:
    """Accuracy, macro F1 and log loss of every model and the blend; None with fewer than two."""
    shown = [entry for entry in entries if entry.summary][:_SHOWN]
    if len(shown) < 2:
        return None
    figure = Figure(figsize=(8.6, 0.9 + 0.26 * len(shown)), layout="constrained")
    for axes, (key, title) in zip(figure.subplots(1, 3, sharey=True), _PANELS.items(), strict=True):
        values = np.array([entry.summary[key] for entry in shown], dtype=np.float64)
        colours = [INK if entry.is_blend else SERIES[0] for entry in shown]
        axes.barh(range(len(shown)), values, color=colours, height=0.62)
        for y, value in enumerate(values):
            axes.annotate(
                f"{value:.4f}", (value, y), xytext=(3, 0), textcoords="offset points",
                va="center_baseline", fontsize=7.5, color=INK, annotation_clip=False,
            )  # fmt: skip
        axes.set_title(f"{title} (less is better)" if key == "log_loss" else title)
        axes.set_xlim(0, 1.22 * max(np.nanmax(values), 1e-9))
        axes.grid(False, axis="y")
        axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.set_yticks(range(len(shown)), [clean(entry.name, 24) for entry in shown])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    most = max(shown, key=lambda entry: entry.summary["accuracy"])
    least = min(shown, key=lambda entry: entry.summary["log_loss"])
    sentence = (
        f"{clean(most.name)} is most often right ({most.summary['accuracy']:.4f}), "
        f"{clean(least.name)} has the least log loss ({least.summary['log_loss']:.4f}); bars begin "
        "at 0, so that lengths compare."
    )
    return Picture("models", "All models", figure, sentence, csv=BOARD)


def draw_times(entries: list[Entry]) -> Picture | None:
    """Accuracy against seconds of training, all units together; None with fewer than two models."""
    models = [
        entry for entry in entries
        if isinstance(entry.record, ModelRecord) and entry.summary and entry.record.seconds > 0
    ]  # fmt: skip
    if len(models) < 2:
        return None
    figure, axes = new_figure(5.2, 3.5)
    for entry in models:
        seconds, accuracy = entry.record.seconds, entry.summary["accuracy"]
        is_linear = not any(entry.record.epochs)
        axes.plot(
            seconds, accuracy, "s" if is_linear else "o", markersize=6,
            color=SERIES[1] if is_linear else SERIES[0],
        )  # fmt: skip
    axes.set_xscale("log")
    axes.margins(x=0.12, y=0.12)
    if len(models) <= _NAMED:
        _name_points(axes, models)
    else:  # a cloud: names stand at its right, a line leads to each of the best
        places = {
            e.name: (int(not any(e.record.epochs)), e.record.seconds, e.summary["accuracy"])
            for e in models[:_NAMED]
        }
        label_ends(axes, places, last=-1)
    axes.set(xlabel="seconds of training, all units (log scale)", ylabel="accuracy",
             title="Accuracy against training time")  # fmt: skip
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    best = max(models, key=lambda entry: entry.summary["accuracy"])
    quick = min(models, key=lambda entry: entry.record.seconds)
    times = best.record.seconds / quick.record.seconds
    sentence = (
        f"{clean(best.name)} is the most accurate and took {best.record.seconds:,.0f} s"
        + (f", {times:,.0f} times as long as {clean(quick.name)}, which gives up "
           f"{best.summary['accuracy'] - quick.summary['accuracy']:.4f}" if best is not quick else
           ", less than any other")
        + "; squares are linear models."
    )  # fmt: skip
    return Picture("accuracy_time", "Accuracy and time", figure, sentence, csv=BOARD)


def _name_points(axes: Axes, models: list[Entry]) -> None:
    """Names beside their points, towards the middle, kept apart from each other."""
    points = np.array([[e.record.seconds, e.summary["accuracy"]] for e in models])
    axes.autoscale_view()
    places = (axes.transScale + axes.transLimits).transform(points)
    order = np.argsort(places[:, 1], kind="stable")
    heights = spread_apart(places[order, 1], 0.06)
    for i, height in zip(order, heights, strict=True):
        side = -1 if places[i, 0] > 0.5 else 1
        axes.annotate(
            clean(models[i].name, 24), points[i],
            xytext=(7 * side, _HEIGHT * (height - places[i, 1])), textcoords="offset points",
            ha="right" if side < 0 else "left", va="center_baseline", fontsize=8,
        )  # fmt: skip
