"""The doctor's findings on the terminal: one line per check, then short tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from seqblend.core.console import Console, say, show_table
from seqblend.diagnosis.cards import disagreement_name
from seqblend.diagnosis.record import Diagnosis
from seqblend.evaluation.check import Check
from seqblend.tasks.task import Task

Columns = dict[str, Callable[[Any], str]]  # title -> the cell of a record

_SHAKE_UP: Columns = {
    "public part": lambda one: f"{one.share:.0%} ({one.rows:,} rows)",
    "std": lambda one: f"{one.error:.4f}",
    "public - private, 95 %": lambda one: f"{one.gap:.4f}",
    "best two swap": lambda one: _percent(one.flip),
}


def _card_columns(task: Task) -> Columns:
    """The columns of the members' table."""
    columns: Columns = {
        "member": lambda card: card.name,
        "weight": lambda card: f"{card.weight:.3f}",
        f"{task.loss_name} without": lambda card: f"{card.loss_without:+.4f}",
        "95 %": lambda card: f"{card.low:+.4f} to {card.high:+.4f}",
    }
    if task.has_classes:
        return columns | {"disagrees": lambda card: _percent(card.disagreement)}
    return columns | {disagreement_name(task): lambda card: f"{card.disagreement:.4f}"}


def show_diagnosis(console: Console, diagnosis: Diagnosis, task: Task) -> None:
    """Every check in a line, flags in red; then tables of finished runs, where there are some."""
    for check in diagnosis.checks:
        say(console, _describe_check(check), "bold red" if check.is_flagged else "")
    _show(console, "shake-up", _SHAKE_UP, diagnosis.shake_up)
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
