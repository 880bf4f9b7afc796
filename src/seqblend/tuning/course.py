"""A trial on its way: which unit of its run comes next, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, Trial, TrialState

from seqblend import faults
from seqblend.folds import split
from seqblend.project import Project
from seqblend.resampling import row_losses
from seqblend.running.runs import PILOT, Run, Unit
from seqblend.store import read_array
from seqblend.tuning.halving import best_until, in_upper_part, survives
from seqblend.tuning.shards import fold_noise, is_hopeless, least_folds, shard_means
from seqblend.tuning.study import AGAIN, DEFAULT, Study

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
        pair = {t.user_attrs["role"]: t for t in whole(self.study)}
        if not {DEFAULT, AGAIN} <= pair.keys():
            return None
        return fold_noise(*(pair[role].user_attrs["shards"] for role in (DEFAULT, AGAIN)))


def whole(study: Study) -> list[FrozenTrial]:
    """Trials that have seen every fold."""
    done = [t for t in study.finished if t.state == TrialState.COMPLETE]
    return [t for t in done if "pruned_at" not in t.user_attrs]


def candidates(study: Study) -> list[FrozenTrial]:
    """Trials that may be chosen: whole, and not there to measure noise."""
    return [t for t in whole(study) if t.user_attrs.get("role") != AGAIN]


class Course:
    """One trial, unit by unit: the pilot where there is one, then fold after fold.

    unit: the next one, or the one that runs; None once the study was told how it ended
    is_given_up: the pilot's epochs were not good enough; what it still says is ignored
    """

    def __init__(self, rules: Rules, trial: Trial, run: Run) -> None:
        self.rules, self.trial, self.run = rules, trial, run
        self.role = trial.user_attrs["role"]
        self.seed = 1 if self.role == AGAIN else 0
        self.is_given_up = False
        self.outcome = ""
        self._epochs: dict[int, float] = {}
        self._losses: list[float] = []
        self._shards: list[list[float]] = []
        self._metric: list[float | None] = []
        self._pilot_seconds, self._fold_seconds, self._units = 0.0, [], 0
        self.unit: Unit | None = Unit(run, 0, PILOT) if run.has_pilot else Unit(run, self.seed, 0)
        trial.set_user_attr("run", run.name)

    @property
    def _is_exempt(self) -> bool:
        return self.role in (DEFAULT, AGAIN)

    def observe(self, epoch: int, loss: float, seconds: float = 0.0) -> bool:
        """Take in a pilot's epoch; False where the trial is to be given up."""
        if self.is_given_up or epoch in self._epochs:  # a worker that died said it before
            return not self.is_given_up
        self._epochs[epoch] = loss
        self._pilot_seconds += seconds
        self.trial.report(loss, epoch)
        faults.visit("trial.report")
        if self._is_exempt or self.rules.pruner not in ("both", "epochs"):
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
        """The pilot is done: its least loss must be among the better half of those so far."""
        self._pilot_seconds = 0.0 if self.role == AGAIN else manifest["seconds"]
        least = best_until(self._epochs, max(self._epochs))
        others = [t.user_attrs["pilot"] for t in self._others() if "pilot" in t.user_attrs]
        self.trial.set_user_attr("pilot", least)
        self.trial.set_user_attr("epochs", manifest["epochs"])
        is_judged = self.rules.pruner in ("both", "epochs") and not self._is_exempt
        if is_judged and not in_upper_part(least, others):
            self.give_up()
            return
        self.unit = Unit(self.run, self.seed, 0)

    def _others(self) -> list[FrozenTrial]:
        return [
            t
            for t in self.rules.study.trials
            if t.number != self.trial.number and t.user_attrs.get("role") != AGAIN
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
        """Give up where the folds so far are surely worse than those of the best trial.

        The value is the mean over all folds that is to be expected: the best trial's, and what
        this one lost to it on the folds that both have seen. A bare running mean would compare
        easy folds with hard ones.
        """
        best = self.rules.best()
        if self.rules.pruner not in ("both", "shards") or self._is_exempt or best is None:
            return False
        noise, shards = self.rules.noise(), best.user_attrs["shards"]
        least = least_folds(noise and noise[0], self._shards, shards)
        if not is_hopeless(self._shards, shards, least):
            return False
        seen = len(self._losses)
        lost = np.subtract(self._losses, best.user_attrs["losses"][:seen]).mean()
        self.trial.set_user_attr("pruned_at", seen)
        self._end(f"pruned after {seen} folds", value=float(best.value + lost))
        return True

    def _end(
        self, outcome: str, *, value: float | None = None, state: TrialState | None = None
    ) -> None:
        """Write down what is known of the trial, and then, at once, that it has ended."""
        metric = None if None in self._metric or not self._metric else float(np.mean(self._metric))
        facts = {
            "losses": self._losses, "shards": self._shards, "metric": metric,
            "pilot_seconds": self._pilot_seconds, "fold_seconds": self._fold_seconds,
            "seconds": self._pilot_seconds + sum(self._fold_seconds), "units": self._units,
        }  # fmt: skip
        for key, fact in facts.items():
            self.trial.set_user_attr(key, fact)
        faults.visit("trial.report")
        self.rules.study.study.tell(self.trial, value, state=state)
        self.unit, self.outcome = None, outcome


def unit_losses(project: Project, unit: Unit) -> np.ndarray:
    """float64 [n]: the log loss of each of a finished unit's validation rows, in file order."""
    rows = split(project.fold, unit.fold)[1]
    valid = read_array(project.job(unit).folder / "valid.npy")
    return row_losses(project.competition.labels[rows], valid)
