"""The display while units run: the epoch of each, the time left, the scores so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from seqblend.core.console import Console, Group, Status, duration, picture_of
from seqblend.evaluation.leaderboard import format_score
from seqblend.running.executors import Event
from seqblend.running.runs import PILOT
from seqblend.running.scheduling import Schedule


@dataclass
class _Row:
    """The last known state of a running unit."""

    began: float
    values: dict = field(default_factory=dict)


class TrainingProgress:
    """The units as they run: live on a terminal, one line per epoch elsewhere."""

    def __init__(
        self,
        console: Console,
        schedule: Schedule,
        metric: str,
        workers: int,
    ) -> None:
        self.schedule, self.metric, self.workers = schedule, metric, workers
        self.leaderboard: list[tuple[str, str]] = []
        self._rows: dict[str, _Row] = {}
        self._status = Status(console, self._lines, self._picture)

    def __enter__(self) -> TrainingProgress:
        self._status.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        self._status.__exit__(*problem)

    def say(self, text: str, style: str = "") -> None:
        """One line above the display."""
        self._status.say(text, style)

    def tick(self) -> None:
        """Redraw, or say what runs, where it is time to."""
        self._status.tick()

    def show(self, event: Event) -> None:
        """Show what a worker reported."""
        unit, values = event.job.unit, event.values
        name = unit.name
        if event.kind == "started":
            self._rows[name] = _Row(time.monotonic())
        elif event.kind == "progress" and "recovery" in values:
            self.say(f"{name}: {values['recovery']}", "yellow")
        elif event.kind == "progress":
            self._rows[name].values |= values
            if "epoch" in values and not self._status.is_live:
                self.say(self._epoch_line(name, values))
        elif event.kind == "done":
            self._rows.pop(name, None)
            self.say(self._done_line(name, unit.fold, values))
        elif event.kind == "died":
            self.say(f"{name}: {values['reason']}; it is tried once more", "yellow")
        elif event.kind == "failed":
            self._rows.pop(name, None)
            self.say(f"{name} failed: {values['message']}", "red")

    def _lines(self) -> list[str]:
        """What runs, in a line."""
        now = time.monotonic()
        names = ", ".join(f"{n} ({duration(now - row.began)})" for n, row in self._rows.items())
        return [f"still running: {names}; about {self._left()} left"] if names else []

    def _left(self) -> str:
        return duration(self.schedule.seconds_left(self.workers))

    def _score(self, values: dict) -> str:
        return format_score(values.get(f"valid_{self.metric}", values.get("valid_loss")))

    def _epoch_line(self, name: str, values: dict) -> str:
        return (
            f"{name}  epoch {values['epoch']}  loss {values['train_loss']:.4f}"
            f"  valid loss {values['valid_loss']:.4f}  {self.metric} {self._score(values)}"
            f"  {values['train_seconds'] + values['valid_seconds']:.1f} s"
            f"  {values['tokens_per_second'] / 1000:.0f} ktok/s"
        )

    def _done_line(self, name: str, fold: int, manifest: dict) -> str:
        text = format_score(manifest["scores"].get(self.metric))
        epochs = f"  {manifest['epochs']} epochs" if manifest["epochs"] else ""
        padding = manifest["padding"]
        padded = f"  padding {padding:.1%}" if padding is not None else ""
        lead = "chose" if fold == PILOT else "done"
        return (
            f"{name}  {lead}{epochs}  {self.metric} {text}{padded}  {duration(manifest['seconds'])}"
        )

    def _picture(self) -> Group:
        """The live display: running units, a bar with the time left, the leaderboard."""
        heads = ["unit", "epoch", "loss", f"valid {self.metric}", "ktok/s", "time"]
        schedule, done = self.schedule, len(self.schedule.done)
        total = done + len(schedule.pending) + len(schedule.running)
        return picture_of(
            heads,
            [self._cells(name, row) for name, row in self._rows.items()],
            done,
            total,
            f"{done}/{total} units, about {self._left()} left",
            "  ".join(f"{name} {score}" for name, score in self.leaderboard),
        )

    def _cells(self, name: str, row: _Row) -> list[str]:
        """A running unit's row of the table."""
        values, speed = row.values, row.values.get("tokens_per_second")
        return [
            name,
            str(values.get("epoch", "-")),
            f"{values['train_loss']:.4f}" if "train_loss" in values else "-",
            self._score(values) if "valid_loss" in values else "-",
            f"{speed / 1000:.0f}" if speed else "-",
            duration(time.monotonic() - row.began),
        ]
