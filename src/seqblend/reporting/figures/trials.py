"""Pictures of a search: its history, what mattered, value against knob, and where the time went."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.style import (
    INK,
    LINE,
    MARKERS,
    MUTED,
    RIGHT,
    WRONG,
    clean,
    new_figure,
    percent,
    put_legend,
)
from seqblend.reporting.elements.tables import Column, Table

_SLICES = 6  # knobs drawn, the most important ones
_EDGE = 0.08  # room beyond either end of a range, as a share of it
_COLOURS = {"done": RIGHT, "pruned": MUTED, "failed": WRONG}
Trials = list[dict[str, Any]]


def draw_history(model: str, trials: Trials) -> Picture:
    """Every trial's log loss in the order of the search, and the best so far as a line."""
    figure, axes = new_figure(5.2, 3.5)
    valued = [t for t in trials if t["log_loss"] is not None and t["folds"]]
    _scatter(axes, [(t["number"], t["log_loss"], t["outcome"]) for t in valued])
    whole = [(t["number"], t["log_loss"]) for t in valued if _may_win(t)]
    default = next((t["log_loss"] for t in valued if t["role"] == "default"), None)
    if whole:
        places, losses = zip(*whole, strict=True)
        best = np.minimum.accumulate(losses)
        axes.step(
            [*places, trials[-1]["number"]],
            [*best, best[-1]],
            where="post",
            color=INK,
            linewidth=1.4,
        )
    if default is not None:
        axes.axhline(default, color=MUTED, linewidth=1, linestyle="--")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="trial (the default: dashed)", ylabel="log loss, out of fold")
    axes.set_title(f"{clean(model, 30)}: the search")
    put_legend(figure)
    return Picture(
        f"tuning_history_{model}",
        "History",
        figure,
        _history_sentence(trials, whole, default),
        csv=f"tuning_{model}.csv",
    )


def _scatter(axes: Axes, points: list[tuple[Any, float, str]]) -> None:
    """(x, y, outcome) each; a pruned trial is an outline."""
    for k, (outcome, colour) in enumerate(_COLOURS.items()):
        chosen = [(x, y) for x, y, how in points if how == outcome]
        if chosen:
            face = "none" if outcome == "pruned" else colour
            axes.plot(
                *zip(*chosen, strict=True), MARKERS[k], color=colour, markerfacecolor=face,
                markersize=5, label=outcome,
            )  # fmt: skip


def _may_win(trial: dict[str, Any]) -> bool:
    return trial["outcome"] == "done" and trial["may_win"]


def _history_sentence(trials: Trials, whole: list[tuple[int, float]], default: float | None) -> str:
    counts = {how: sum(t["outcome"] == how for t in trials) for how in _COLOURS}
    text = "{done} trials were finished, {pruned} pruned, {failed} failed".format(**counts)
    if not whole:
        return f"{text}."
    place, loss = min(whole, key=lambda pair: pair[1])
    beside = "" if default is None else f" (default {default:.4f})"
    return f"{text}; the best log loss, {loss:.4f}, came with trial {place}{beside}."


def draw_importance(model: str, shares: dict[str, float]) -> Picture | None:
    """Each knob's share in telling good trials from others; None where nothing is known."""
    if not shares:
        return None
    names = sorted(shares, key=shares.__getitem__, reverse=True)
    figure, axes = new_figure(5.2, 0.8 + 0.27 * len(names))
    axes.barh(range(len(names)), [shares[name] for name in names], color=RIGHT, height=0.6)
    axes.set_yticks(range(len(names)), [clean(name, 40) for name in names])
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    axes.set(xlabel="share of the rank (fANOVA)", title="What mattered")
    columns = (Column("knob", "knob"), Column("share", "share", "score"))
    table = Table(columns, [[name, shares[name]] for name in names])
    sentence = (
        f"{clean(names[0])} tells good trials from others best ({percent(shares[names[0]])} of "
        f"all), {clean(names[-1])} least ({percent(shares[names[-1]])})."
    )
    return Picture(f"tuning_importance_{model}", "Importance", figure, sentence, data=table)


def draw_slices(
    model: str, trials: Trials, space: dict[str, Any], shares: dict[str, float]
) -> Picture | None:
    """Log loss against each of the most important knobs; None without any trial's value."""
    names = sorted(space, key=lambda name: -shares.get(name, 0.0))[:_SLICES]
    shown = [t for t in trials if t["log_loss"] is not None and t["folds"]]
    if not shown or not names:
        return None
    rows = -(-len(names) // 3)
    figure = Figure(figsize=(5.2, 0.4 + 1.7 * rows), layout="constrained")
    grid = figure.subplots(rows, min(3, len(names)), squeeze=False, sharey=True)
    for axes, name in zip(grid.ravel(), names, strict=False):
        kind, search = space[name]
        words = [str(value) for value in search["values"]] if kind == "Choice" else []
        place = (lambda v, w=words: w.index(str(v))) if words else float
        _scatter(axes, [(place(t["values"][name]), t["log_loss"], t["outcome"]) for t in shown])
        if words:
            axes.set_xticks(range(len(words)), [clean(word, 10) for word in words])
            axes.set_xlim(-0.5, len(words) - 0.5)
        else:
            _span(axes, search)
        axes.tick_params(labelsize=7)
        axes.set_title(clean(name.partition(".")[2], 24), fontsize=8)
    for axes in grid.ravel()[len(names) :]:
        axes.set_visible(False)
    best = min(shown, key=lambda t: t["log_loss"])
    told = ", ".join(f"{clean(n, 30)} {_short(best['values'][n])}" for n in names)
    return Picture(
        f"tuning_slices_{model}",
        "Slices",
        figure,
        f"The least log loss was with {told}.",
        csv=f"tuning_{model}.csv",
    )


def _span(axes: Axes, search: dict[str, Any]) -> None:
    """An axis over the whole range with a tick at either end: the labels of any range have room."""
    ends = low, high = float(search["low"]), float(search["high"])
    axes.set_xscale("log" if search["log"] else "linear")
    axes.xaxis.set_major_locator(FixedLocator(ends))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FixedFormatter([f"{end:g}" for end in ends]))
    if search["log"]:
        edge = (high / low) ** _EDGE
        axes.set_xlim(low / edge, high * edge)
    else:
        axes.set_xlim(low - _EDGE * (high - low), high + _EDGE * (high - low))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else clean(value, 20)


def draw_times(model: str, trials: Trials) -> Picture:
    """Seconds of fitting of every trial, by how it ended."""
    figure, axes = new_figure(5.2, 2.6)
    for outcome, colour in _COLOURS.items():
        chosen = [t for t in trials if t["outcome"] == outcome]
        if chosen:
            places, seconds = [t["number"] for t in chosen], [t["seconds"] for t in chosen]
            face = LINE if outcome == "pruned" else colour
            axes.bar(places, seconds, color=face, width=0.8, label=outcome)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="trial", ylabel="seconds of fitting", title="Time by trial")
    put_legend(figure)
    spent = {how: sum(t["seconds"] for t in trials if t["outcome"] == how) for how in _COLOURS}
    total = max(sum(spent.values()), 1e-9)
    return Picture(
        f"tuning_time_{model}", "Time", figure,
        f"{total:,.0f} seconds of fitting, {percent(spent['pruned'] / total)} of them in pruned "
        "trials.", csv=f"tuning_{model}.csv"
    )  # fmt: skip
