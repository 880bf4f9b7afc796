"""The search: workers fit the units of several trials at once, this process asks and tells."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from seqblend.core.errors import UnitError
from seqblend.core.storage import read_finished, read_json
from seqblend.running.executors import Event, WorkerPool
from seqblend.running.runs import PILOT, Job, Run, Unit
from seqblend.training.fitting import pilot_loss_key
from seqblend.tuning.prune_weights import delete_unneeded_weights
from seqblend.tuning.space import Values
from seqblend.tuning.study import NOISE_REPLICATE, OPENING
from seqblend.tuning.trial_run import Rules, TrialRun

_FAILURES = 3  # trials without any success before it is no trial's own fault


class _TimeIsUpError(Exception):
    """The deadline of the search."""


@dataclass
class Search:
    """Trials until there are enough, or until time is up.

    plan: from a trial's values to its run
    most: how many trials are to have ended in this study, whoever ran them; None: no limit
    deadline: time.monotonic(); what then runs is dropped: trials that have seen some folds end
        with what these let expect, the others are queued again
    say: told when a trial's pilot is done, and when it has ended
    tick: called several times a second

    It compares before it spends: the pilots of the first trials come before any folds, for a third
    of the time at most. Then the most promising one sees all folds, and the default and the others
    are held against it.
    """

    rules: Rules
    plan: Callable[[Values], Run]
    most: int | None
    deadline: float | None
    say: Callable[[TrialRun], None]
    tick: Callable[[], None]
    workers: int = 1
    opening_ends: float | None = None
    courses: list[TrialRun] = field(default_factory=list)
    busy: dict[Unit, TrialRun] = field(default_factory=dict)
    thinned: set[str] = field(default_factory=set)

    def run(self, devices: tuple[str, ...]) -> None:
        """Search on these devices, one worker each. Whatever ends it, no trial stays open."""
        self.workers = len(devices)
        if self.deadline is not None:
            now = time.monotonic()
            self.opening_ends = now + (self.deadline - now) / 3
        try:
            held = [self._next_job()]
            if held == [None]:  # everything is on disk: spare the workers' start
                return
            with WorkerPool(devices) as pool:
                give = lambda: held.pop() if held else self._next_job()  # noqa: E731
                for event in pool.run(give, self._tick):
                    self._hear(event, pool)
        except _TimeIsUpError:
            for course in list(self.courses):
                course.cut()
                if course.unit is None:
                    self._close(course)
        finally:
            self.rules.study.requeue_stale_trials(mine=True)

    @cached_property
    def is_piloted(self) -> bool:
        """Whether trials begin with a pilot."""
        return self.plan(self.rules.study.space.start).has_pilot

    def _tick(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise _TimeIsUpError
        self.tick()

    def _next_job(self) -> Job | None:
        """The next unit: a pilot in the opening, else the most promising trial's; None: no more."""
        while True:
            free = self._free()
            if self._is_opening():
                pilots = [course for course in free if course.unit.fold == PILOT]
                if pilots:
                    return self._give(pilots[0])
                if self.rules.study.begun < OPENING and self._is_short():
                    self._begin()
                    continue
            if free:
                course = min(free, key=self._rank)
                if self._passes(course):
                    return self._give(course)
            elif self._is_short() and len(self.courses) < 2 * self.workers:
                self._begin()  # few may wait for a unit that another trial has begun
            else:
                return None

    def _give(self, course: TrialRun) -> Job:
        self.busy[course.unit] = course
        return self.rules.project.job(course.unit)

    def _free(self) -> list[TrialRun]:
        """Trials whose next unit waits for a worker."""
        for course in list(self.courses):
            if course.unit not in self.busy:
                self._go_on(course)  # another trial of the same run may have fitted it
        return [course for course in self.courses if course.unit not in self.busy]

    def _is_opening(self) -> bool:
        """Whether pilots come first: those of the first trials, for a third of the time at most."""
        if self.opening_ends is not None and time.monotonic() > self.opening_ends:
            return False
        return self.is_piloted and self.rules.study.begun <= OPENING

    def _rank(self, course: TrialRun) -> tuple[float, ...]:
        """Least first: the least pilot loss; the default, once a trial is whole beside it."""
        is_held = self.rules.best() is not None and course.is_default
        loss = math.inf if course.pilot is None else course.pilot
        return (not is_held, course.role == NOISE_REPLICATE, loss, course.trial.number)

    def _passes(self, course: TrialRun) -> bool:
        """Whether a trial goes on; before its first fold its pilot is held against the others'."""
        if course.unit.fold == 0:
            course.judge_pilot()
        if course.unit is None:
            self._close(course)
        return course.unit is not None

    def _is_short(self) -> bool:
        """Whether trials are missing."""
        ended = len(self.rules.study.finished)
        return self.most is None or ended + len(self.courses) < self.most

    def _begin(self) -> None:
        """Ask for a trial and go through what is on disk of its run already."""
        trial = self.rules.study.ask()
        course = TrialRun(self.rules, trial, self.plan(trial.params))
        self.courses.append(course)
        self._go_on(course)

    def _go_on(self, course: TrialRun) -> None:
        """Take in finished units until one is missing or the trial has ended."""
        while course.unit is not None and (manifest := self._finished(course.unit)) is not None:
            is_pilot = course.unit.fold == PILOT
            if is_pilot:
                self._read_pilot(course)
            course.take(manifest)
            if is_pilot:
                self.say(course)
        if course.unit is None:
            self._close(course)

    def _close(self, course: TrialRun) -> None:
        """The trial has ended."""
        self.courses.remove(course)
        self.say(course)
        delete_unneeded_weights(self.rules, {c.run.name for c in self.courses}, self.thinned)

    def _finished(self, unit: Unit) -> dict[str, Any] | None:
        if unit in self.busy:
            return None
        return read_finished(self.rules.project.job(unit).folder, lambda _: None)

    def _read_pilot(self, course: TrialRun) -> None:
        """Take in a finished pilot's epochs: it was good enough at each of them."""
        history = read_json(self.rules.project.job(course.unit).folder / "history.json")
        losses = history[pilot_loss_key(course.run.train)]
        for epoch, loss in zip(history["epoch"], losses, strict=True):
            course.observe(int(epoch), loss, is_judged=False)

    def _hear(self, event: Event, pool: WorkerPool) -> None:
        """Take in what a worker said of a trial's unit."""
        unit, values = event.job.unit, event.values
        course = self.busy[unit]
        if event.kind == "progress" and "epoch" in values and unit.fold == PILOT:
            seconds = values["train_seconds"] + values["valid_seconds"]
            loss = values[pilot_loss_key(unit.run.train)]
            if not course.observe(values["epoch"], loss, seconds):
                pool.stop(event.worker)
        elif event.kind in ("done", "stopped", "failed"):
            del self.busy[unit]
            if course.is_given_up:
                course.give_up()
            elif event.kind == "failed":
                self._fail(course, values)
            self._go_on(course)
        if event.kind != "progress":
            self.tick()

    def _fail(self, course: TrialRun, values: dict[str, Any]) -> None:
        """A trial whose unit failed; UnitError where every trial so far has."""
        course.fail(values["message"])
        ended = self.rules.study.finished
        if len(ended) >= _FAILURES and all("failed" in t.user_attrs for t in ended):
            raise UnitError(f"the first {len(ended)} trials failed: {values['message']}")
