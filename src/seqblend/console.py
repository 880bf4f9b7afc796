"""What is seen on the terminal: the only file that imports rich."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from seqblend.executors import Event
from seqblend.runs import PILOT
from seqblend.scheduling import Schedule
from seqblend.sequences import Finding

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class _SafeStream:
    """A stream that goes quiet when its reader is gone, so that `| head` ends no training."""

    def __init__(self, stream) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._go_quiet()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._go_quiet()

    def _go_quiet(self) -> None:
        """Lead the descriptor nowhere: the flush at exit would fail on a closed pipe too."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str):
        return getattr(self._stream, name)


def make_console() -> Console:
    """A console on standard output: colour on a terminal, plain lines elsewhere."""
    stream = _SafeStream(sys.stdout)
    width = None if sys.stdout.isatty() else 100
    return Console(file=stream, highlight=False, width=width, soft_wrap=not sys.stdout.isatty())


def clean(text: str, most: int = 200) -> str:
    """Text from the user's files without control characters, shortened."""
    text = _CONTROL.sub("�", text.replace("\n", " "))
    return text if len(text) <= most else text[: most - 1] + "…"


def say(console: Console, text: str, style: str = "") -> None:
    """One line."""
    console.print(Text(clean(text, 2_000), style=style))


def say_error(message: str) -> None:
    """One red line on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        Text("error: " + clean(message, 4_000), style="red")
    )


def duration(seconds: float) -> str:
    """`3.2 s`, `4:05 min` or `1:02 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)}:{int(seconds % 60):02d} min"
    return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d} h"


def show_findings(console: Console, findings: list[Finding], warnings: list[str]) -> None:
    """What was inferred from the files, with the flag that overrides each."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for name in ("what", "inferred", "override with"):
        table.add_column(name, overflow="fold")
    for finding in findings:
        value = finding.value + (f" ({finding.why})" if finding.why else "")
        table.add_row(clean(finding.what), clean(value), Text(clean(finding.flag), style="cyan"))
    console.print(table)
    for warning in warnings:
        say(console, f"warning: {warning}", "yellow")


def show_table(console: Console, title: str, columns: list[str], rows: list[list[str]]) -> None:
    """A table of text cells; the first column is left, the others right."""
    table = Table(
        box=None, pad_edge=False, header_style="bold", title=title, title_justify="left",
        title_style="bold",
    )  # fmt: skip
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(clean(cell) for cell in row))
    console.print(table)


@dataclass
class _Row:
    """The last known state of a running unit."""

    began: float
    values: dict = field(default_factory=dict)


class Progress:
    """The units as they run: live on a terminal, one line an epoch elsewhere."""

    def __init__(self, console: Console, schedule: Schedule, metric: str, workers: int) -> None:
        self.console, self.schedule, self.metric = console, schedule, metric
        self.workers = workers
        self.board: list[tuple[str, str]] = []
        self._rows: dict[str, _Row] = {}
        self._live: Live | None = None
        self._drawn = self._spoke = time.monotonic()

    def __enter__(self) -> Progress:
        if self.console.is_terminal:
            self._live = Live(self._picture(), console=self.console, auto_refresh=False)
            self._live.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        if self._live:
            self._live.update(Text(""), refresh=True)
            self._live.__exit__(*problem)

    def say(self, text: str, style: str = "") -> None:
        """One line above the display."""
        self._spoke = time.monotonic()
        say(self.console, text, style)

    def event(self, event: Event) -> None:
        """Take in what a worker said."""
        unit, values = event.job.unit, event.values
        if event.kind == "started":
            self._rows[unit.name] = _Row(time.monotonic())
        elif event.kind == "progress" and "recovery" in values:
            self.say(f"{unit.name}: {values['recovery']}", "yellow")
        elif event.kind == "progress":
            self._rows[unit.name].values |= values
            if "epoch" in values and not self._live:
                self.say(self._epoch_line(unit.name, values))
        elif event.kind == "done":
            self._rows.pop(unit.name, None)
            self.say(self._done_line(unit.name, unit.fold, values))
        elif event.kind == "died":
            self.say(f"{unit.name}: {values['reason']}; it is tried once more", "yellow")
        elif event.kind == "failed":
            self._rows.pop(unit.name, None)
            self.say(f"{unit.name} failed: {values['message']}", "red")

    def tick(self) -> None:
        """Redraw twice a second; off a terminal, never a silent minute."""
        now = time.monotonic()
        if self._live and now - self._drawn > 0.5:
            self._drawn = now
            self._live.update(self._picture(), refresh=True)
        elif not self._live and now - self._spoke > 45 and self._rows:
            names = ", ".join(
                f"{name} ({duration(now - row.began)})" for name, row in self._rows.items()
            )
            self.say(f"still running: {names}; about {self._left()} left")

    def _left(self) -> str:
        return duration(self.schedule.seconds_left(self.workers))

    def _score(self, values: dict) -> str:
        score = values.get(f"valid_{self.metric}", values.get("valid_loss"))
        return "undefined" if score is None else f"{score:.4f}"

    def _epoch_line(self, name: str, values: dict) -> str:
        return (
            f"{name}  epoch {values['epoch']}  loss {values['train_loss']:.4f}"
            f"  valid loss {values['valid_loss']:.4f}  {self.metric} {self._score(values)}"
            f"  {values['train_seconds'] + values['valid_seconds']:.1f} s"
            f"  {values['tokens_per_second'] / 1000:.0f} ktok/s"
        )

    def _done_line(self, name: str, fold: int, manifest: dict) -> str:
        score = manifest["scores"].get(self.metric)
        text = "undefined" if score is None else f"{score:.4f}"
        epochs = f"  {manifest['epochs']} epochs" if manifest["epochs"] else ""
        padding = manifest["padding"]
        padded = f"  padding {padding:.1%}" if padding is not None else ""
        lead = "chose" if fold == PILOT else "done"
        return (
            f"{name}  {lead}{epochs}  {self.metric} {text}{padded}  {duration(manifest['seconds'])}"
        )

    def _picture(self) -> Group:
        """The live display: running units, a bar with the time left, the leaderboard."""
        units = Table(box=None, pad_edge=False, header_style="bold")
        heads = ("unit", "epoch", "loss", f"valid {self.metric}", "ktok/s", "time")
        for i, name in enumerate(heads):
            units.add_column(name, justify="left" if i == 0 else "right", min_width=6)
        now = time.monotonic()
        for name, row in self._rows.items():
            values = row.values
            speed = values.get("tokens_per_second")
            units.add_row(
                name, str(values.get("epoch", "-")),
                f"{values['train_loss']:.4f}" if "train_loss" in values else "-",
                self._score(values) if "valid_loss" in values else "-",
                f"{speed / 1000:.0f}" if speed else "-", duration(now - row.began),
            )  # fmt: skip
        done = len(self.schedule.done)
        total = done + len(self.schedule.pending) + len(self.schedule.running)
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=max(total, 1), completed=done, width=30),
            f"{done}/{total} units, about {self._left()} left",
        )
        board = Text("  ".join(f"{name} {score}" for name, score in self.board), style="bold")
        return Group(Text(""), units, bar, board)


class Status:
    """A few lines that change: redrawn in place on a terminal, said now and then elsewhere."""

    def __init__(self, console: Console, lines: Callable[[], list[str]]) -> None:
        self.console, self._lines = console, lines
        self._live: Live | None = None
        self._drawn = self._spoke = time.monotonic()

    @property
    def is_live(self) -> bool:
        """Whether the lines are on the screen all the time."""
        return self._live is not None

    def __enter__(self) -> Status:
        if self.console.is_terminal:
            self._live = Live(Text(""), console=self.console, auto_refresh=False)
            self._live.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        if self._live:
            self._live.update(Text(""), refresh=True)
            self._live.__exit__(*problem)

    def say(self, text: str, style: str = "") -> None:
        """One line above the display."""
        self._spoke = time.monotonic()
        say(self.console, text, style)

    def tick(self) -> None:
        """Redraw twice a second; off a terminal, never a silent minute."""
        now = time.monotonic()
        if self._live and now - self._drawn > 0.5:
            self._drawn = now
            text = "\n".join(clean(line, 200) for line in self._lines())
            self._live.update(Text(text, style="bold"), refresh=True)
        elif not self._live and now - self._spoke > 45:
            for line in self._lines():
                self.say(line)
