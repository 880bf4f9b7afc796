"""What a leaderboard said of submissions, against the scores to expect."""

from __future__ import annotations

import numpy as np

from seqblend.reporting.elements.pictures import Picture
from seqblend.reporting.elements.style import INK, MUTED, SERIES, clean, new_figure
from seqblend.reporting.elements.tables import Table
from seqblend.reporting.facts.leaderboard import title_of
from seqblend.reporting.facts.records import ReportData

_NAMED = 3  # submissions with a name in the picture: those furthest from what was expected


def draw_answers(data: ReportData, answers: Table) -> Picture:
    """Each submission's leaderboard score over the score to expect; the line is where both agree.

    answers: as the block shows it
    """
    names = [row[0] for row in answers.rows]
    expected, said = (np.array([row[i] for row in answers.rows], dtype=float) for i in (1, 2))
    figure, axes = new_figure(5.2, 3.5)
    axes.plot(expected, said, "o", color=SERIES[0], markersize=6)
    axes.axline((expected[0], expected[0]), slope=1, color=MUTED, linewidth=1, linestyle="--")
    axes.margins(0.15)
    order = np.argsort(-np.abs(said - expected), kind="stable")[:_NAMED]
    for i in order:
        axes.annotate(clean(names[i], 30), (expected[i], said[i]), xytext=(0, 7),
                      textcoords="offset points", ha="center", fontsize=7.5, color=INK)  # fmt: skip
    title = title_of(data.metric)
    axes.set(xlabel=f"{title}, cross-fitted", ylabel=f"{title}, leaderboard",
             title="CV against leaderboard")  # fmt: skip
    apart = said - expected
    order = _agreement(expected, said)
    sentence = (
        f"The leaderboard is {apart.mean():+.4f} from cross-validation on average, between "
        f"{apart.min():+.4f} and {apart.max():+.4f}; {100 * order:.0f} % of the pairs stand in the "
        "same order on both. A shift that all share is harmless, an order that differs is not."
    )
    return Picture("cv_leaderboard", "CV against leaderboard", figure, sentence, data=answers)


def _agreement(expected: np.ndarray, said: np.ndarray) -> float:
    """The share of pairs in the same order on both; ties count half."""
    one, other = np.triu_indices(len(expected), 1)
    signs = np.sign(expected[one] - expected[other]) * np.sign(said[one] - said[other])
    return float((1 + signs).mean() / 2)
