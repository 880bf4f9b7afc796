"""What tuning came to, on the terminal."""

from __future__ import annotations

from seqblend.core.console import Console, say, show_table
from seqblend.tuning.confirm import Confirmed
from seqblend.tuning.gain import describe_gain
from seqblend.tuning.replay import Replay
from seqblend.tuning.verdict import Verdict


def show_replay(console: Console, result: Replay | None) -> None:
    """What pruning would have done, in words."""
    if result is None:
        say(console, "nothing to go through again: tune with --pruner none first", "yellow")
        return
    for line in result.lines():
        say(console, line)


def show_verdict(console: Console, verdict: Verdict) -> None:
    """Scores before and after, what is worth knowing, and what to do."""
    n = verdict.trials
    say(console, f"{n['done']} trials done, {n['pruned']} pruned, {n['failed']} failed", "bold")
    if verdict.noise:
        fold, shard = verdict.noise
        say(console, f"another seed moves a fold's log loss by {fold:.4f} (shards: {shard:.4f})")
    if verdict.gain_before:
        gain = describe_gain(verdict.gain_before)
        say(console, f"gain on the folds of the search, which is optimistic: {gain}")
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
        columns = ["finalist", "log loss, found", again, "gain", "p, Holm-corrected"]
        show_table(console, "confirmation", columns, rows)
    for note in verdict.notes:
        say(console, f"warning: {note}", "yellow")
    say(console, verdict.sentence, "green" if verdict.is_better else "yellow")
    for name, value in verdict.settings.items():
        say(console, f"  {name} = {value}")


def _gain_cells(finalist: Confirmed, verdict: Verdict) -> list[str]:
    """The gain over the default and its p-value; empty for the default itself."""
    if finalist.trial is verdict.default:
        return ["", ""]
    return [describe_gain(finalist.gain), f"{finalist.p_value:.3g}"]
