"""The search loop: workers fit the units of several trials, this process proposes and prunes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from seqblend.core.errors import UnitError
from seqblend.core.storage import MANIFEST, forget_file, read_finished, read_json
from seqblend.running.executors import Event, WorkerPool
from seqblend.running.runs import PILOT, Job, Run, Unit
from seqblend.running.search_space import Values
from seqblend.training.fitting import pilot_loss_key
from seqblend.tuning.study import DEFAULT, N_STARTUP, NOISE_REPLICATE
from seqblend.tuning.trial_run import Rules, TrialRun, candidates

_FAILURES = 3  # if this many trials fail and none succeeds, the cause is no single trial's values
_N_KEPT = 4  # best trials whose weights stay, besides the default's


class TimeIsUpError(Exception):
    """The deadline of the search or of the confirmation has passed."""


def check_deadline(deadline: float | None) -> None:
    """Raise TimeIsUpError after the deadline, a value of time.monotonic(); None: no limit."""
    if deadline is not None and time.monotonic() > deadline:
        raise TimeIsUpError


@dataclass
class Search:
    """Runs trials until there are enough, or until the deadline.

    make_run: from a trial's values to its run
    n_trials: how many trials of this study shall have ended, in whatever session; None: no limit
    deadline: of time.monotonic(); units that then run are dropped: trials with enough folds end
        with the loss expected from these, the others are queued again
    on_update: called when a trial's pilot is done, and when the trial has ended
    tick: called several times per second
    active: trials that have not ended; busy: units that workers fit, and their trials
    without_weights: runs whose weights were deleted

    In the start-up phase, at most a third of the time, the pilots of the first trials are fitted
    before any folds. Then the trial with the best pilot gets all folds, then the default and the
    others, which are compared with it.
    """

    rules: Rules
    make_run: Callable[[Values], Run]
    n_trials: int | None
    deadline: float | None
    on_update: Callable[[TrialRun], None]
    tick: Callable[[], None]
    workers: int = 1
    startup_ends: float | None = None
    active: list[TrialRun] = field(default_factory=list)
    busy: dict[Unit, TrialRun] = field(default_factory=dict)
    without_weights: set[str] = field(default_factory=set)

    def run(self, devices: tuple[str, ...]) -> None:
        """Search on these devices, one worker each. Whatever ends it, no trial stays open."""
        self.workers = len(devices)
        if self.deadline is not None:
            now = time.monotonic()
            self.startup_ends = now + (self.deadline - now) / 3
        try:
            first = [self._next_job()]
            if first == [None]:  # every unit is on disk: no need to start workers
                return
            with WorkerPool(devices) as pool:
                give = lambda: first.pop() if first else self._next_job()  # noqa: E731
                for event in pool.run(give, self._tick):
                    self._on_event(event, pool)
        except TimeIsUpError:
            for trial in list(self.active):
                trial.stop_early()
                if trial.unit is None:
                    self._close(trial)
        finally:
            self.rules.study.requeue_stale_trials(mine=True)

    @cached_property
    def has_pilot(self) -> bool:
        """Whether trials begin with a pilot."""
        return self.make_run(self.rules.study.space.start).has_pilot

    def _tick(self) -> None:
        check_deadline(self.deadline)
        self.tick()

    def _next_job(self) -> Job | None:
        """The next unit: a pilot in the start-up phase, else of the best trial; None: no more."""
        while True:
            waiting = self._waiting()
            if self._in_startup():
                pilots = [trial for trial in waiting if trial.unit.fold == PILOT]
                if pilots:
                    return self._submit(pilots[0])
                if self.rules.study.begun < N_STARTUP and self._needs_trials():
                    self._start_trial()
                    continue
            if waiting:
                trial = min(waiting, key=self._priority)
                if self._continues(trial):
                    return self._submit(trial)
            elif self._needs_trials() and len(self.active) < 2 * self.workers:
                self._start_trial()  # others may wait for a unit that runs
            else:
                return None

    def _submit(self, trial: TrialRun) -> Job:
        self.busy[trial.unit] = trial
        return self.rules.project.job(trial.unit)

    def _waiting(self) -> list[TrialRun]:
        """Trials whose next unit waits for a worker."""
        for trial in list(self.active):
            if trial.unit not in self.busy:
                self._advance(trial)  # another trial of the same run may have fitted it
        return [trial for trial in self.active if trial.unit not in self.busy]

    def _in_startup(self) -> bool:
        """Whether pilots come first: of the first trials, for at most a third of the time."""
        if self.startup_ends is not None and time.monotonic() > self.startup_ends:
            return False
        return self.has_pilot and self.rules.study.begun <= N_STARTUP

    def _priority(self, trial: TrialRun) -> tuple[float, ...]:
        """Least first: the default once another trial is complete, else the least pilot loss."""
        is_due = trial.is_default and self.rules.best() is not None
        loss = math.inf if trial.pilot is None else trial.pilot
        return (not is_due, trial.role == NOISE_REPLICATE, loss, trial.trial.number)

    def _continues(self, trial: TrialRun) -> bool:
        """Whether a trial continues; before the first fold its pilot decides."""
        if trial.unit.fold == 0:
            trial.judge_pilot()
        if trial.unit is None:
            self._close(trial)
        return trial.unit is not None

    def _needs_trials(self) -> bool:
        """Whether there are fewer trials than wanted."""
        ended = len(self.rules.study.finished)
        return self.n_trials is None or ended + len(self.active) < self.n_trials

    def _start_trial(self) -> None:
        """Ask for a trial and add the units of its run that are on disk already."""
        asked = self.rules.study.ask()
        trial = TrialRun(self.rules, asked, self.make_run(asked.params))
        self.active.append(trial)
        self._advance(trial)

    def _advance(self, trial: TrialRun) -> None:
        """Add finished units until one is missing or the trial has ended."""
        while trial.unit is not None and (manifest := self._finished(trial.unit)) is not None:
            is_pilot = trial.unit.fold == PILOT
            if is_pilot:
                self._read_pilot(trial)
            trial.add_unit(manifest)
            if is_pilot:
                self.on_update(trial)
        if trial.unit is None:
            self._close(trial)

    def _close(self, trial: TrialRun) -> None:
        """Remove a trial that has ended."""
        self.active.remove(trial)
        self.on_update(trial)
        delete_unneeded_weights(
            self.rules, {trial.run.name for trial in self.active}, self.without_weights
        )

    def _finished(self, unit: Unit) -> dict[str, Any] | None:
        if unit in self.busy:
            return None
        return read_finished(self.rules.project.job(unit).folder, lambda _: None)

    def _read_pilot(self, trial: TrialRun) -> None:
        """Report a finished pilot's epochs; it was not pruned at any of them."""
        history = read_json(self.rules.project.job(trial.unit).folder / "history.json")
        losses = history[pilot_loss_key(trial.run.train)]
        for epoch, loss in zip(history["epoch"], losses, strict=True):
            trial.observe(int(epoch), loss, can_prune=False)

    def _on_event(self, event: Event, pool: WorkerPool) -> None:
        """Handle what a worker reports of a trial's unit."""
        unit, values = event.job.unit, event.values
        trial = self.busy[unit]
        if event.kind == "progress" and "epoch" in values and unit.fold == PILOT:
            seconds = values["train_seconds"] + values["valid_seconds"]
            loss = values[pilot_loss_key(unit.run.train)]
            if not trial.observe(values["epoch"], loss, seconds):
                pool.stop(event.worker)
        elif event.kind in ("done", "stopped", "failed"):
            del self.busy[unit]
            if trial.is_given_up:
                trial.give_up()
            elif event.kind == "failed":
                self._fail(trial, values)
            self._advance(trial)
        if event.kind != "progress":
            self.tick()

    def _fail(self, trial: TrialRun, values: dict[str, Any]) -> None:
        """End a trial whose unit failed; UnitError where every trial so far has failed."""
        trial.fail(values["message"])
        ended = self.rules.study.finished
        if len(ended) >= _FAILURES and all("failed" in t.user_attrs for t in ended):
            raise UnitError(f"the first {len(ended)} trials failed: {values['message']}")


def delete_unneeded_weights(rules: Rules, in_use: set[str], without_weights: set[str]) -> None:
    """Delete weights.npz of finished trials that are not among the best.

    The units' manifests forget the file and stay finished: the trial still counts and nothing is
    fitted twice. A run that was collected for a blend keeps its weights.
    in_use: runs of trials that go on; without_weights: runs already deleted, extended in place
    """
    best = sorted(candidates(rules.study), key=lambda t: (t.value, t.number))[:_N_KEPT]
    defaults = [t for t in rules.study.trials if t.user_attrs.get("role") == DEFAULT]
    kept = in_use | without_weights | {t.user_attrs.get("run") for t in best + defaults}
    for trial in rules.study.finished:
        run = trial.user_attrs.get("run")
        if run is None or run in kept or (rules.project.workspace.run(run) / MANIFEST).exists():
            continue
        for unit in rules.project.workspace.run(run).glob("*/"):
            forget_file(unit, "weights.npz")
        without_weights.add(run)
