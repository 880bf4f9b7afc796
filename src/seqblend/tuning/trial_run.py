"""A trial on its way: which unit of its run comes next, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, Trial, TrialState

from seqblend.core import fault_injection
from seqblend.core.storage import read_array
from seqblend.data.folds import split
from seqblend.evaluation.bootstrap import row_losses
from seqblend.running.project import Project
from seqblend.running.runs import PILOT, Run, Unit
from seqblend.tuning.halving import best_until, in_upper_part, survives
from seqblend.tuning.shards import fold_noise, is_hopeless, least_folds, shard_means
from seqblend.tuning.study import DEFAULT, NOISE_REPLICATE, Study

_ENOUGH = 2  # folds that say something of a trial
PRUNERS = ("both", "epochs", "shards", "none")


@dataclass(frozen=True)
class Rules:
    """What a trial is judged by. pruner: one of PRUNERS."""

    project: Project
    study: Study
    pruner: str = "both"

    @property
    def folds(self) -> int:
        """How many folds a trial has."""
        return self.project.folds.count

    def best(self) -> FrozenTrial | None:
        """The best trial that has seen every fold; the default with another seed is none."""
        return min(candidates(self.study), key=lambda t: (t.value, t.number), default=None)

    def noise(self) -> tuple[float, float] | None:
        """A fold's training noise and the shards', from the default run twice; None so far."""
        pair = [_scored(self.study, role) for role in (DEFAULT, NOISE_REPLICATE)]
        if None in pair:
            return None
        one, other = (trial.user_attrs["shards"] for trial in pair)
        both = min(len(one), len(other))  # either may have been given up
        return fold_noise(one[:both], other[:both])


def candidates(study: Study) -> list[FrozenTrial]:
    """Trials that may be chosen: they have seen every fold, and are not there to measure noise."""
    done = [t for t in study.finished if t.state == TrialState.COMPLETE]
    return [
        t
        for t in done
        if "pruned_at" not in t.user_attrs and t.user_attrs["role"] != NOISE_REPLICATE
    ]


def contenders(study: Study) -> list[FrozenTrial]:
    """Trials worth a confirmation: the candidates, and what was on its way when time was up."""
    return candidates(study) + [t for t in study.finished if "cut" in t.user_attrs]


def default_of(study: Study) -> FrozenTrial | None:
    """The default's trial, whole or given up after some folds; None before it has ended."""
    return _scored(study, DEFAULT)


def _scored(study: Study, role: str) -> FrozenTrial | None:
    done = (t for t in study.finished if t.state == TrialState.COMPLETE)
    return next((t for t in done if t.user_attrs["role"] == role), None)


class TrialRun:
    """One trial, unit by unit: the pilot where there is one, then fold after fold.

    unit: the next one, or the one that runs; None once the study was told how it ended
    pilot: the least validation loss of a finished pilot, by training.fitting.pilot_loss_key
    is_given_up: the pilot's epochs were not good enough; what it still says is ignored
    """

    def __init__(self, rules: Rules, trial: Trial, run: Run) -> None:
        self.rules, self.trial, self.run = rules, trial, run
        self.role = trial.user_attrs["role"]
        self.seed = 1 if self.role == NOISE_REPLICATE else 0
        self.is_given_up = False
        self.outcome = ""
        self.pilot: float | None = None
        self._epochs: dict[int, float] = {}
        self._losses: list[float] = []
        self._shards: list[list[float]] = []
        self._metric: list[float | None] = []
        self._pilot_seconds, self._fold_seconds, self._units = 0.0, [], 0
        self.unit: Unit | None = Unit(run, 0, PILOT) if run.has_pilot else Unit(run, self.seed, 0)
        trial.set_user_attr("run", run.name)

    @property
    def epochs(self) -> int:
        """How many of the pilot are known."""
        return len(self._epochs)

    @property
    def is_default(self) -> bool:
        """Whether it measures the default, or the noise in it: no epoch gives it up."""
        return self.role in (DEFAULT, NOISE_REPLICATE)

    @property
    def _can_be_pruned(self) -> bool:
        return self.rules.pruner in ("both", "epochs") and not self.is_default

    def observe(
        self, epoch: int, loss: float, seconds: float = 0.0, *, is_judged: bool = True
    ) -> bool:
        """Take in a pilot's epoch; False where the trial is to be given up."""
        if self.is_given_up or epoch in self._epochs:  # a worker that died said it before
            return not self.is_given_up
        self._epochs[epoch] = loss
        self._pilot_seconds += seconds
        self.trial.report(loss, epoch)
        fault_injection.visit("trial.report")
        if not (is_judged and self._can_be_pruned):
            return True
        others = [t.intermediate_values for t in self._others()]
        self.is_given_up = not survives(self._epochs, others)
        return not self.is_given_up

    def give_up(self) -> None:
        """Tell the study that the pilot's epochs were not good enough."""
        self._end(f"pruned after epoch {max(self._epochs)}", state=TrialState.PRUNED)

    def fail(self, message: str) -> None:
        """Tell the study that a unit failed for good: as bad as any, and not to be tried again."""
        self.trial.set_user_attr("failed", message)
        self._end(f"failed: {message}", state=TrialState.PRUNED)

    def take(self, manifest: dict[str, Any]) -> None:
        """A unit is done: go on with the next one, or end."""
        self._units += 1
        if self.unit.fold == PILOT:
            self._take_pilot(manifest)
            return
        self._take_fold(manifest)
        fold = self.unit.fold + 1
        if fold == self.rules.folds:
            self._end("done", value=float(np.mean(self._losses)))
        elif not self._prune():
            self.unit = Unit(self.run, self.seed, fold)

    def _take_pilot(self, manifest: dict[str, Any]) -> None:
        """The pilot is done: folds may follow."""
        self._pilot_seconds = 0.0 if self.role == NOISE_REPLICATE else manifest["seconds"]
        self.pilot = best_until(self._epochs, max(self._epochs))
        self.trial.set_user_attr("pilot", self.pilot)
        self.trial.set_user_attr("epochs", manifest["epochs"])
        self.trial.set_user_attr("temperature", manifest["temperature"])
        self.unit = Unit(self.run, self.seed, 0)

    def judge_pilot(self) -> None:
        """Give up, before the first fold, where the pilot is in the worse half of those so far."""
        others = [t.user_attrs["pilot"] for t in self._others() if "pilot" in t.user_attrs]
        if self._can_be_pruned and self.pilot is not None and not in_upper_part(self.pilot, others):
            self.give_up()

    def _others(self) -> list[FrozenTrial]:
        return [
            t
            for t in self.rules.study.trials
            if t.number != self.trial.number and t.user_attrs.get("role") != NOISE_REPLICATE
        ]

    def _take_fold(self, manifest: dict[str, Any]) -> None:
        """Note the fold's loss, whole and by shards."""
        project, fold = self.rules.project, self.unit.fold
        self._fold_seconds.append(manifest["seconds"])
        self._losses.append(manifest["scores"]["log_loss"])
        losses = unit_losses(project, self.unit)
        self._shards.append(shard_means(losses, fold).tolist())
        self._metric.append(manifest["scores"].get(project.competition.metric))

    def _prune(self) -> bool:
        """Give up where the folds so far are surely worse than those of the best trial."""
        best = self.rules.best()
        if self.rules.pruner not in ("both", "shards") or best is None:
            return False
        noise, shards = self.rules.noise(), best.user_attrs["shards"]
        least = least_folds(noise and noise[0], self._shards, shards)
        if not is_hopeless(self._shards, shards, least):
            return False
        self._leave(best, f"pruned after {len(self._losses)} folds")
        return True

    def cut(self) -> None:
        """Time is up: end with what the folds so far let expect, where that can be told."""
        best = self.rules.best()
        if best is not None and len(self._losses) >= _ENOUGH:
            if self.role != NOISE_REPLICATE:
                self.trial.set_user_attr("cut", True)
            self._leave(best, f"time was up after {len(self._losses)} folds")

    def _leave(self, best: FrozenTrial, outcome: str) -> None:
        """End before all folds were seen.

        The value is the mean over all folds that is to be expected: the best trial's, and what
        this one lost to it on the folds that both have seen. A bare running mean would compare
        easy folds with hard ones.
        """
        seen = len(self._losses)
        lost = np.subtract(self._losses, best.user_attrs["losses"][:seen]).mean()
        self.trial.set_user_attr("pruned_at", seen)
        self._end(outcome, value=float(best.value + lost))

    def _end(
        self, outcome: str, *, value: float | None = None, state: TrialState | None = None
    ) -> None:
        """Write down what is known of the trial, and then, at once, that it has ended."""
        metric = None if None in self._metric or not self._metric else float(np.mean(self._metric))
        facts = {
            "losses": self._losses,
            "shards": self._shards,
            "metric": metric,
            "pilot_seconds": self._pilot_seconds,
            "fold_seconds": self._fold_seconds,
            "seconds": self._pilot_seconds + sum(self._fold_seconds),
            "units": self._units,
        }
        for key, fact in facts.items():
            self.trial.set_user_attr(key, fact)
        fault_injection.visit("trial.report")
        self.rules.study.study.tell(self.trial, value, state=state)
        self.unit, self.outcome = None, outcome


def unit_losses(project: Project, unit: Unit) -> np.ndarray:
    """float64 [n]: the log loss of each of a finished unit's validation rows, in file order."""
    rows = split(project.fold, unit.fold)[1]
    valid = read_array(project.job(unit).folder / "valid.npy")
    return row_losses(project.competition.labels[rows], valid)
