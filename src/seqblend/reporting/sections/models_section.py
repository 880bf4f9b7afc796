"""The section on models: curves by epoch and length, gradient norms, what the task adds."""

from __future__ import annotations

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.reporting.elements.blocks import Block, Picture, Section
from seqblend.reporting.facts.breakdowns import score_by_length, tabulate_history
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.histories import HISTORY, Histories
from seqblend.reporting.facts.records import ModelRecord, ReportData
from seqblend.reporting.figures.epochs import LEVELS, describe_loss, draw_curves, draw_gradients
from seqblend.reporting.figures.lengths import draw_lengths

_STANDARDISED = "Half the squared error, in standard deviations of the training rows' targets."


def models_section(data: ReportData, entries: list[Ranked], of_task: list[Block]) -> Section:
    """Everything about single models and the blend, best first.

    of_task: the blocks that its task has besides
    """
    models = [entry for entry in entries if isinstance(entry.record, ModelRecord)]
    histories, chosen = {e.name: e.record.histories for e in models}, submitted_row(entries)
    pictures = _draw_curves(data, models, histories)
    blocks = list(of_task)
    if chosen is not None:
        pictures.append(draw_lengths(score_by_length(data, entries), chosen.name))
    if shown := [picture for picture in pictures if picture]:
        has_epochs = any(history for own in histories.values() for history in own)
        text = (
            "By epoch, thin lines are single units (one fold, one seed), the thick line is their "
            "mean. Training rows are scored during training, with dropout."
        )
        table = tabulate_history(data)
        text = text if has_epochs else ""
        blocks.insert(0, Block("Curves", text, pictures=shown, csv=HISTORY, data=table))
    return Section("models", "Models", blocks, describe_loss(histories))


def _draw_curves(
    data: ReportData, models: list[Ranked], histories: dict[str, Histories]
) -> list[Picture | None]:
    """Loss and accuracy by epoch of all models, gradient norms of the best that has any."""
    shown = []
    loss = data.task.loss_metric if data.task.has_probabilities else ""
    sentence = LEVELS if loss else _STANDARDISED
    for what, key in (("loss", loss), ("accuracy", "accuracy")):
        levels = {e.name: v for e in models if (v := e.summary.get(key)) is not None}
        best = data.best_reachable if what == data.best_metric else None
        shown.append(draw_curves(what, histories, levels, best, sentence))
    norms = (draw_gradients(name, units) for name, units in histories.items())
    return [*shown, next(filter(None, norms), None)]
