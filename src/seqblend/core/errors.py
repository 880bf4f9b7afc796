"""Errors that the user can fix, with their exit codes."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(Exception):
    """The user's data: one red line, exit code 3, no traceback.

    The message says what was expected, what came, and what to change.
    """

    exit_code = 3


class FlagError(InputError):
    """The user's flag or config file: exit code 2."""

    exit_code = 2


class MachineError(InputError):
    """The machine: a full disk, a read-only folder, a missing package. Exit code 5."""

    exit_code = 5


class UnitError(InputError):
    """A unit that failed for good: exit code 1."""

    exit_code = 1


def nearest(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'lr'?"`, or nothing where no known name is near."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def suggest(name: str, known: Iterable[str], title: str, most: int = 40) -> str:
    """How a message about an unknown name ends: the nearest known one, then all of them.

    >>> suggest("trian", ["data", "train"], "Sections")
    "; did you mean 'train'? Sections: data, train"
    >>> suggest("x", ["data", "train"], "Sections")
    '. Sections: data, train'
    """
    known = list(known)
    return f"{nearest(name, known) or '.'} {title}: {listing(known, most)}"


def listing(names: Iterable[str], most: int = 12) -> str:
    """`a, b, c and 5 more`."""
    names = list(names)
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
