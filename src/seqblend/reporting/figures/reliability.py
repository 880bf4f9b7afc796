"""Calibration of labels: predicted probabilities against shares."""

from __future__ import annotations

import numpy as np

from seqblend.evaluation.calibration import Reliability
from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import (
    HALF,
    MUTED,
    SERIES,
    clean,
    new_figure,
    plot_models,
    put_legend,
)


def draw_reliability(curves: dict[str, Reliability], name: str) -> Picture:
    """P(1) against the share of 1; the labels with the largest calibration errors are drawn.

    curves: of each label; name: whose predictions they are
    """
    worst = sorted(curves, key=lambda label: -curves[label].error)
    figure, axes = new_figure(HALF, 3.9)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    shown = worst[: len(SERIES)]
    plot_models(axes, {clean(k, 24): (curves[k].confidence, curves[k].accuracy) for k in shown})
    title = f"Calibration of {clean(name, 24)}"
    axes.set(xlabel="mean P(1) of a bin", ylabel="share of 1", title=title)
    put_legend(figure, most=3)
    first = curves[worst[0]]
    gaps = first.confidence - first.accuracy
    k = int(np.abs(gaps).argmax())
    sentence = (
        f"{clean(worst[0], 40)} has the largest calibration error ({first.error:.4f}): where its "
        f"mean probability is {first.confidence[k]:.4f}, a share of {first.accuracy[k]:.4f} is 1."
    )
    return Picture("calibration", title, figure, sentence)
