"""Decisions that depend on measured seconds: written down, and used again on resume."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqblend.core.storage import read_record, set_aside, write_record

_COUNTED_IN = 3  # steps


@dataclass(frozen=True)
class Step:
    """A run that is trained next, up to a number of seeds; 0: its pilot alone.

    settings: of a variant, those that differ from the model's defaults; rival: the run it varies
    gain: share of the blend's loss that it was expected to take off
    seconds: what it was expected to take
    brought: share that the blend's loss became smaller by; None: not known yet
    """

    run: str
    model: str
    recipe: str
    seeds: int
    gain: float
    seconds: float
    brought: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    rival: str = ""

    @property
    def kind(self) -> str:
        """`pilot`, `member` or `seed`."""
        return ("pilot", "member")[self.seeds] if self.seeds < 2 else "seed"

    @property
    def name(self) -> str:
        """The member in words, with the seed where it is not the first."""
        name = " ".join(filter(None, [self.model, self.recipe]))
        return name + {"pilot": " pilot", "member": ""}.get(self.kind, f" seed {self.seeds - 1}")


@dataclass
class Decisions:
    """The steps of one competition in their order, and for how much time they were complete.

    path: where they are kept; None: nowhere
    closed: seconds for which nothing more was to be done, 0 where that was never so
    """

    path: Path | None = None
    steps: list[Step] = field(default_factory=list)
    closed: float = 0.0

    @classmethod
    def read(cls, path: Path, note: Callable[[str], None]) -> Decisions:
        """Those of an earlier session; a file that is damaged is set aside, and `note` says so."""
        stored = read_record(path, note)
        if stored is None:
            return cls(path)
        try:
            return cls(path, [Step(**step) for step in stored["steps"]], stored["closed"])
        except (KeyError, TypeError):
            kept = set_aside(path)
            note(f"{path} is of another version: set aside as {kept.name}, and chosen anew")
            return cls(path)

    def is_closed(self, seconds: float | None) -> bool:
        """Whether nothing more was to be done in this time. None: no limit."""
        return self.closed > 0 and _as_number(seconds) <= self.closed

    def add(self, step: Step) -> None:
        """Append a step."""
        self.steps.append(step)
        self._write()

    def observe(self, seeds: dict[str, int], brought: float) -> Step | None:
        """Record what the first complete step brought that is not known; None where all are.

        seeds: how many are complete, of each run
        """
        for k, step in enumerate(self.steps):
            if step.brought is None and seeds.get(step.run, -1) >= step.seeds:
                self.steps[k] = dataclasses.replace(step, brought=brought)
                self._write()
                return self.steps[k]
        return None

    def yield_of(self, kind: str) -> float:
        """What was brought over what was expected, of all steps of a kind that are known.

        Between 0.25 and 1.5, with three steps that brought what was expected counted in: what one
        brings is noisy.
        """
        known = [s for s in self.steps if s.brought is not None and s.kind == kind]
        if not known:
            return 1.0
        usual = _COUNTED_IN * sum(step.gain for step in known) / len(known)
        expected = usual + sum(step.gain for step in known)
        brought = usual + sum(step.brought or 0.0 for step in known)
        return min(max(brought / expected, 0.25), 1.5)

    def close(self, seconds: float | None) -> None:
        """Nothing more is to be done in this time."""
        self.closed = _as_number(seconds)
        self._write()

    def _write(self) -> None:
        if self.path is not None:
            steps = [dataclasses.asdict(step) for step in self.steps]
            write_record(self.path, {"steps": steps, "closed": self.closed})


def _as_number(seconds: float | None) -> float:
    """Seconds as they are written down; without a limit very many."""
    return 1e12 if seconds is None else seconds
