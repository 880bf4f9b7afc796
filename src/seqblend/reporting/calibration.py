"""Whether probabilities mean what they say: calibration error and the reliability diagram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.metrics import predict_classes
from seqblend.reporting.intervals import wilson_interval
from seqblend.reporting.pictures import Picture
from seqblend.reporting.style import INK, MARKERS, MUTED, SERIES, clean, new_figure
from seqblend.reporting.tables import Column, Table

_BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Rows in up to 15 bins of equal size by the probability of the class they are given.

    confidence, accuracy: float64 [bins], means; rows: int64 [bins]
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    rows: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: mean distance of the two, each bin by its rows.

        Naeini, Cooper and Hauskrecht (2015); equal sizes as in Nguyen and O'Connor (2015).
        """
        return float(np.average(np.abs(self.confidence - self.accuracy), weights=self.rows))

    @property
    def bias(self) -> float:
        """Mean confidence less accuracy: above 0, more is promised than kept."""
        return float(np.average(self.confidence - self.accuracy, weights=self.rows))


def measure_reliability(labels: np.ndarray, probabilities: np.ndarray) -> Reliability:
    """labels: int64 [n], at least one; probabilities: float [n, c]."""
    p = probabilities.astype(np.float64)
    confidence, right = p.max(1), predict_classes(p) == labels
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(_BINS, len(labels)))
    means = [(confidence[part].mean(), right[part].mean(), len(part)) for part in parts]
    confidence, accuracy, rows = map(np.array, zip(*means, strict=True))
    return Reliability(confidence, accuracy, rows)


def draw_reliability(measured: dict[str, Reliability], lead: str | None) -> Picture:
    """How often each is right against how sure it was; best first, `lead` in ink."""
    others = [name for name in measured if name != lead][: len(SERIES) - 1]
    drawn = ([lead] if lead in measured else []) + others
    figure, axes = new_figure(5.2, 3.9)
    for name in reversed(drawn):
        i = others.index(name) if name in others else -1
        part = measured[name]
        low, high = wilson_interval(part.accuracy * part.rows, part.rows)
        axes.errorbar(
            part.confidence,
            part.accuracy,
            np.abs([low - part.accuracy, high - part.accuracy]) if i < 0 else None,
            color=INK if i < 0 else SERIES[i],
            linewidth=1.6 if i < 0 else 1.0,
            elinewidth=0.7,
            marker="*" if i < 0 else MARKERS[i],
            markersize=7 if i < 0 else 4,
            label=f"{clean(name, 24)} {part.error:.4f}",
        )
    edge = min(min(measured[name].confidence.min() for name in drawn), 0.95)
    axes.plot([edge, 1], [edge, 1], color=MUTED, linewidth=1, linestyle="--")
    axes.set(
        xlabel="mean probability of the predicted class",
        ylabel="share that is right",
        title="Reliability",
    )
    figure.legend(
        loc="outside lower center", ncols=2, frameon=False, fontsize=8, title="calibration error"
    )
    sentence = _sentence(drawn[0], measured[drawn[0]])
    return Picture("reliability", "Reliability", figure, sentence, data=_tabulate(measured))


def _sentence(name: str, part: Reliability) -> str:
    """Whether too much or too little is promised, and whether that is worth anything."""
    side = "more sure than right" if part.bias > 0 else "less sure than right"
    return (
        f"{clean(name)} is {side} by {abs(part.bias):.4f} on average; its calibration error, the "
        f"mean distance to the dashed line, is {part.error:.4f}."
    )


def _tabulate(measured: dict[str, Reliability]) -> Table:
    columns = (
        Column("model", "model"),
        *(Column(key, key, "score") for key in ("confidence", "accuracy")),
        Column("rows", "rows", "count"),
    )
    rows = [
        [name, *map(float, values)]
        for name, part in measured.items()
        for values in zip(part.confidence, part.accuracy, part.rows, strict=True)
    ]
    return Table(columns, rows)
