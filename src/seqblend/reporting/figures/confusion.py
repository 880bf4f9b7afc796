"""The confusion matrix as a picture: counts, coloured by the share of the true class."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from seqblend.reporting.elements.pictures import Picture, number_undrawable
from seqblend.reporting.elements.style import (
    INK,
    RIGHT,
    WRONG,
    clean,
    display_labels,
    new_figure,
    percent,
)

SHOWN_CLASSES = 20  # a larger matrix cannot be read
_ROOMY = 10  # classes up to which a cell has room for two lines


def worst_classes(matrix: np.ndarray, most: int = SHOWN_CLASSES) -> np.ndarray:
    """int64 [<= most]: the classes with rows and the lowest F1, in class order.

    matrix: int64 [c, c]
    """
    hits = np.diag(matrix).astype(np.float64)
    sizes = matrix.sum(0) + matrix.sum(1)
    f1 = np.divide(2 * hits, sizes, out=np.full(len(hits), np.inf), where=matrix.sum(1) > 0)
    return np.sort(np.argsort(f1, kind="stable")[:most])


def draw_confusion(
    name: str, matrix: np.ndarray, classes: tuple[str, ...], *, is_share: bool = False
) -> Picture:
    """Counts by true (row) and predicted (column) class; colour is the share of the row.

    matrix: int64 [c, c]. Beyond 20 classes the 20 with the lowest F1, the rest as one column.
    is_share: the share of the row in percent is written instead; up to 10 classes it stands below
    """
    labels = display_labels(classes, 16)
    sentence = _confusion_sentence(matrix, labels)
    title = f"{clean(name, 24)}, % of the row" if is_share else clean(name, 24)
    file = f"cm_{name}_normalised" if is_share else f"cm_{name}"
    draw = partial(_draw_matrix, title, matrix, is_share=is_share)
    plain, csv = number_undrawable(labels), f"cm_{name}.csv"
    if plain == labels:
        return Picture(file, title, draw(labels), sentence, csv=csv)
    key = [f"{plain[k]} is {labels[k]}" for k in worst_classes(matrix) if plain[k] != labels[k]]
    sentence += f" For want of a font, in the PNG {', '.join(key)}." if key else ""
    return Picture(file, title, draw(labels), sentence, draw(plain), csv=csv)


def _draw_matrix(title: str, matrix: np.ndarray, labels: list[str], *, is_share: bool) -> Figure:
    """The matrix of the worst classes under these labels, one a class."""
    chosen = worst_classes(matrix)
    shown = matrix[np.ix_(chosen, chosen)]
    columns = [labels[k] for k in chosen]
    if len(chosen) < len(matrix):
        others = matrix[chosen].sum(1) - shown.sum(1)
        shown, columns = np.column_stack([shown, others]), [*columns, "(others)"]
    k = len(chosen)
    margin = 0.075 * max(map(len, columns))
    size = k * (0.62 if k <= _ROOMY else 0.34)
    figure, axes = new_figure(max(3.4, size + margin + 0.6), max(3.0, size + margin + 0.7))
    _draw_cells(axes, shown, is_share=is_share)
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    if max(map(len, columns)) > 4 or k > _ROOMY:
        axes.tick_params(axis="x", labelrotation=90)
    axes.set_yticks(np.arange(k) + 0.5, [labels[i] for i in chosen])
    axes.set(xlabel="predicted", ylabel="true", title=title)
    return figure


def _draw_cells(axes: Axes, counts: np.ndarray, *, is_share: bool) -> None:
    """Right in blue, wrong in orange; opacity is the square root of the row's share."""
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    is_roomy = len(counts) <= _ROOMY
    rows, columns = np.nonzero(counts)
    for i, j in zip(rows, columns, strict=True):
        opacity = float(np.sqrt(share[i, j]))
        axes.add_patch(_square(j, i, RIGHT if i == j else WRONG, round(0.06 + 0.94 * opacity, 3)))
        axes.text(
            j + 0.5,
            i + 0.5,
            _cell_text(counts[i, j], share[i, j], is_roomy=is_roomy, is_share=is_share),
            ha="center",
            va="center_baseline",
            fontsize=8.5 if is_roomy else 7,
            color="#ffffff" if opacity > 0.62 else INK,
        )
    axes.set(xlim=(0, counts.shape[1]), ylim=(counts.shape[0], 0), aspect="equal")
    axes.grid(False)
    axes.set_xticks(np.arange(counts.shape[1] + 1), minor=True)
    axes.set_yticks(np.arange(counts.shape[0] + 1), minor=True)
    axes.grid(True, which="minor", linewidth=0.5)
    axes.tick_params(which="both", length=0)


def _cell_text(count: int, share: float, *, is_roomy: bool, is_share: bool) -> str:
    """The count with its share below it where there is room; else one of the two."""
    if is_roomy:
        return f"{count:,}\n{percent(share)}"
    return f"{100 * share:.0f}" if is_share else f"{count:,}"


def _square(x: float, y: float, colour: str, opacity: float) -> Rectangle:
    """One filled cell."""
    return Rectangle((x, y), 1, 1, facecolor=colour, alpha=opacity, linewidth=0)


def _confusion_sentence(matrix: np.ndarray, labels: list[str]) -> str:
    """The most frequent mistake and the class found least often."""
    wrong = matrix - np.diag(np.diag(matrix))
    if not wrong.any():
        return "No row is taken for another class."
    i, j = np.unravel_index(np.argmax(wrong), wrong.shape)
    sizes = matrix.sum(1)
    recall = np.divide(np.diag(matrix), sizes, out=np.full(len(sizes), np.inf), where=sizes > 0)
    least = int(np.argmin(recall))
    return (
        f"Most frequent mistake: {wrong[i, j]:,} of {sizes[i]:,} rows of {labels[i]} "
        f"({percent(wrong[i, j] / sizes[i])}) taken for {labels[j]}; found least often: "
        f"{labels[least]}, {percent(recall[least])} of {sizes[least]:,}."
    )
