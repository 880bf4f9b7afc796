"""Terminal output with rich, which no other file imports."""

from __future__ import annotations

import abc
import io
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from seqblend.core.findings import Finding

_BLUES, _ORANGES = (235, 17, 24, 25, 32), (235, 52, 94, 130, 166)  # of the 256 colours
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class _SafeStream:
    """A stream that goes on where nothing can be written: `| head` or a full disk end no training.

    Characters that its encoding lacks are written as escapes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._discard_output()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._discard_output()

    def _discard_output(self) -> None:
        """Redirect to the null device: the flush at exit would fail too."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str):
        return getattr(self._stream, name)


def make_console() -> Console:
    """A console on standard output: colour on a terminal, plain lines elsewhere."""
    stream = _SafeStream(sys.stdout)
    width = None if stream.isatty() else 100
    return Console(file=stream, highlight=False, width=width, soft_wrap=not stream.isatty())


def open_closed_streams() -> None:
    """Standard output and error that the shell has closed (`>&-`) go to the null device."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def clean(text: str, most: int = 200) -> str:
    """Text from the user's files without control characters, shortened."""
    text = _CONTROL.sub("�", text.replace("\n", " "))
    return text if len(text) <= most else text[: most - 1] + "…"


def say(console: Console, text: str, style: str = "") -> None:
    """One line."""
    console.print(Text(clean(text, 2_000), style=style))


def shorten(path: Path) -> str:
    """The path from the current folder on, where it lies below that; else the whole path."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def without_password(text: str) -> str:
    """A text, such as a command, without the passwords of URLs in it.

    >>> without_password("tune.py --storage postgresql://me:secret@host/x?password=y")
    'tune.py --storage postgresql://me:***@host/x?password=***'
    """
    text = re.sub(r"(://[^:/@\s]*):\S*@", r"\1:***@", text)
    return re.sub(r"([?&][^=&\s]*passw[^=&\s]*=)[^&\s]*", r"\1***", text, flags=re.IGNORECASE)


def say_error(message: str) -> None:
    """One red line on standard error."""
    Console(file=_SafeStream(sys.stderr), highlight=False, soft_wrap=True).print(
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
    """A table of what was inferred from the files, with the flag that overrides each."""
    table = Table(box=None, pad_edge=False, header_style="bold", expand=False)
    for name in ("what", "inferred", "override with"):
        table.add_column(name, overflow="fold")
    for finding in findings:
        value = finding.value + (f" ({finding.why})" if finding.why else "")
        flag = Text(clean(finding.flag), style="cyan")
        style = "yellow" if finding.is_guess else None
        table.add_row(clean(finding.what), clean(value), flag, style=style)
    console.print(table)
    for warning in warnings:
        say(console, f"warning: {warning}", "yellow")


def show_table(
    console: Console,
    title: str,
    columns: list[str],
    rows: list[list[str]],
    *,
    spare: Sequence[str] = (),
) -> None:
    """A table of text cells with a title; the first column is left-aligned, the others right.

    spare: columns that are left out, the first first, until the table fits into the terminal
    """
    for name in spare:
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        if name in columns and sum(widths) + 2 * (len(widths) - 1) > console.width:
            at = columns.index(name)
            columns, rows = _without(columns, at), [_without(row, at) for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.title, table.title_justify, table.title_style = title, "left", "bold"
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*(clean(cell) for cell in row))
    console.print(table)


def _without(cells: list[str], at: int) -> list[str]:
    return [*cells[:at], *cells[at + 1 :]]


def say_coloured(console: Console, tokens: list[str], shares: list[float], joint: str) -> None:
    """Tokens on a line: blue for a share (-1..1) above 0, orange below, darker for larger ones."""
    line = Text(overflow="fold")
    for token, share in zip(tokens, shares, strict=True):
        ramp = _BLUES if share >= 0 else _ORANGES
        level = round(abs(share) * (len(ramp) - 1))
        line.append(clean(token) or "·", f"#ffffff on color({ramp[level]})")
        line.append(joint)
    console.print(line)


class Status(abc.ABC):
    """Lines redrawn in place on a terminal; elsewhere printed where nothing was for 45 s."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
        self._drawn = self._printed = time.monotonic()

    @abc.abstractmethod
    def lines(self) -> list[str]:
        """What there is to show at this moment."""

    @property
    def is_live(self) -> bool:
        """Whether the display is redrawn in place."""
        return self._live is not None

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._live = Live(self._draw(), console=self.console, auto_refresh=False)
            self._live.__enter__()
        return self

    def __exit__(self, *problem: object) -> None:
        if self._live:
            self._live.update(Text(""), refresh=True)
            self._live.__exit__(*problem)

    def say(self, text: str, style: str = "") -> None:
        """One line above the display."""
        self._printed = time.monotonic()
        say(self.console, text, style)

    def tick(self) -> None:
        """Redraw twice a second; without a terminal, print the lines after 45 silent seconds."""
        now = time.monotonic()
        if self._live and now - self._drawn > 0.5:
            self._drawn = now
            self._live.update(self._draw(), refresh=True)
        elif not self._live and now - self._printed > 45:
            for line in self.lines():
                self.say(line)

    def _draw(self) -> Text:
        text = "\n".join(clean(line) for line in self.lines())
        return Text(text, style="bold", no_wrap=True, overflow="ellipsis")
