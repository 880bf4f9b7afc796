"""ROC and precision-recall curves: of each model with two classes, of each class with more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_curve

from seqblend.reporting.elements.pictures import Picture, draw_plain
from seqblend.reporting.elements.style import (
    LINE,
    MUTED,
    SERIES,
    clean,
    display_labels,
    new_figure,
    put_legend,
)
from seqblend.reporting.elements.tables import Column, Table
from seqblend.reporting.facts.entries import Entry
from seqblend.reporting.facts.records import ReportData

_POINTS = 201  # of a curve, evenly spaced: what can be seen
_SHOWN = 20  # curves; the first six have colours


@dataclass(frozen=True)
class Ranking:
    """How well scores rank the rows of one class: curves at even steps, and their areas.

    recall: float64 [201], at false positive rates 0, 0.005, ..., 1
    precision: float64 [201], at recalls 0, 0.005, ..., 1
    """

    name: str
    recall: np.ndarray
    precision: np.ndarray
    area: float
    average_precision: float


_GRID = np.linspace(0.0, 1.0, _POINTS)


def rank(name: str, is_class: np.ndarray, scores: np.ndarray) -> Ranking:
    """is_class: bool [n], both values occur; scores: float [n]."""
    false, true, _ = roc_curve(is_class, scores)
    precision, recall, _ = precision_recall_curve(is_class, scores)
    return Ranking(
        name,
        _at_even_steps(false[::-1], true[::-1]),
        _at_even_steps(recall[::-1], precision[::-1]),
        float(auc(false, true)),
        float(average_precision_score(is_class, scores)),
    )


def _at_even_steps(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """float64 [201]: y between the points given; of those with the same x the first counts."""
    places, first = np.unique(x, return_index=True)
    return np.interp(_GRID, places, y[first])


def rank_all(data: ReportData, entries: list[Entry]) -> tuple[str, list[Ranking]]:
    """(what they are of, rankings): the best models' with two classes, else the chosen's classes.

    Classes stand with the least area first; those without rows, or with all rows, are left out.
    """
    scored = [entry for entry in entries if len(entry.rows)]
    names = display_labels(data.classes)
    if not scored:
        return "", []
    if len(names) == 2:
        rankings = [
            rank(entry.name, data.labels[entry.rows] == 1, entry.record.oof[entry.rows, 1])
            for entry in scored[: len(SERIES)]
            if len(np.unique(data.labels[entry.rows])) == 2
        ]
        return f"class {names[1]}", rankings
    chosen = next((entry for entry in scored if entry.is_blend), scored[0])
    labels, oof = data.labels[chosen.rows], chosen.record.oof[chosen.rows]
    sizes = np.bincount(labels, minlength=len(names))
    known = np.flatnonzero((sizes > 0) & (sizes < len(labels)))
    rankings = [rank(names[k], labels == k, oof[:, k]) for k in known]
    return clean(chosen.name, 40), sorted(rankings, key=lambda ranking: ranking.area)


def draw_rankings(what: str, rankings: list[Ranking]) -> list[Picture]:
    """The ROC picture and that of precision against recall."""
    if not rankings:
        return []
    points = _tabulate(rankings)
    pictures = []
    for name, title in (("roc", "ROC"), ("precision_recall", "Precision and recall")):
        shown = [clean(ranking.name, 24) for ranking in rankings[:_SHOWN]]
        draw = partial(_draw, name, f"{title}, {what}", rankings)
        sentence = _sentence(name, rankings)
        pictures.append(
            Picture(
                name, title, draw(shown), sentence, draw_plain(draw, shown), points, "rankings.csv"
            )
        )
    return pictures


def _draw(name: str, title: str, rankings: list[Ranking], names: list[str]) -> Figure:
    figure, axes = new_figure(5.2, 4.4)
    for i, shown in reversed(list(enumerate(names))):
        ranking = rankings[i]
        values = ranking.recall if name == "roc" else ranking.precision
        area = ranking.area if name == "roc" else ranking.average_precision
        is_main = i < len(SERIES)
        axes.plot(
            _GRID, values, color=SERIES[i] if is_main else LINE,
            linewidth=1.6 if is_main else 0.8, label=f"{shown} {area:.4f}" if is_main else None,
        )  # fmt: skip
    if name == "roc":
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    axes.set(xlim=(-0.01, 1.01), ylim=(min(axes.get_ylim()[0], 0.95), 1.01), title=title)
    words = ("false positive rate", "recall") if name == "roc" else ("recall", "precision")
    axes.set(xlabel=words[0], ylabel=words[1])
    put_legend(figure, most=2, is_turned=True)
    return figure


def _sentence(name: str, rankings: list[Ranking]) -> str:
    """The best and the worst area, and what the area is."""
    areas = [r.area if name == "roc" else r.average_precision for r in rankings]
    best, worst = rankings[int(np.argmax(areas))], rankings[int(np.argmin(areas))]
    meaning = (
        "the area is the chance that a row of the class is ranked before another row"
        if name == "roc"
        else "the average precision is the area under the curve"
    )
    text = f"{clean(best.name)} ranks best, {max(areas):.4f}"
    if len(rankings) > 1:
        text += f", {clean(worst.name)} worst, {min(areas):.4f}"
    if len(rankings) > _SHOWN:
        text += f" (the {_SHOWN} worst of {len(rankings)} are drawn)"
    return f"{text}; {meaning}."


def _tabulate(rankings: list[Ranking]) -> Table:
    columns = (
        Column("curve", "curve"),
        Column("at", "at", "score"),
        Column("recall", "recall at that false positive rate", "score"),
        Column("precision", "precision at that recall", "score"),
    )
    rows = [
        [ranking.name, *map(float, values)]
        for ranking in rankings
        for values in zip(_GRID, ranking.recall, ranking.precision, strict=True)
    ]
    return Table(columns, rows)
