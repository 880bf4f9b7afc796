"""Further numbers by epoch: precision, recall and F1 of one model, and the learning rate of all."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.style import MARKERS, SERIES, clean, new_figure
from seqblend.reporting.facts.histories import HISTORY, Histories, stack_units
from seqblend.reporting.figures.line_ends import colour_of, label_ends

_KINDS = {
    "precision": "valid_macro_precision", "recall": "valid_macro_recall", "F1": "valid_macro_f1",
}  # fmt: skip


def draw_macro(name: str, histories: Histories) -> Picture | None:
    """A model's macro precision, recall and F1 on its validation rows; None without any epoch."""
    kinds = {kind: stack_units(histories, key) for kind, key in _KINDS.items()}
    kinds = {kind: values for kind, values in kinds.items() if values.size}
    if not kinds:
        return None
    figure, axes = new_figure(5.2, 3.5)
    ends = {}
    for i, (kind, values) in enumerate(kinds.items()):
        epochs, mean = np.arange(1, values.shape[1] + 1), values.mean(0)
        axes.plot(epochs, values.T, color=SERIES[i], linewidth=0.6, alpha=0.35)
        axes.plot(epochs, mean, color=SERIES[i], linewidth=2, marker=MARKERS[i], markersize=4)
        ends[kind] = (i, None, float(mean[-1]))
    last = len(epochs)
    _use_epochs(axes, last)
    axes.set_title(f"{clean(name, 24)}: macro precision, recall, F1 by epoch")
    label_ends(axes, ends, last)
    told = ", ".join(f"{kind} {end[2]:.4f}" for kind, end in ends.items())
    gap = ends.get("precision", (0, 0, 0.0))[2] - ends.get("recall", (0, 0, 0.0))[2]
    side = "misses rows of some classes" if gap > 0 else "gives some classes too many rows"
    sentence = f"{clean(name, 40)} ends with {told}, means over classes and units"
    if abs(gap) > 0.005:
        sentence += f"; precision and recall lie apart: it {side}"
    return Picture(f"macro_{name}", f"Macro scores of {clean(name, 40)}", figure, f"{sentence}.",
                   csv=HISTORY)  # fmt: skip


def draw_rates(histories: dict[str, Histories]) -> Picture | None:
    """The learning rate of every model at the end of each epoch; None where none has one."""
    rates = {name: stack_units(units, "rate") for name, units in histories.items()}
    rates = {name: values for name, values in rates.items() if values.size}
    if not rates:
        return None
    figure, axes = new_figure(5.2, 2.8)
    ends, last = {}, max(values.shape[1] for values in rates.values())
    for i, name in enumerate(histories):
        if name in rates:
            mean = rates[name].mean(0)
            style = {"color": colour_of(i), "marker": MARKERS[i % len(MARKERS)], "markersize": 4}
            axes.plot(np.arange(1, len(mean) + 1), mean, linewidth=1.6, clip_on=False, **style)
            ends[name] = (i, len(mean), float(mean[-1]))
    _use_epochs(axes, last)
    axes.set_ylim(0, None)
    axes.set_title("Learning rate by epoch")
    label_ends(axes, ends, last, 0.08)
    first = next(iter(rates))
    start, end = rates[first].mean(0)[[0, -1]]
    course = "stays" if np.isclose(start, end) else f"goes from {start:.3g} to"
    sentence = f"The rate of {clean(first, 40)}, the best of them, {course} {end:.3g}."
    return Picture("learning_rate", "Learning rate", figure, sentence, csv=HISTORY)


def _use_epochs(axes: Axes, last: int) -> None:
    axes.set_xlim(1 if last > 1 else 0.5, max(last, 1.5))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
