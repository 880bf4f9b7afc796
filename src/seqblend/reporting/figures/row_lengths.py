"""How long rows are: training against test rows, and what the cut of neural models leaves out."""

from __future__ import annotations

import numpy as np
from scipy.stats import ks_2samp

from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.style import MUTED, SERIES, new_figure, percent, put_legend
from seqblend.reporting.elements.tables import Column, Table
from seqblend.reporting.facts.records import ReportData

_BINS = 40
_DRIFT = 0.001  # p below which the two are said to differ: rows are many


def draw_row_lengths(data: ReportData) -> Picture | None:
    """Histograms of both as shares of the rows; None where all rows are equally long."""
    kinds = {"training rows": data.lengths}
    if data.test_lengths is not None and len(data.test_lengths):
        kinds["test rows"] = data.test_lengths
    both = np.concatenate(list(kinds.values()))
    if both.min() == both.max():
        return None
    top = max(int(np.quantile(both, 0.99)), int(both.min()) + 1)
    step = -(-(top + 1 - int(both.min())) // _BINS)  # all bars count as many lengths
    edges = np.arange(both.min(), top + 1 + step, step)
    shares = {
        name: np.histogram(np.minimum(lengths, top), edges)[0] / len(lengths)
        for name, lengths in kinds.items()
    }
    figure, axes = new_figure(5.2, 3.0)
    for i, (name, share) in enumerate(shares.items()):
        axes.stairs(share, edges, color=SERIES[i], linewidth=1.6, fill=i == 0,
                    alpha=0.35 if i == 0 else 1.0, label=name)  # fmt: skip
    cut = _cut_of(data)
    if cut and cut < top:
        axes.axvline(cut, color=MUTED, linewidth=1, linestyle="--")
        axes.annotate(
            f"cut at {cut}", (cut, 1.0), xycoords=("data", "axes fraction"), xytext=(3, -9),
            textcoords="offset points", fontsize=8, color=MUTED,
        )  # fmt: skip
    axes.set(xlabel="tokens (the longest 1 % in the last bar)", ylabel="share of the rows",
             title="Length of the rows")  # fmt: skip
    put_legend(figure)
    columns = (
        Column("from", "from", "count"), *(Column(name, name, "score") for name in shares),
    )  # fmt: skip
    rows = [list(line) for line in zip(edges[:-1].tolist(), *shares.values(), strict=True)]
    return Picture("row_lengths", "Length of the rows", figure, _sentence(kinds, cut),
                   data=Table(columns, rows))  # fmt: skip


def _cut_of(data: ReportData) -> int:
    """The least vocabulary.max_len of a model with epochs; 0 without one."""
    cuts = [r.settings["vocabulary"]["max_len"] for r in data.records
            if any(r.epochs) and r.settings.get("vocabulary")]  # fmt: skip
    return min(cuts, default=0)


def _sentence(kinds: dict[str, np.ndarray], cut: int) -> str:
    """Whether test rows are as long as training rows, and how many are cut."""
    train, *test = kinds.values()
    text = f"Half of the training rows have {np.median(train):,.0f} tokens or fewer"
    if test:
        distance, p = ks_2samp(train, test[0])
        same = "differ more than by chance" if p < _DRIFT else "differ no more than by chance"
        text += f"; lengths of training and test rows {same} (Kolmogorov-Smirnov {distance:.3f})"
    if cut and (train > cut).any():
        text += f"; {percent(float((train > cut).mean()))} are longer than the cut at {cut}"
    elif cut:
        text += f"; none is longer than the cut at {cut}"
    return f"{text}."
