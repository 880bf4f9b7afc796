"""Numbers by epoch: loss and accuracy of all models, gradient norms of one by layer."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter, StrMethodFormatter

from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import (
    HALF,
    MARKERS,
    MUTED,
    SERIES,
    clean,
    new_figure,
    plot_models,
    put_legend,
)
from seqblend.reporting.facts.histories import Histories, stack_units

# Training and validation of each model, float64 [units, epochs].
Curves = dict[str, tuple[np.ndarray, np.ndarray]]
BEST_REACHABLE = "best reachable accuracy"
LEVELS = "Dotted lines are models without epochs, at their out-of-fold score."
_NORMS = (
    "The largest norm of a step far above the norm of all layers is an exploding gradient; a layer "
    "far below the others hardly learns."
)
_TOTAL, _LARGEST = "gradient_norm", "gradient_norm_max"


def draw_curves(
    what: str,
    histories: dict[str, Histories],
    levels: dict[str, float],
    best_reachable: float | None = None,
    sentence: str = LEVELS,
) -> Picture | None:
    """Training (dashed) and validation (solid) `loss` or `accuracy`; None without any epoch.

    histories: best model first; levels: for models without epochs, the score to draw as a line
    best_reachable: drawn where it is known; sentence: what to see
    """
    curves = _stack_curves(what, histories)
    if not curves:
        return None
    figure, axes = new_figure(HALF, 3.9)
    for i, name in enumerate(list(histories)[: len(SERIES)]):
        if name in curves:
            _draw_model(axes, *curves[name], i, clean(name, 24))
        elif name in levels:
            style = {"color": SERIES[i], "linewidth": 1.4, "linestyle": ":"}
            axes.axhline(levels[name], label=clean(name, 24), **style)
    if best_reachable is not None:
        label = f"{BEST_REACHABLE} {best_reachable:.4f}"
        axes.axhline(best_reachable, color=MUTED, linewidth=1, linestyle="--", label=label)
    _use_epochs(axes, max(valid.shape[1] for _, valid in curves.values()))
    axes.set_title(f"{what.capitalize()} by epoch (dashed: training rows)")
    put_legend(figure, most=3)
    return Picture(f"{what}_comparison", what.capitalize(), figure, sentence)


def _stack_curves(what: str, histories: dict[str, Histories]) -> Curves:
    """The curves of the models that have epochs."""
    pairs = {
        name: (stack_units(units, f"train_{what}"), stack_units(units, f"valid_{what}"))
        for name, units in histories.items()
    }
    return {name: pair for name, pair in pairs.items() if pair[1].size}


def _use_epochs(axes: Axes, last: int) -> None:
    """Whole epochs from 1 to the last one on the horizontal axis."""
    axes.set_xlim(1 if last > 1 else 0.5, max(last, 1.5))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _draw_model(axes: Axes, train: np.ndarray, valid: np.ndarray, i: int, name: str) -> None:
    """Every unit thin, the mean thick, with markers so that a single epoch can be seen.

    train, valid: float64 [units, epochs]; i: the model's rank, which chooses the colour
    """
    for values, line, label in ((train, "--", None), (valid, "-", name)):
        epochs = np.arange(1, values.shape[1] + 1)
        style = {"color": SERIES[i], "linestyle": line}
        if values.size:
            axes.plot(epochs, values.T, linewidth=0.6, alpha=0.35, **style)
            style |= {"marker": MARKERS[i], "markersize": 4, "linewidth": 2}
            every = max(1, len(epochs) // 10)
            axes.plot(epochs, values.mean(0), markevery=every, label=label, **style)


def describe_loss(histories: dict[str, Histories]) -> str:
    """Whose validation loss ends lowest, and where its minimum was; "" without any epoch."""
    curves = _stack_curves("loss", histories)
    means = {name: np.nan_to_num(valid.mean(0), nan=np.inf) for name, (_, valid) in curves.items()}
    if not means:
        return ""
    best = min(means, key=lambda name: means[name][-1])
    mean = means[best]
    return (
        f"{clean(best)} ends with the lowest validation loss, {mean[-1]:.4f}; its minimum was "
        f"{mean.min():.4f}, at epoch {1 + int(mean.argmin())} of {len(mean)}."
    )


def draw_gradients(name: str, histories: Histories) -> Picture | None:
    """A model's norms before clipping, mean over its units, log scale; None without any layer's.

    The total is dashed; dotted is the largest norm of any step of any unit.
    """
    keys = dict.fromkeys(key for h in histories for key in h if key.startswith(f"{_TOTAL}/"))
    norms = {key.partition("/")[2]: _positive(stack_units(histories, key)) for key in keys}
    layers = {layer: values.mean(0) for layer, values in norms.items() if values.size}
    total, largest = (_positive(stack_units(histories, key)) for key in (_TOTAL, _LARGEST))
    if not layers or not total.size or not largest.size:
        return None
    total, largest = total.mean(0), largest.max(0)
    figure, axes = new_figure(HALF, 3.9)
    epochs = np.arange(1, len(total) + 1)
    plot_models(axes, {clean(layer, 24): (epochs, mean) for layer, mean in layers.items()})
    axes.plot(epochs, total, color=MUTED, linestyle="--", marker=".", label="all layers")
    axes.plot(epochs, largest, color=MUTED, linestyle=":", marker=".", label="largest of a step")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    _use_epochs(axes, len(epochs))
    axes.set_title(f"Gradient norms of {clean(name, 24)} by layer")
    put_legend(figure, most=3)
    return Picture(f"gradients_{name}", f"Gradients of {clean(name, 40)}", figure, _NORMS)


def _positive(norms: np.ndarray) -> np.ndarray:
    """Norms for a log scale: a frozen layer's 0 is not drawn."""
    return np.where(norms > 0, norms, np.nan)
