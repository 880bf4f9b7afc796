"""The report's contents in reading order: sections of text, tables and pictures."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqblend.metrics import METRICS
from seqblend.reporting.breakdowns import tabulate_classes
from seqblend.reporting.confusion import SHOWN_CLASSES, draw_confusion, worst_classes
from seqblend.reporting.curves import Histories, draw_curves
from seqblend.reporting.figures import draw_lengths, draw_scores
from seqblend.reporting.gradients import draw_gradients
from seqblend.reporting.leaderboard import Entry, title_of
from seqblend.reporting.records import ModelRecord, ReportData
from seqblend.reporting.style import Picture
from seqblend.reporting.tables import Column, Table


@dataclass(frozen=True)
class Block:
    """A part of a section: what is set is shown.

    csv: the file the table's data is in, where it is not all on the page
    links: names of pictures that lie beside the page
    """

    title: str = ""
    text: str = ""
    items: list[str] = field(default_factory=list)
    table: Table | None = None
    pictures: list[Picture] = field(default_factory=list)
    links: list[Picture] = field(default_factory=list)
    code: str = ""
    csv: str = ""


@dataclass(frozen=True)
class Section:
    """A titled part of the report; `anchor` is its name in links."""

    anchor: str
    title: str
    blocks: list[Block]


def data_section(data: ReportData) -> Section:
    """Facts about the data, what was inferred and how to override it, warnings."""
    blocks = []
    if data.card.rows:
        columns = (Column("fact", "fact"), Column("value", "value"), Column("remark", "remark"))
        rows = [list(row) for row in data.card.rows]
        blocks.append(Block("Data card", table=Table(columns, rows)))
    if data.findings:
        names = ("what", "value", "override with", "why")
        columns = tuple(Column(name, name) for name in names)
        rows = [[f.what, f.value, f.flag, f.why] for f in data.findings]
        blocks.append(Block("What was inferred", table=Table(columns, rows)))
    notes = [f"{record.name}: {note}" for record in data.records for note in record.notes]
    if data.warnings or notes:
        blocks.append(Block("Worth knowing", items=list(dict.fromkeys([*data.warnings, *notes]))))
    return Section("data", "Data", blocks)


def leaderboard_section(data: ReportData, entries: list[Entry], board: Table) -> Section:
    """The table and its picture."""
    scored = [(e.name, e.pooled, e.folds) for e in entries if e.pooled is not None]
    reference = _reference(data) if data.metric == "accuracy" else None
    lead = "blend" if data.blend is not None else None
    text = (
        f"Sorted by {title_of(data.metric)}, all rows together. Models are scored out of fold, the "
        "blend cross-fitted: no row was scored by anything fitted on it. "
        "± is the standard deviation over folds."
    )
    text += "".join(f" {name.capitalize()}: {v:.4f}." for name, v in data.reference.items())
    if len(scored) == 1 and len(scored[0][2]) < 2:
        scored = []  # one mark is no picture
    title, is_share = title_of(data.metric), METRICS[data.metric].higher_is_better
    pictures = [draw_scores(title, scored, lead, reference, is_share=is_share)] if scored else []
    blocks = [Block(text=text, table=board, csv="leaderboard.csv", pictures=pictures)]
    return Section("leaderboard", "Leaderboard", blocks)


def _reference(data: ReportData) -> tuple[str, float] | None:
    """The best accuracy that can be reached, where it is known."""
    return next(((k, v) for k, v in data.reference.items() if "accuracy" in k.lower()), None)


def curves_section(data: ReportData, entries: list[Entry]) -> Section:
    """Loss, accuracy and gradient norms by epoch."""
    models = [entry for entry in entries if not entry.is_blend]
    histories: dict[str, Histories] = {e.name: e.record.histories for e in models}
    pictures = []
    for what, key in (("loss", "log_loss"), ("accuracy", "accuracy")):
        levels = {e.name: v for e in models if (v := e.summary.get(key)) is not None}
        reference = _reference(data) if what == "accuracy" else None
        hints = {e.name: more_epochs(e.record) for e in models}
        pictures.append(draw_curves(what, histories, levels, reference, hints))
    text = (
        "Thin lines are single units (one fold, one seed), the thick line is their mean. A model "
        "without epochs stands as a dotted line at its out-of-fold score."
    )
    shown = [picture for picture in pictures if picture]
    blocks = [Block(text=text, pictures=shown)] if shown else []
    norms = [p for e in models if (p := draw_gradients(e.name, e.record.histories))]
    if norms:
        text = (
            "Mean norms of the gradient over an epoch's steps, before clipping, of the best model "
            "that has any. A maximum far above the mean is an exploding gradient, a layer far "
            "below the others hardly learns."
        )
        blocks.append(Block("Gradients", text, pictures=norms[:1], links=norms[1:]))
    return Section("curves", "Learning curves", blocks)


def more_epochs(record: ModelRecord) -> str:
    """What to say of more epochs where the loss was still falling; "" where nobody can know."""
    train = record.settings.get("train", {})
    if not train or not record.epochs:
        return ""
    if train["epochs"]:
        return "more epochs may help (train.epochs)"
    if max(record.epochs) >= train["max_epochs"]:
        return "more epochs may help (train.max_epochs)"
    return "in the pilot later epochs brought next to nothing"


def confusion_section(data: ReportData, matrices: dict[str, np.ndarray]) -> Section:
    """Confusion matrices, best first, and the chosen one's classification report."""
    if not matrices:
        return Section("classes", "Classes", [])
    embedded = 4 if len(data.classes) > 10 else 9  # the best ones; the others lie beside the page
    drawn = [draw_confusion(name, matrix, data.classes) for name, matrix in matrices.items()]
    text = (
        "Rows of the true class (down) by predicted class (across). Blue is right, orange is "
        "wrong; the stronger the colour, the larger the share of its row (square-root scale, so "
        "that small shares can be seen)."
    )
    if len(data.classes) > SHOWN_CLASSES:
        text += f" Shown are each model's {SHOWN_CLASSES} classes with the lowest F1."
    chosen = "blend" if "blend" in matrices else next(iter(matrices))
    report = tabulate_classes(data.classes, {chosen: matrices[chosen]})
    worst = set(worst_classes(matrices[chosen]).tolist())
    shown = Table(report.columns[1:], [r[1:] for k, r in enumerate(report.rows) if k in worst])
    how_many = "" if len(worst) == len(data.classes) else f", the {SHOWN_CLASSES} worst classes"
    blocks = [
        Block(text=text, pictures=drawn[:embedded], links=drawn[embedded:]),
        Block(f"Classification report of {chosen}{how_many}", table=shown, csv="classes.csv"),
    ]
    return Section("classes", "Classes", blocks)


def lengths_section(data: ReportData, table: Table) -> Section:
    """Accuracy by length as a picture; left out where all rows are equally long."""
    bins = list(dict.fromkeys(row[1] for row in table.rows))
    if len(bins) < 2:
        return Section("lengths", "Accuracy by length", [])
    by_model: dict[str, dict[str, list[float]]] = {}
    for name, tokens, _, *values in table.rows:
        by_model.setdefault(name, {})[tokens] = values
    arrays = {
        name: np.array([cells.get(b, [np.nan] * 3) for b in bins]).T
        for name, cells in by_model.items()
    }
    lead = "blend" if data.blend is not None else None
    shares = {name: array[0] for name, array in arrays.items()}
    picture = draw_lengths(bins, shares, {n: a[1:] for n, a in arrays.items()}, lead)
    block = Block(pictures=[picture], csv="accuracy_by_length.csv")
    return Section("lengths", "Accuracy by length", [block])


def blend_section(data: ReportData) -> Section:
    """Weights, and what every method scores cross-fitted and in-sample."""
    if data.blend is None:
        return Section("blend", "Blend", [])
    metric = title_of(data.metric)
    blocks = []
    if data.blend.table:
        columns = (
            Column("method", "method"),
            Column("cross_fitted", f"{metric}, cross-fitted", "score"),
            Column("in_sample", f"{metric}, in-sample", "score"),
            Column("gap", "gap", "signed", "by how much in-sample flatters"),
            Column("size", "members", "count", "with a weight of 0.001 or more"),
            Column("low", "95 % from", "score", "bootstrap over rows, the same for every method"),
            Column("high", "to", "score"),
            Column("beats_single", "P(beats single)", "score", "the best single model"),
            Column("forecast_low", "test from", "score", "95 % forecast for this test set"),
            Column("forecast_high", "to", "score"),
        )
        columns = columns if data.blend.whole else columns[:4]
        whole = data.blend.whole | {"method": "the choice of one, nested"}
        shown = [*data.blend.table, whole] if data.blend.whole else data.blend.table
        rows = [[row.get(c.key) for c in columns] for row in shown]
        text = (
            f"Chosen: {data.blend.method}, the smallest blend within one standard error of the "
            "best. The in-sample score is that of the rows which chose the weights; it flatters, "
            "and the gap says by how much. The last line is of choosing itself: each part of the "
            "rows is scored by the method and weights that the other parts choose."
        )
        blocks.append(Block("Methods", text, table=Table(columns, rows)))
    if data.blend.weights:
        columns = (Column("model", "model"), Column("weight", "weight", "bar"))
        weights = sorted(data.blend.weights.items(), key=lambda item: -item[1])
        blocks.append(Block("Weights", table=Table(columns, [list(item) for item in weights])))
    return Section("blend", "Blend", blocks)


def reproduction_section(data: ReportData) -> Section:
    """Command, versions, runs, settings, the submission's checks."""
    blocks = [Block("Command", code=data.command)] if data.command else []
    pair = (Column("what", "what"), Column("value", "value"))
    if data.submission:
        rows = [[str(k), _plain(v)] for k, v in data.submission.items()]
        blocks.append(Block("Submission", table=Table(pair, rows)))
    if data.environment:
        rows = [[str(k), str(v)] for k, v in data.environment.items()]
        blocks.append(Block("Environment", table=Table(pair, rows)))
    if data.records:
        columns = (
            Column("model", "model"),
            Column("run", "run"),
            Column("epochs", "epochs by unit"),
        )
        rows = [[r.name, r.run, ", ".join(map(str, r.epochs))] for r in data.records]
        blocks.append(Block("Runs", table=Table(columns, rows)))
    settings = {record.name: record.settings for record in data.records if record.settings}
    if settings:
        blocks.append(Block("Settings", code=json.dumps(settings, indent=1, default=str)))
    return Section("reproduce", "Reproduce", blocks)


def _plain(value: Any) -> str:
    """A value of the submission's record as one line."""
    if isinstance(value, dict):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
