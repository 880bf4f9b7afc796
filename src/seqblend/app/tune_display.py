"""The verdict of tuning on the terminal."""

from __future__ import annotations

from seqblend.core.console import Console, say, show_table
from seqblend.tuning.confirm import Confirmed
from seqblend.tuning.verdict import TuningVerdict, describe_gain


def show_verdict(console: Console, verdict: TuningVerdict) -> None:
    """Scores in search and confirmation, warnings, and the recommendation."""
    n = verdict.trials
    say(console, f"{n['done']} trials done, {n['pruned']} pruned, {n['failed']} failed", "bold")
    if verdict.noise:
        fold, shard = verdict.noise
        say(console, f"log loss of a fold varies by {fold:.4f} over seeds (shards: {shard:.4f})")
    if verdict.gain_before:
        gain = describe_gain(verdict.gain_before)
        say(console, f"gain on the folds of the search (optimistic): {gain}")
    if verdict.confirmed:
        rows = [
            [
                f"trial {c.trial.number} ({c.trial.user_attrs['role']})",
                f"{c.trial.value:.4f}",
                f"{c.loss:.4f}",
                *_gain_cells(c, verdict),
            ]
            for c in verdict.confirmed
        ]
        again = f"log loss, {'new' if verdict.has_new_folds else 'same'} folds and new seed"
        columns = ["finalist", "log loss, search", again, "gain", "p, Holm-corrected"]
        show_table(console, "confirmation", columns, rows)
    for note in verdict.notes:
        say(console, f"warning: {note}", "yellow")
    say(console, verdict.sentence, "green" if verdict.is_better else "yellow")
    for name, value in verdict.settings.items():
        say(console, f"  {name} = {value}")


def _gain_cells(finalist: Confirmed, verdict: TuningVerdict) -> list[str]:
    """The gain over the default and its p-value; empty for the default itself."""
    if finalist.trial is verdict.default:
        return ["", ""]
    return [describe_gain(finalist.gain), f"{finalist.p_value:.3g}"]
