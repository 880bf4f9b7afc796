"""The best trials and the default are fitted again on new folds with a new seed.

The score of the best of many is optimistic on the rows that chose it (the winner's curse).
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from optuna.trial import FrozenTrial

from seqblend.core.storage import read_finished
from seqblend.data.fold_files import write_folds
from seqblend.data.folds import make_folds
from seqblend.evaluation.paired import PairedDifference, compare_losses
from seqblend.running.executors import WorkerPool
from seqblend.running.project import Project, make_fingerprint
from seqblend.running.runs import Job, PilotResult, Run, Unit
from seqblend.tuning.planner import Planner
from seqblend.tuning.search import TimeIsUpError, check_deadline
from seqblend.tuning.trial_run import Rules, contenders, default_of
from seqblend.tuning.unit_losses import unit_losses

SHARE = 0.3  # of the time, at most
SEED = 2  # of the confirming fits; 0 searched and 1 measured the noise
LEVEL = 0.05  # probability that any finalist no better than the default passes for better
_MAX = 3  # finalists


@dataclass(frozen=True)
class Confirmed:
    """A trial's score on the new folds.

    folds: their number; gain: over the default
    p_value: that of the gain, Holm-adjusted for the number of finalists; the default's is 1
    """

    trial: FrozenTrial
    run: str
    loss: float
    folds: int
    gain: PairedDifference
    p_value: float = 1.0

    @property
    def is_significant(self) -> bool:
        """Whether it is better than the default, at a family-wise error of 5 %."""
        return self.gain.mean > 0 and self.p_value < LEVEL


@dataclass
class Confirmation:
    """Fits the finalists again.

    runs: one per trial, the default's first; seconds: expected of a unit
    tick: called several times per second
    """

    project: Project
    trials: list[FrozenTrial]
    runs: list[Run]
    deadline: float | None
    seconds: float
    tick: Callable[[], None]
    failed: set[Run] = field(default_factory=set)

    def run(self, devices: tuple[str, ...]) -> None:
        """Fit all finalists fold after fold until the deadline; finished units are kept."""
        pending: list[Job] = []
        for fold in range(self.project.folds.count):
            units = [Unit(run, SEED, fold) for run in dict.fromkeys(self.runs)]
            pending += [self.project.job(unit) for unit in units]
        pending = [job for job in pending if read_finished(job.folder, lambda _: None) is None]

        def next_job() -> Job | None:
            """The next unit that would end in time, of a run that has not failed."""
            is_late = self.deadline and time.monotonic() + self.seconds > self.deadline
            while pending and not is_late:
                job = pending.pop(0)
                if job.unit.run not in self.failed:
                    return job
            return None

        if not pending:
            return
        try:
            with WorkerPool(devices[: len(pending)]) as pool:
                for event in pool.run(next_job, self._tick):
                    if event.kind == "failed":
                        self.failed.add(event.job.unit.run)
        except TimeIsUpError:
            pass

    def _tick(self) -> None:
        check_deadline(self.deadline)
        self.tick()

    def results(self, noise: float | None) -> list[Confirmed]:
        """Finalists on the folds that all of them have, best first; empty without such a fold.

        noise: standard deviation of a fold's loss over seeds; None: estimated from how the gain
            differs between folds
        """
        losses = [self._losses(run) for run in self.runs]
        kept = [i for i, folds in enumerate(losses) if folds]
        if 0 not in kept or len(kept) < 2:
            return []
        common = min(len(losses[i]) for i in kept)
        results = []
        for i in kept:
            before, after = losses[0][:common], losses[i][:common]
            spread = fold_spread(before, after) if noise is None else noise
            one, other = np.concatenate(before), np.concatenate(after)
            gain = compare_losses(other, one, training_std=spread / math.sqrt(common) if i else 0.0)
            loss = float(other.mean())
            results.append(Confirmed(self.trials[i], self.runs[i].name, loss, common, gain))
        results = [results[0], *adjust_for_number(results[1:])]
        return sorted(results, key=lambda result: (result.loss, result.trial.number))

    def _losses(self, run: Run) -> list[np.ndarray]:
        """Row losses of fold 0, 1, ... up to the first that is missing."""
        found = []
        for fold in range(self.project.folds.count):
            unit = Unit(run, SEED, fold)
            if read_finished(self.project.job(unit).folder, lambda _: None) is None:
                break
            found.append(unit_losses(self.project, unit))
        return found


def adjust_for_number(finalists: list[Confirmed]) -> list[Confirmed]:
    """The finalists, without the default, with p-values adjusted for how many they are."""
    p_values = holm_adjusted([finalist.gain.p_value for finalist in finalists])
    return [
        dataclasses.replace(finalist, p_value=p_value)
        for finalist, p_value in zip(finalists, p_values, strict=True)
    ]


def holm_adjusted(p_values: list[float]) -> list[float]:
    """p-values of several tests, corrected for how many they are, in the given order.

    Rejecting those below a level keeps the probability of any false rejection below it, however
    the tests depend on each other (here they share the default's losses). The least is multiplied
    by the number of tests, the next by one less, and so on, and none is below a smaller one.
    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    adjusted, least = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(np.argsort(p_values, kind="stable")):
        least = max(least, min((len(p_values) - rank) * p_values[i], 1.0))
        adjusted[i] = least
    return adjusted


def fold_spread(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    """Standard deviation of the folds' mean differences beyond what their rows explain.

    The variance of fold means minus the mean sampling variance of a fold mean, as in the random
    effects estimator of DerSimonian & Laird (1986) with equal weights; 0 for a single fold.
    """
    if len(before) < 2:
        return 0.0
    gaps = [one - other for one, other in zip(before, after, strict=True)]
    rows = np.mean([gap.var(ddof=1) / len(gap) for gap in gaps])
    return math.sqrt(max(float(np.var([gap.mean() for gap in gaps], ddof=1) - rows), 0.0))


def choose_finalists(rules: Rules, seconds: float | None) -> list[FrozenTrial]:
    """The default and the best others, as many as 30 % of the work, or these seconds, allow.

    Without a time limit the number of units fitted so far decides, so that a session that was
    killed confirms the same trials as one that was not.
    """
    default = default_of(rules.study)
    if default is None:
        return []
    distinct = {default.user_attrs["run"]: default}  # the same run may have been proposed twice
    for trial in sorted(contenders(rules.study), key=lambda t: (t.value, t.number)):
        distinct.setdefault(trial.user_attrs["run"], trial)
    finished = rules.study.finished
    units = sum(t.user_attrs.get("units", 0) for t in finished)
    affordable = units * SHARE / (1 - SHARE)
    if seconds is not None:
        spent = sum(t.user_attrs.get("seconds", 0.0) for t in finished)
        workers = len(rules.project.machine.devices)
        affordable = workers * seconds / max(spent / max(units, 1), 1e-9)
    count = min(max(int(affordable / rules.folds) - 1, 1), _MAX)
    return list(distinct.values())[: 1 + count]


def make_confirmation(
    rules: Rules, planner: Planner, deadline: float | None, tick: Callable[[], None]
) -> Confirmation | None:
    """The confirmation of the finalists; None where only the default has been fitted."""
    left = None if deadline is None else deadline - time.monotonic()
    trials = choose_finalists(rules, left)
    if len(trials) < 2:
        return None
    project = refold(planner.project)
    again = dataclasses.replace(planner, project=project)
    units = sum(t.user_attrs["units"] for t in trials)
    seconds = sum(t.user_attrs["seconds"] for t in trials) / max(units, 1)
    runs = [_run_again(again, trial) for trial in trials]
    return Confirmation(project, trials, runs, deadline, seconds, tick)


def _run_again(planner: Planner, trial: FrozenTrial) -> Run:
    """A trial's run on the planner's folds, with the epochs and temperature of the trial's pilot.

    There is no new pilot: the estimator that was found is the one that is confirmed.
    """
    run, facts = planner.run(trial.params), trial.user_attrs
    if not run.has_pilot:
        return run
    return run.with_pilot(PilotResult.of(facts))


def refold(project: Project) -> Project:
    """The project with folds of another seed; the same folds where the data give them.

    Rows of one group stay in one fold: the keys hold the groups of the data and of
    folds.groups=auto.
    """
    competition, settings = project.competition, project.config.folds
    settings = dataclasses.replace(settings, seed=settings.seed + 1)
    folds = make_folds(
        competition.task.strata(competition.targets),
        competition.train,
        dataclasses.replace(settings, by_sequence="false"),  # the keys hold equal sequences already
        groups=project.folds.keys,
        given=competition.folds,
        classes=competition.classes if competition.task.has_classes else None,
        class_name=competition.task.column_name,
        extra=competition.extra,
    )
    folds = dataclasses.replace(folds, notes=project.folds.notes)  # they hold for any seed
    fingerprint = make_fingerprint(competition, folds, project.fingerprint.data)
    write_folds(project.workspace.data, folds, fingerprint.folds)
    config = dataclasses.replace(project.config, folds=settings)
    return dataclasses.replace(project, config=config, folds=folds, fingerprint=fingerprint)


def has_new_folds(project: Project) -> bool:
    """Whether the confirmation has other folds than the search; False where data give them."""
    return project.competition.folds is None
