"""The doctor's findings on the terminal: one line per check, then short tables."""

from __future__ import annotations

import math

from seqblend.core.console import Console, say, show_table
from seqblend.diagnosis.record import Diagnosis
from seqblend.evaluation.check import Check

_CARD_COLUMNS = ("member", "weight", "log loss without", "95 %", "disagrees")


def show_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """Every check in a line, flags in red; then tables of finished runs, where there are some."""
    for check in diagnosis.checks:
        say(console, describe_check(check), "bold red" if check.is_flagged else "")
    tables = {
        "shake-up": (
            ["public part", "std", "public - private, 95 %", "best two swap"],
            _shake_up_rows(diagnosis),
        ),
        "members": (list(_CARD_COLUMNS), _card_rows(diagnosis)),
    }
    for title, (columns, rows) in tables.items():
        if rows:
            show_table(console, title, columns, rows)


def describe_check(check: Check) -> str:
    """The check, its figure, what it means and what to do."""
    mark = "! " if check.is_flagged else "- "
    advice = f" -> {check.advice}" if check.advice else ""
    return f"{mark}{check.name} ({check.description}): {check.figure}. {check.means}{advice}"


def _shake_up_rows(diagnosis: Diagnosis) -> list[list[str]]:
    return [
        [
            f"{one.share:.0%} ({one.rows:,} rows)",
            f"{one.error:.4f}",
            f"{one.gap:.4f}",
            _percent(one.flip),
        ]
        for one in diagnosis.shake_up
    ]


def _card_rows(diagnosis: Diagnosis) -> list[list[str]]:
    return [
        [
            card.name,
            f"{card.weight:.3f}",
            f"{card.loss_without:+.4f}",
            f"{card.low:+.4f} to {card.high:+.4f}",
            _percent(card.disagreement),
        ]
        for card in diagnosis.cards
    ]


def _percent(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.1%}"
