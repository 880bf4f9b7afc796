"""The search: workers fit the units of several trials at once, this process asks and tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seqblend.errors import UnitError
from seqblend.running.executors import Event, WorkerPool
from seqblend.running.runs import PILOT, Job, Run, Unit
from seqblend.store import read_finished, read_json
from seqblend.tuning.course import Course, Rules
from seqblend.tuning.space import Values
from seqblend.tuning.thinning import drop_weights

_FAILURES = 3  # trials without any success before it is no trial's own fault


class _TimeIsUpError(Exception):
    """The deadline of the search."""


@dataclass
class Search:
    """Trials until there are enough, or until time is up.

    plan: from a trial's values to its run
    most: how many trials are to have ended in this study, whoever ran them; None: no limit
    deadline: time.monotonic(); what then runs is dropped, and its trials are queued again
    say: told when a trial has ended; tick: called several times a second
    """

    rules: Rules
    plan: Callable[[Values], Run]
    most: int | None
    deadline: float | None
    say: Callable[[Course], None]
    tick: Callable[[], None]
    workers: int = 1
    courses: list[Course] = field(default_factory=list)
    busy: dict[Unit, Course] = field(default_factory=dict)
    thinned: set[str] = field(default_factory=set)

    def run(self, devices: tuple[str, ...]) -> None:
        """Search on these devices, one worker each. Whatever ends it, no trial stays open."""
        self.workers = len(devices)
        try:
            held = [self._next_job()]
            if held == [None]:  # everything is on disk: spare the workers' start
                return
            with WorkerPool(devices) as pool:
                give = lambda: held.pop() if held else self._next_job()  # noqa: E731
                for event in pool.run(give, self._tick):
                    self._hear(event, pool)
        except _TimeIsUpError:
            pass
        finally:
            self.rules.study.heal(mine=True)

    def _tick(self) -> None:
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise _TimeIsUpError
        self.tick()

    def _next_job(self) -> Job | None:
        """A unit that a trial waits for, or the first one of a further trial."""
        while True:
            for course in list(self.courses):
                if course.unit not in self.busy:
                    self._go_on(course)  # another trial of the same run may have fitted it
                if course.unit is not None and course.unit not in self.busy:
                    self.busy[course.unit] = course
                    return self.rules.project.job(course.unit)
            if not self._wants_more():
                return None
            self._begin()

    def _wants_more(self) -> bool:
        """Whether to begin a trial; few may wait for a unit that another trial has begun."""
        if len(self.courses) >= 2 * self.workers:
            return False
        ended = len(self.rules.study.finished)
        return self.most is None or ended + len(self.courses) < self.most

    def _begin(self) -> None:
        """Ask for a trial and go through what is on disk of its run already."""
        trial = self.rules.study.ask()
        course = Course(self.rules, trial, self.plan(trial.params))
        self.courses.append(course)
        self._go_on(course)

    def _go_on(self, course: Course) -> None:
        """Take in finished units until one is missing or the trial has ended."""
        while course.unit is not None and (manifest := self._finished(course.unit)) is not None:
            if course.unit.fold == PILOT and not self._replay(course):
                course.give_up()
            else:
                course.take(manifest)
        if course.unit is None:
            self.courses.remove(course)
            self.say(course)
            drop_weights(self.rules, {c.run.name for c in self.courses}, self.thinned)

    def _finished(self, unit: Unit) -> dict[str, Any] | None:
        if unit in self.busy:
            return None
        return read_finished(self.rules.project.job(unit).folder, lambda _: None)

    def _replay(self, course: Course) -> bool:
        """A finished pilot's epochs, judged as if they came in now; False: it is given up."""
        history = read_json(self.rules.project.job(course.unit).folder / "history.json")
        epochs = zip(history["epoch"], history["valid_loss"], strict=True)
        return all(course.observe(int(epoch), loss) for epoch, loss in epochs)

    def _hear(self, event: Event, pool: WorkerPool) -> None:
        """Take in what a worker said of a trial's unit."""
        unit, values = event.job.unit, event.values
        course = self.busy[unit]
        if event.kind == "progress" and "epoch" in values and unit.fold == PILOT:
            seconds = values["train_seconds"] + values["valid_seconds"]
            if not course.observe(values["epoch"], values["valid_loss"], seconds):
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

    def _fail(self, course: Course, values: dict[str, Any]) -> None:
        """A trial whose unit failed; UnitError where every trial so far has."""
        course.fail(values["message"])
        ended = self.rules.study.finished
        if len(ended) >= _FAILURES and all("failed" in t.user_attrs for t in ended):
            raise UnitError(f"the first {len(ended)} trials failed: {values['message']}")
