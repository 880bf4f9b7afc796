"""The section on models: all at a glance, learning curves, confusion, ranking, reliability."""

from __future__ import annotations

import numpy as np

from seqblend.blending.calibration import measure_reliability
from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.tables import Table
from seqblend.reporting.facts.breakdowns import tabulate_classes
from seqblend.reporting.facts.entries import Entry
from seqblend.reporting.facts.histories import Histories
from seqblend.reporting.facts.leaderboard import reference_of
from seqblend.reporting.facts.records import ModelRecord, ReportData
from seqblend.reporting.figures.confusion import SHOWN_CLASSES, draw_confusion, worst_classes
from seqblend.reporting.figures.curves import draw_curves
from seqblend.reporting.figures.epochs import draw_macro, draw_rates
from seqblend.reporting.figures.gradients import draw_gradients
from seqblend.reporting.figures.overview import draw_models, draw_times
from seqblend.reporting.figures.ranking import draw_rankings, rank_all
from seqblend.reporting.figures.reliability import draw_reliability

_ROOMY = 10  # classes up to which more confusion matrices fit on the page


def models_section(
    data: ReportData, entries: list[Entry], matrices: dict[str, np.ndarray]
) -> Section:
    """Everything about single models and the blend, best first."""
    glance = [picture for picture in (draw_models(entries), draw_times(entries)) if picture]
    blocks = [Block("All models at a glance", pictures=glance)] if glance else []
    blocks += curve_blocks(data, entries)
    blocks += confusion_blocks(data, matrices)
    what, rankings = rank_all(data, entries)
    shown = draw_rankings(what, rankings)
    if scored := [entry for entry in entries if len(entry.rows)]:
        measured = {
            e.name: measure_reliability(data.labels[e.rows], e.record.oof[e.rows]) for e in scored
        }
        lead = "blend" if data.blend is not None else None
        shown.append(draw_reliability(measured, lead))
    if shown:
        blocks.append(Block("Ranking and reliability", pictures=shown))
    return Section("models", "Models", blocks)


def curve_blocks(data: ReportData, entries: list[Entry]) -> list[Block]:
    """Loss, accuracy, macro scores, learning rate and gradient norms by epoch."""
    models = [entry for entry in entries if not entry.is_blend]
    histories: dict[str, Histories] = {e.name: e.record.histories for e in models}
    shown = []
    for what, key in (("loss", "log_loss"), ("accuracy", "accuracy")):
        levels = {e.name: v for e in models if (v := e.summary.get(key)) is not None}
        reference = reference_of(data) if what == "accuracy" else None
        hints = {e.name: more_epochs(e.record) for e in models}
        shown.append(draw_curves(what, histories, levels, reference, hints))
    macro = [p for name, units in histories.items() if (p := draw_macro(name, units))]
    shown += [*macro[:1], draw_rates(histories)]
    text = (
        "Thin lines are single units (one fold, one seed), the thick line is their mean. Training "
        "rows are scored while it learns, with dropout, so that they may look worse than the rows "
        "held out. A model without epochs stands as a dotted line at its out-of-fold score."
    )
    drawn = [picture for picture in shown if picture]
    blocks = [Block("Learning curves", text, pictures=drawn, links=macro[1:])] if drawn else []
    norms = [p for name, units in histories.items() if (p := draw_gradients(name, units))]
    if norms:
        text = (
            "Mean norms of the gradient over an epoch's steps, before clipping, of the best model "
            "that has any. A maximum far above the mean is an exploding gradient, a layer far "
            "below the others hardly learns."
        )
        blocks.append(Block("Gradients", text, pictures=norms[:1], links=norms[1:]))
    return blocks


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


def confusion_blocks(data: ReportData, matrices: dict[str, np.ndarray]) -> list[Block]:
    """Confusion matrices, best first, and the chosen one's classification report."""
    if not matrices:
        return []
    chosen = "blend" if "blend" in matrices else next(iter(matrices))
    is_roomy = len(data.classes) <= _ROOMY
    drawn = [draw_confusion(name, matrix, data.classes) for name, matrix in matrices.items()]
    if not is_roomy:
        place = list(matrices).index(chosen)
        shares = draw_confusion(chosen, matrices[chosen], data.classes, is_share=True)
        drawn = [drawn[place], shares, *drawn[:place], *drawn[place + 1 :]]
    embedded = 9 if is_roomy else 3  # the others lie beside the page
    text = (
        "Rows of the true class (down) by predicted class (across). Blue is right, orange is "
        "wrong; the stronger the colour, the larger the share of its row (square-root scale, so "
        "that small shares can be seen)."
    )
    if len(data.classes) > SHOWN_CLASSES:
        text += f" Shown are each model's {SHOWN_CLASSES} classes with the lowest F1."
    report = tabulate_classes(data.classes, {chosen: matrices[chosen]})
    worst = set(worst_classes(matrices[chosen]).tolist())
    shown = Table(report.columns[1:], [r[1:] for k, r in enumerate(report.rows) if k in worst])
    how_many = "" if len(worst) == len(data.classes) else f", the {SHOWN_CLASSES} worst classes"
    return [
        Block("Confusion", text, pictures=drawn[:embedded], links=drawn[embedded:]),
        Block(f"Classification report of {chosen}{how_many}", table=shown, csv="classes.csv"),
    ]
