"""What the doctor found, on the terminal: one line a check, then short tables."""

from __future__ import annotations

import math

from seqblend.core.console import Console, say, show_table
from seqblend.diagnosis.record import Diagnosis
from seqblend.diagnosis.variance import VarianceComponents
from seqblend.evaluation.check import Check


def show_diagnosis(console: Console, diagnosis: Diagnosis) -> None:
    """Every check in a line, flags in red; then what the runs' spread means."""
    for check in diagnosis.checks:
        say(console, describe_check(check), "bold red" if check.is_flagged else "")
    if diagnosis.variance:
        say(console, describe_variance(diagnosis.variance))
    if diagnosis.gains:
        rows = [
            [
                f"{diagnosis.best} over {name}",
                f"{gain.mean:+.4f}",
                f"{gain.margin:.4f}",
                "gain" if gain.is_significant else "noise",
            ]
            for name, gain in diagnosis.gains.items()
        ]
        show_table(console, "gains", ["run", "better by", "smallest that counts", ""], rows)
    _show_shake_up(console, diagnosis)
    _show_cards(console, diagnosis)


def describe_check(check: Check) -> str:
    """What was looked at, the figure, what it means, what to do."""
    mark = "! " if check.is_flagged else "- "
    advice = f" -> {check.advice}" if check.advice else ""
    return f"{mark}{check.name} ({check.description}): {check.figure}. {check.means}{advice}"


def describe_variance(fingerprint: VarianceComponents) -> str:
    """The standard deviations of each source in one line."""
    seed = "not told by one seed" if fingerprint.seed is None else f"{fingerprint.seed:.4f}"
    return (
        f"spread of a fold's score: folds {fingerprint.fold:.4f}, seed {seed}, model {fingerprint.model:.4f},"
        f" model by fold {fingerprint.rest:.4f}; a fold's rows alone give {fingerprint.rows:.4f}"
    )


def _show_shake_up(console: Console, diagnosis: Diagnosis) -> None:
    rows = [
        [f"{one.share:.0%} ({one.rows:,} rows)", f"{one.error:.4f}", f"{one.gap:.4f}",
         _share(one.flip)]
        for one in diagnosis.shake_up
    ]  # fmt: skip
    if rows:
        columns = ["public part", "spread", "to private, 95 %", "best two flip"]
        show_table(console, "shake-up", columns, rows)


def _show_cards(console: Console, diagnosis: Diagnosis) -> None:
    rows = [
        [
            card.name,
            f"{card.weight:.3f}",
            f"{card.loss_without:+.4f}",
            f"{card.low:+.4f} to {card.high:+.4f}",
            f"{card.correlation:.3f}",
            _share(card.disagreement),
            f"{card.prediction_std:.4f}",
            f"{card.seconds:.0f}",
        ]
        for card in diagnosis.cards
    ]
    if rows:
        columns = [
            "member",
            "weight",
            "log loss without",
            "95 %",
            "error corr.",
            "disagrees",
            "prediction_std",
            "s",
        ]
        show_table(console, "members", columns, rows)
    if diagnosis.seeds_for:
        say(console, f"a further seed is worth most for {diagnosis.seeds_for}")


def _share(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.1%}"
