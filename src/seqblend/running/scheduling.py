"""The order of units: pilots before folds, none that would not end in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seqblend.running.runs import PILOT, REFIT, Job, Run, Unit

_HOPE = 0.2  # of a default price


def spread_units(seconds: list[float], workers: int) -> float:
    """Seconds until units that are given to whichever worker is idle are done, in their order."""
    busy = [0.0] * workers
    for each in seconds:
        busy[busy.index(min(busy))] += each
    return max(busy)


@dataclass
class Schedule:
    """Jobs that are pending, running, done, failed, or left out for lack of time.

    estimate: seconds that a unit will take
    deadline: time.monotonic() when the last unit has to be done; None: no limit
    more: further jobs that what is done has made known; asked for whenever a worker is free
    """

    pending: list[Job]
    done: dict[Unit, dict[str, Any]]
    estimate: Callable[[Unit], float]
    deadline: float | None = None
    failed: dict[Unit, str] = field(default_factory=dict)
    running: dict[Unit, float] = field(default_factory=dict)
    more: Callable[[Schedule], list[Job]] = lambda schedule: []
    _jobs: dict[Unit, Job] = field(default_factory=dict)  # that were started

    def next_job(self) -> Job | None:
        """The pending job to start now; None where none may start.

        In the order of the plan where time is limited, so that models become complete one by one.
        Without a limit the longest fold goes first and short ones fill the last gaps (Graham 1969).
        """
        self.pending += self.more(self)
        ready = [job for job in self.waiting() if self._is_ready(job.unit)]
        if not ready:
            return None
        job = ready[0]
        if self.deadline is None and job.unit.fold != PILOT and job.unit.run.kind != "linear":
            job = max(ready, key=lambda other: self.estimate(other.unit))
        self.pending.remove(job)
        self._jobs[job.unit] = job
        self.running[job.unit] = time.monotonic()
        return job

    def waiting(self) -> list[Job]:
        """The pending jobs that would end in time; where there are none, those that might.

        These are of a kind of which no unit is done: its default price may be far too high.
        """
        return self.sure() or self._in_time(_HOPE)

    def sure(self) -> list[Job]:
        """The pending jobs that would end in time, as far as is known."""
        return self._in_time(1.0)

    def finish(self, unit: Unit, manifest: dict[str, Any]) -> None:
        """The unit is done."""
        self.running.pop(unit, None)
        self.done[unit] = manifest

    def fail(self, unit: Unit, message: str) -> None:
        """The unit failed for good, and with a pilot its folds."""
        self.running.pop(unit, None)
        self.failed[unit] = message
        for job in list(self.pending):
            if unit.fold == PILOT and job.unit.run == unit.run:
                self.failed[job.unit] = f"its pilot failed: {message}"
                self.pending.remove(job)

    def complete_seeds(self, run: Run, seeds: int, folds: int) -> int:
        """How many of a run's seeds are complete: their folds are done, and those before them."""
        for seed in range(seeds):
            if any(Unit(run, seed, fold) not in self.done for fold in range(folds)):
                return seed
        return seeds

    def seconds_left(self, workers: int) -> float:
        """Estimated seconds until everything pending and running is done."""
        running = self._running_left()
        pending = [self.estimate(job.unit) for job in self.pending]
        longest = max([*running, *pending], default=0.0)
        return max((sum(running) + sum(pending)) / max(workers, 1), longest)

    def seconds_free(self, workers: int) -> float:
        """Seconds until the deadline that neither what runs nor what is sure to will take.

        Spread evenly over the workers.
        """
        left = self.deadline - time.monotonic()
        running = [min(seconds, left) for seconds in self._running_left()]
        sure = [self.estimate(job.unit) for job in self.sure()]
        return left - (sum(running) + sum(sure)) / workers

    def _running_left(self) -> list[float]:
        """Estimated seconds of each running unit until it is done."""
        now = time.monotonic()
        return [max(self.estimate(u) - (now - began), 1.0) for u, began in self.running.items()]

    def _is_ready(self, unit: Unit) -> bool:
        """Whether the pilot is done that the unit reads; a fit on all rows follows its folds."""
        if unit.fold == REFIT:
            return True
        if unit.fold != PILOT:
            return not unit.run.has_pilot or Unit(unit.run, 0, PILOT) in self.done
        unfinished = (
            [*self.running, *(job.unit for job in self.waiting())] if unit.run.rival else []
        )
        return all(u.fold != PILOT or u.run.name != unit.run.rival for u in unfinished)

    def _in_time(self, hope: float) -> list[Job]:
        """The pending jobs that end in time at this share of the price, where it is a default."""
        if self.deadline is None:
            return list(self.pending)
        left, known = self.deadline - time.monotonic(), {unit.run.kind for unit in self.done}
        return [
            job
            for job in self.pending
            if self.estimate(job.unit) * (1.0 if job.unit.run.kind in known else hope) <= left
        ]

    def give_up(self) -> None:
        """Time is over: what is running counts as not trained."""
        for unit in list(self.running):
            self.pending.insert(0, self._jobs[unit])
        self.running.clear()

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and time.monotonic() > self.deadline
