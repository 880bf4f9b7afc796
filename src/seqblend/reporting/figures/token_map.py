"""A map of the most frequent tokens: the plane in which their vectors lie furthest apart."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from seqblend.reporting.elements.pictures import Picture, draw_plain
from seqblend.reporting.elements.style import (
    INK,
    LINE,
    MARKERS,
    SERIES,
    clean,
    display_labels,
    new_figure,
    percent,
    put_legend,
)
from seqblend.reporting.elements.tables import Column, Table
from seqblend.reporting.facts.explanations import TokenVectors
from seqblend.reporting.facts.records import ReportData

_SHOWN = 300  # tokens
_NAMED = 60  # with a name, where there is room
_FEWEST = 10  # tokens below which a map says nothing
_LEAN = 1.25  # times its share of all tokens from which a token leans to a class


def draw_token_map(data: ReportData, vectors: TokenVectors) -> Picture | None:
    """PCA of the vectors of the 300 most frequent tokens; None with fewer than ten."""
    counts = count_tokens(data, vectors.tokens)
    order = np.argsort(-counts.sum(1), kind="stable")[:_SHOWN]
    order = order[counts[order].sum(1) > 0]
    if len(order) < _FEWEST or vectors.vectors.shape[1] < 2:
        return None
    pca = PCA(2, svd_solver="full")
    places = pca.fit_transform(vectors.vectors[order].astype(np.float64))
    lean = find_lean(counts[order], counts.sum(0))
    labels = [clean(data.texts.lexicon[k], 18) or "(empty)" for k in vectors.tokens[order]]
    classes = display_labels(data.classes, 16)
    draw = partial(_draw, vectors.name, places, lean, classes)
    columns = (
        Column("token", "token"), Column("count", "count", "count"),
        Column("x", "x", "signed"), Column("y", "y", "signed"), Column("leans_to", "leans to"),
    )  # fmt: skip
    leans = [classes[k] if k >= 0 else "" for k in lean]
    totals = counts[order].sum(1)
    rows = [
        [name, int(n), float(x), float(y), to]
        for name, n, (x, y), to in zip(labels, totals, places, leans, strict=True)
    ]
    return Picture(
        f"tokens_{vectors.name}", f"Tokens, {clean(vectors.name, 40)} vectors", draw(labels),
        _sentence(len(order), pca.explained_variance_ratio_, places, lean),
        draw_plain(draw, labels), Table(columns, rows),
    )  # fmt: skip


def count_tokens(data: ReportData, tokens: np.ndarray) -> np.ndarray:
    """int64 [v, c]: how often each token stands in rows of each class. tokens: int32 [v]."""
    sequences, c = data.texts.sequences, len(data.classes)
    flat, offsets = sequences.flat()
    position = np.full(len(data.texts.lexicon), -1, dtype=np.int64)
    position[tokens] = np.arange(len(tokens))
    place = position[flat]
    known = place >= 0
    label = np.repeat(data.labels, np.diff(offsets))
    cells = place[known] * c + label[known]
    return np.bincount(cells, minlength=len(tokens) * c).reshape(len(tokens), c)


def find_lean(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """int64 [v]: the class in which a token is most over-represented, -1 where hardly in any.

    counts: int64 [v, c]; totals: int64 [c], of all tokens
    """
    usual = totals / max(totals.sum(), 1)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    times = np.divide(share, usual, out=np.zeros_like(share), where=usual > 0)
    best = times.argmax(1)
    return np.where(times.max(1) >= _LEAN, best, -1)


def _draw(
    name: str, places: np.ndarray, lean: np.ndarray, classes: list[str], labels: list[str]
) -> Figure:
    figure, axes = new_figure(8.6, 6.0)
    shown = np.unique(lean[lean >= 0])
    colours = {k: SERIES[i] for i, k in enumerate(shown[: len(SERIES)])}
    rest = np.array([k not in colours for k in lean])
    axes.plot(*places[rest].T, ".", color=LINE, markersize=4, label="none of these")
    for i, (k, colour) in enumerate(colours.items()):
        members = places[lean == k]
        axes.plot(*members.T, MARKERS[i], color=colour, markersize=3.5, label=classes[k])
    taken: list[np.ndarray] = []
    scale = np.ptp(places, axis=0).clip(1e-9) / (45, 50)  # a name's room: 8.6 by 6 inches
    for k in range(len(labels)):
        at = places[k] / scale
        width = 0.5 * len(labels[k]) + 1
        if all(abs(at[0] - x) > (width + w) / 2 or abs(at[1] - y) > 1.2 for x, y, w in taken):
            taken.append(np.array([*at, width]))
            axes.annotate(labels[k], places[k], xytext=(0, 4), textcoords="offset points",
                          ha="center", fontsize=7, color=INK)  # fmt: skip
        if len(taken) == _NAMED:
            break
    axes.tick_params(labelbottom=False, labelleft=False)
    axes.set_title(
        f"Most frequent tokens, {clean(name, 40)} vectors: first two principal components"
    )
    put_legend(figure, "over-represented in rows of")
    return figure


def _sentence(n: int, ratios: np.ndarray, places: np.ndarray, lean: np.ndarray) -> str:
    """How much of the variance is seen, and whether the classes lie apart."""
    text = f"{n} tokens; the plane holds {percent(float(ratios.sum()))} of their variance"
    leaning = lean >= 0
    if leaning.sum() < 2 or len(np.unique(lean[leaning])) < 2:
        return f"{text}; none or one class has frequent tokens of its own."
    own = same_neighbours(places[leaning], lean[leaning])
    chance = float(np.mean([(lean[leaning] == k).mean() for k in lean[leaning]]))
    return (
        f"{text}; of tokens that lean to a class, {percent(own)} have a nearest neighbour that "
        f"leans to the same one (by chance {percent(chance)})."
    )


def same_neighbours(places: np.ndarray, group: np.ndarray) -> float:
    """The share of points whose nearest other point is of their group.

    places: float64 [v, 2]; group: int64 [v], at least two points
    """
    distance = ((places[:, None] - places[None]) ** 2).sum(2)
    np.fill_diagonal(distance, np.inf)
    return float((group[distance.argmin(1)] == group).mean())
