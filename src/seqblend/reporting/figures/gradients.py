"""Gradient norms by epoch, in total and by layer: what explodes, and what hardly learns."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator, NullFormatter, StrMethodFormatter

from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.style import MUTED, SERIES, clean, new_figure
from seqblend.reporting.facts.histories import HISTORY, Histories, stack_units
from seqblend.reporting.figures.line_ends import colour_of, label_ends

_TOTAL, _MOST = "gradient_norm", "gradient_norm_max"


def draw_gradients(name: str, histories: Histories) -> Picture | None:
    """A model's norms before clipping, mean over its units, log scale; None without any layer's.

    The total is dashed, its maximum dotted; the units' largest maximum counts.
    """
    keys = dict.fromkeys(key for h in histories for key in h if key.startswith(f"{_TOTAL}/"))
    layers = {key.partition("/")[2]: _positive(stack_units(histories, key)) for key in keys}
    layers = {layer: norms for layer, norms in layers.items() if norms.size}
    total, most = (_positive(stack_units(histories, key)) for key in (_TOTAL, _MOST))
    if not layers or not total.size or not most.size:
        return None
    total, most = total.mean(0), most.max(0)
    figure, axes = new_figure(5.2, 3.5)
    epochs = np.arange(1, len(total) + 1)
    for values, line in ((total, (0, (4, 2))), (most, (0, (1, 1.5)))):
        axes.plot(epochs, values, color=MUTED, linewidth=1.4, linestyle=line, marker=".")
    ends = {"total": (-1, None, total[-1]), "total, largest": (-1, None, most[-1])}
    for i, (layer, norms) in enumerate(layers.items()):
        mean = norms.mean(0)
        width = 2.0 if i < len(SERIES) else 0.8
        axes.plot(epochs, mean, color=colour_of(i), linewidth=width, marker="o", markersize=4)
        ends[layer] = (i, None, mean[-1])
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(1 if len(epochs) > 1 else 0.5, max(len(epochs), 1.5))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_title("Gradient norm by epoch and layer")
    label_ends(axes, ends, len(epochs))
    sentence = _sentence(name, {k: v.mean(0) for k, v in layers.items()}, total, most)
    title = f"Gradients of {clean(name, 40)}"
    return Picture(f"gradients_{name}", title, figure, sentence, csv=HISTORY)


def _positive(norms: np.ndarray) -> np.ndarray:
    """Norms for a log scale: a frozen layer's 0 is not drawn."""
    return np.where(norms > 0, norms, np.nan)


def _sentence(name: str, layers: dict[str, np.ndarray], total: np.ndarray, most: np.ndarray) -> str:
    """How far the largest norm stands out, and how far the layers lie apart at the end."""
    epoch = int(np.nanargmax(most)) if np.isfinite(most).any() else 0
    text = (
        f"{clean(name, 40)}: the largest norm of a step, {most[epoch]:.3g}, was in epoch "
        f"{epoch + 1}, {most[epoch] / total[epoch]:.3g} times that epoch's mean"
    )
    ends = {layer: norms[-1] for layer, norms in layers.items() if np.isfinite(norms[-1])}
    if len(ends) < 2:
        return f"{text}."
    high, low = max(ends, key=ends.__getitem__), min(ends, key=ends.__getitem__)
    return (
        f"{text}; in the last epoch {clean(high, 40)} had the largest gradient and "
        f"{clean(low, 40)} the smallest, {ends[low] / ends[high]:.2g} of it."
    )
