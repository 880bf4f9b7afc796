"""Whether probabilities mean what they say: the reliability diagram."""

from __future__ import annotations

from seqblend.evaluation.calibration import Reliability
from seqblend.evaluation.intervals import wilson_interval
from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import (
    HALF,
    INK,
    MUTED,
    clean,
    new_figure,
    plot_models,
    put_legend,
)


def draw_reliability(measured: dict[str, Reliability], lead: str) -> Picture:
    """Accuracy against confidence in bins of equal size; best first, `lead` in ink."""
    figure, axes = new_figure(HALF, 4.4)
    labels = {name: f"{clean(name, 24)} {part.error:.4f}" for name, part in measured.items()}
    curves = {labels[name]: (part.confidence, part.accuracy) for name, part in measured.items()}
    plot_models(axes, curves, labels[lead])
    part = measured[lead]
    interval = wilson_interval(part.accuracy * part.rows, part.rows)
    axes.vlines(part.confidence, *interval, color=INK, linewidth=0.8)
    edge = min(*(each.confidence.min() for each in measured.values()), 0.95)
    axes.plot([edge, 1], [edge, 1], color=MUTED, linewidth=1, linestyle="--")
    axes.set(xlabel="mean probability of the predicted class", ylabel="accuracy")
    axes.set_title("Reliability of the probabilities")
    put_legend(figure, "expected calibration error", most=2)
    side = "overconfident" if part.bias > 0 else "underconfident"
    sentence = (
        f"{clean(lead)} is {side} by {abs(part.bias):.4f} on average; its expected calibration "
        f"error, the mean distance to the dashed line, is {part.error:.4f}."
    )
    return Picture("reliability", "Reliability", figure, sentence)
