"""The display while units run: the epoch of each, the time left, the scores so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from seqblend.core.console import Console, Status, duration
from seqblend.evaluation.score_text import score_format
from seqblend.running.executors import Event
from seqblend.running.runs import PILOT
from seqblend.running.scheduling import Schedule

_LOSSES = ("log_loss", "mean_log_loss")  # metrics that an epoch has as its validation loss


@dataclass
class _Row:
    """The last known state of a running unit."""

    began: float
    values: dict = field(default_factory=dict)


class TrainingProgress(Status):
    """The units as they run: live on a terminal, one line per epoch elsewhere."""

    def __init__(
        self,
        console: Console,
        schedule: Schedule,
        metric: str,
        workers: int,
    ) -> None:
        super().__init__(console)
        self.schedule, self.metric, self.workers = schedule, metric, workers
        self.leaderboard: list[tuple[str, str]] = []
        self._rows: dict[str, _Row] = {}

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
            if "stage" in values and not self.is_live:
                self.say(f"{name}: {values['stage']}")
            if "epoch" in values and not self.is_live:
                took = values["train_seconds"] + values.get("valid_seconds", 0.0)
                self.say(f"{name}  {self._describe(values)}  {took:.1f} s")
        elif event.kind == "done":
            self._rows.pop(name, None)
            self.say(self._done_line(name, unit.fold, values))
        elif event.kind == "died":
            self.say(f"{name}: {values['reason']}; it is tried once more", "yellow")
        elif event.kind == "failed":
            self._rows.pop(name, None)
            self.say(f"{name} failed: {values['message']}", "red")

    def lines(self) -> list[str]:
        """A line for each running unit, the time left, and the scores of complete runs."""
        schedule, now = self.schedule, time.monotonic()
        done, left = len(schedule.done), duration(schedule.seconds_left(self.workers))
        total = done + len(schedule.pending) + len(schedule.running)
        running = [
            f"{name}  {self._describe(row.values)}  {duration(now - row.began)}"
            for name, row in self._rows.items()
        ]
        scores = "  ".join(f"{name} {score}" for name, score in self.leaderboard)
        return [*running, f"{done}/{total} units, about {left} left", *filter(None, [scores])]

    def _describe(self, values: dict) -> str:
        """Epoch, losses, score and speed, as far as they are known."""
        parts = []
        if "stage" in values and len(values) == 1:
            return values["stage"]
        if "epoch" in values:
            key = "valid_loss" if self.metric in _LOSSES else f"valid_{self.metric}"
            parts = [f"epoch {values['epoch']}  loss {values['train_loss']:.4f}"]
            if "valid_loss" in values:
                parts += [f"valid loss {values['valid_loss']:.4f}", *self._score(values, key)]
        if values.get("tokens_per_second"):
            parts.append(f"{values['tokens_per_second'] / 1000:.0f} ktok/s")
        return "  ".join(parts)

    def _score(self, values: dict, key: str) -> list[str]:
        """The metric, where these values have it."""
        form = score_format(self.metric)
        return [f"{self.metric} {form(values[key])}"] if key in values else []

    def _done_line(self, name: str, fold: int, manifest: dict) -> str:
        text = "".join(f"  {part}" for part in self._score(manifest["scores"], self.metric))
        epochs = f"  {manifest['epochs']} epochs" if manifest["epochs"] else ""
        padding = manifest["padding"]
        padded = f"  padding {padding:.1%}" if padding is not None else ""
        lead = "chose" if fold == PILOT else "done"
        return f"{name}  {lead}{epochs}{text}{padded}  {duration(manifest['seconds'])}"
