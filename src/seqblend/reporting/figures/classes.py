"""Accuracy by class: a line of marks a class, the worst one first."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from seqblend.reporting.elements.pictures import Picture, draw_plain
from seqblend.reporting.elements.style import INK, MARKERS, SERIES, clean, new_figure, put_legend
from seqblend.reporting.elements.tables import Table
from seqblend.reporting.facts.breakdowns import spread

_SHOWN = 20  # classes


def draw_classes(table: Table, lead: str) -> Picture | None:
    """Share of each class's rows found, the worst 20 classes of `lead` drawn.

    table: as tabulate_recall has it, best model first; None with fewer than two classes
    """
    names, arrays = spread(table)
    if len(names) < 2:
        return None
    order = np.argsort(np.nan_to_num(arrays[lead][0], nan=2.0), kind="stable")
    shown = order[:_SHOWN]
    models = {lead: arrays[lead]} | dict(list(arrays.items())[: len(SERIES)])
    labels = [names[k] for k in shown]
    draw = partial(_draw_dots, {m: a[:, shown] for m, a in models.items()}, lead)
    return Picture(
        "accuracy_by_class", "Accuracy by class", draw(labels),
        _class_sentence(lead, names, arrays[lead], order), draw_plain(draw, labels), table,
    )  # fmt: skip


def _draw_dots(models: dict[str, np.ndarray], lead: str, labels: list[str]) -> Figure:
    """A line of marks a class, worst first; the interval is the lead's."""
    figure, axes = new_figure(5.2, 1.3 + 0.25 * len(labels))
    others = [name for name in models if name != lead]
    y = np.arange(len(labels))
    share, low, high = models[lead]
    axes.hlines(y, low, high, color=INK, linewidth=1.2)
    for i, name in enumerate(others):
        axes.plot(models[name][0], y, MARKERS[i % len(MARKERS)], color=SERIES[i % len(SERIES)],
                  markersize=4.5, label=clean(name, 24))  # fmt: skip
    axes.plot(share, y, "*", color=INK, markersize=9, label=clean(lead, 24))
    axes.set_yticks(y, [clean(label, 24) for label in labels])
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_title("Accuracy by true class (recall)")
    put_legend(figure)
    return figure


def _class_sentence(lead: str, names: list[str], array: np.ndarray, order: np.ndarray) -> str:
    worst, best = order[0], order[np.isfinite(array[0][order])][-1]
    clear = array[2, worst] < array[1, best]
    text = (
        f"{clean(lead)} finds {clean(names[worst])} least ({array[0, worst]:.4f}) and "
        f"{clean(names[best])} most often ({array[0, best]:.4f}); "
        + ("the intervals do not overlap" if clear else "their intervals overlap")
    )
    rest = len(names) - _SHOWN
    return f"{text}; the {_SHOWN} worst of {len(names)} are drawn." if rest > 0 else f"{text}."
