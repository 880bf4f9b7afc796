"""A finding: one fact that was inferred, and the flag that overrides it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One inferred fact: what, the value, the flag that overrides it, and why.

    is_guess: the files do not tell; the reason names what else is likely
    """

    what: str
    value: str
    flag: str = ""
    why: str = ""
    is_guess: bool = False
