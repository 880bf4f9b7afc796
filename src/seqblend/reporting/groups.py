"""The section on groups of rows: accuracy by length, by class, by number of unknown tokens."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure

from seqblend.reporting.breakdowns import tabulate_recall, tabulate_tenths
from seqblend.reporting.entries import Entry
from seqblend.reporting.figures import draw_tenths
from seqblend.reporting.pictures import Picture, draw_plain
from seqblend.reporting.records import ReportData
from seqblend.reporting.sections import Block, Section
from seqblend.reporting.style import INK, MARKERS, SERIES, clean, new_figure
from seqblend.reporting.tables import Table

_SHOWN = 20  # classes


def groups_section(data: ReportData, entries: list[Entry]) -> Section:
    """One picture for each way of grouping that leaves at least two groups."""
    scored = [entry for entry in entries if len(entry.rows)]
    pictures = [
        _draw_lengths(data, scored),
        _draw_classes(data, scored),
        _draw_unknown(data, scored),
    ]
    shown = [picture for picture in pictures if picture]
    text = (
        "Where the intervals of two groups do not overlap, the difference is not chance: look at "
        "rows of the weak group before you train longer."
    )
    return Section(
        "groups", "By group of rows", [Block(text=text, pictures=shown)] if shown else []
    )


def _draw_lengths(data: ReportData, entries: list[Entry]) -> Picture | None:
    table = tabulate_tenths(data, entries, data.lengths)
    return _draw(data, "accuracy_by_length", "Accuracy by length", "tokens", table)


def _draw_unknown(data: ReportData, entries: list[Entry]) -> Picture | None:
    if data.texts is None:
        return None
    table = tabulate_tenths(data, entries, data.texts.unknown)
    title = "Accuracy by number of unknown tokens"
    return _draw(data, "accuracy_by_unknown", title, "unknown tokens", table)


def _draw(data: ReportData, name: str, title: str, what: str, table: Table) -> Picture | None:
    names, arrays = spread(table)
    if len(names) < 2:
        return None
    lead = "blend" if data.blend is not None else None
    return draw_tenths(name, title, what, names, arrays, lead, table)


def spread(table: Table) -> tuple[list[str], dict[str, np.ndarray]]:
    """(groups, {model: float64 [3, groups], accuracy, low and high}); NaN where it has no rows."""
    names = list(dict.fromkeys(row[1] for row in table.rows))
    by_model: dict[str, dict[str, list[float]]] = {}
    for model, group, _, *values in table.rows:
        by_model.setdefault(model, {})[group] = values
    arrays = {
        model: np.array([cells.get(name, [np.nan] * 3) for name in names]).T
        for model, cells in by_model.items()
    }
    return names, arrays


def _draw_classes(data: ReportData, entries: list[Entry]) -> Picture | None:
    """Share of each class's rows found, the worst 20 classes of the first entry drawn."""
    table = tabulate_recall(data, entries)
    names, arrays = spread(table)
    if len(names) < 2:
        return None
    lead = "blend" if data.blend is not None else entries[0].name
    order = np.argsort(np.nan_to_num(arrays[lead][0], nan=2.0), kind="stable")
    shown = order[:_SHOWN]
    models = {lead: arrays[lead]} | dict(list(arrays.items())[: len(SERIES)])
    labels = [names[k] for k in shown]
    draw = partial(_draw_dots, {m: a[:, shown] for m, a in models.items()}, lead)
    return Picture(
        "accuracy_by_class", "Accuracy by class", draw(labels),
        _class_sentence(lead, names, arrays[lead], order), draw_plain(draw, labels), table,
    )  # fmt: skip


def _draw_dots(models: dict[str, np.ndarray], lead: str, labels: list[str]) -> Figure:
    """A line of marks a class, worst first; the interval is the lead's."""
    figure, axes = new_figure(5.2, 1.3 + 0.25 * len(labels))
    others = [name for name in models if name != lead]
    y = np.arange(len(labels))
    share, low, high = models[lead]
    axes.hlines(y, low, high, color=INK, linewidth=1.2)
    for i, name in enumerate(others):
        axes.plot(models[name][0], y, MARKERS[i % len(MARKERS)], color=SERIES[i % len(SERIES)],
                  markersize=4.5, label=clean(name, 24))  # fmt: skip
    axes.plot(share, y, "*", color=INK, markersize=9, label=clean(lead, 24))
    axes.set_yticks(y, [clean(label, 24) for label in labels])
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_title("Accuracy by true class (recall)")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _class_sentence(lead: str, names: list[str], array: np.ndarray, order: np.ndarray) -> str:
    worst, best = order[0], order[np.isfinite(array[0][order])][-1]
    clear = array[2, worst] < array[1, best]
    text = (
        f"{clean(lead)} finds {clean(names[worst])} least ({array[0, worst]:.4f}) and "
        f"{clean(names[best])} most often ({array[0, best]:.4f}); "
        + ("the intervals do not overlap" if clear else "their intervals overlap")
    )
    rest = len(names) - _SHOWN
    return f"{text}; the {_SHOWN} worst of {len(names)} are drawn." if rest > 0 else f"{text}."
