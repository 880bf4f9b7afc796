"""Whether probabilities mean what they say and rank rows well: reliability and ROC."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

from seqblend.evaluation.calibration import Reliability
from seqblend.evaluation.intervals import wilson_interval
from seqblend.reporting.elements.blocks import Picture
from seqblend.reporting.elements.style import (
    HALF,
    INK,
    MUTED,
    SERIES,
    clean,
    display_labels,
    new_figure,
    plot_models,
    put_legend,
)
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import ReportData

_RATES = np.linspace(0.0, 1.0, 201)  # as many points of a curve as can be seen


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
    parts = [
        pd.DataFrame(
            {"model": name, "confidence": p.confidence, "accuracy": p.accuracy, "rows": p.rows}
        )
        for name, p in measured.items()
    ]
    return Picture("reliability", "Reliability", figure, sentence, data=pd.concat(parts))


def draw_roc(data: ReportData, entries: list[Ranked]) -> Picture | None:
    """The six best; None where the area is undefined, as where there is only one class."""
    shown = [entry for entry in entries if entry.summary.get("auc") is not None][: len(SERIES)]
    if not shown:
        return None
    is_binary = len(data.classes) == 2
    classes = [1] if is_binary else range(len(data.classes))
    curves = {
        entry.name: macro_curve(data.labels[entry.rows], entry.record.oof[entry.rows], classes)
        for entry in shown
    }
    figure, axes = new_figure(HALF, 4.4)
    for entry, colour in zip(shown, SERIES, strict=False):
        label = f"{clean(entry.name, 24)} {entry.summary['auc']:.4f}"
        axes.plot(_RATES, curves[entry.name], color=colour, label=label)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    what = f"class {display_labels(data.classes)[1]}" if is_binary else "mean over classes"
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), title=f"ROC, {what}")
    axes.set(xlabel="false positive rate", ylabel="true positive rate (recall)")
    put_legend(figure, "area under the curve", most=2)
    best = max(shown, key=lambda entry: entry.summary["auc"])
    sentence = (
        f"{clean(best.name, 40)} has the largest area, {best.summary['auc']:.4f}: the probability "
        "that a row of a class is ranked before a row of another class."
    )
    table = pd.DataFrame({"false_positive_rate": _RATES} | curves)
    return Picture("roc", "ROC", figure, sentence, data=table)


def macro_curve(labels: np.ndarray, p: np.ndarray, classes: Iterable[int]) -> np.ndarray:
    """float64 [201]: recall at each false positive rate, mean over the classes that have one.

    labels: int64 [n]; p: float [n, c]
    """
    curves = []
    for k in classes:
        is_class = labels == k
        if is_class.any() and not is_class.all():
            false, true, _ = roc_curve(is_class, p[:, k])
            # Of several recalls at one rate the largest counts, which comes last.
            places, first = np.unique(false[::-1], return_index=True)
            curves.append(np.interp(_RATES, places, true[::-1][first]))
    return np.mean(curves, axis=0)
