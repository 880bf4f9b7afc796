"""The doctor's findings on the terminal: one line per check, then short tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from seqblend.core.console import Console, say, show_table
from seqblend.diagnosis.cards import disagreement_name
from seqblend.diagnosis.record import Diagnosis
from seqblend.evaluation.check import Check
from seqblend.evaluation.score_text import format_score, score_format
from seqblend.tasks.task import Task

Columns = dict[str, Callable[[Any], str]]  # title -> the cell of a record


def _shake_up_columns(metric: str) -> Columns:
    """The columns of the forecasts for public parts."""
    form = score_format(metric)
    return {
        "public part": lambda one: f"{one.share:.0%} ({one.rows:,} rows)",
        "std": lambda one: form(one.error),
        "public - private, 95 %": lambda one: form(one.gap),
        "best two swap": lambda one: _percent(one.flip),
    }


def _card_columns(task: Task) -> Columns:
    """The columns of the members' table."""
    form = partial(score_format(task.loss_metric), is_signed=True)
    columns: Columns = {
        "member": lambda card: card.name,
        "weight": lambda card: f"{card.weight:.3f}",
        f"{task.loss_name} without": lambda card: form(card.loss_without),
        "95 %": lambda card: f"{form(card.low)} to {form(card.high)}",
    }
    if task.has_classes:
        return columns | {"disagrees": lambda card: _percent(card.disagreement)}
    return columns | {disagreement_name(task): lambda card: format_score(card.disagreement)}


def show_diagnosis(console: Console, diagnosis: Diagnosis, task: Task, metric: str) -> None:
    """Every check in a line, flags in red; then tables of finished runs, where there are some."""
    for check in diagnosis.checks:
        say(console, _describe_check(check), "bold red" if check.is_flagged else "")
    _show(console, "shake-up", _shake_up_columns(metric), diagnosis.shake_up)
    _show(console, "members", _card_columns(task), diagnosis.cards)


def _show(console: Console, title: str, columns: Columns, records: Iterable[Any]) -> None:
    """A table with a row per record; nothing without one."""
    rows = [[cell(record) for cell in columns.values()] for record in records]
    if rows:
        show_table(console, title, list(columns), rows)


def _describe_check(check: Check) -> str:
    """The check, its figure, what it means and what to do."""
    mark = "! " if check.is_flagged else "- "
    advice = f" -> {check.advice}" if check.advice else ""
    return f"{mark}{check.name} ({check.description}): {check.figure}. {check.means}{advice}"


def _percent(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.1%}"
