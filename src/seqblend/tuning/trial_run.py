"""The state of one running trial: its next unit, its losses so far, and when it is pruned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, Trial, TrialState

from seqblend.core import fault_injection
from seqblend.evaluation.metrics import score
from seqblend.running.project import Project
from seqblend.running.runs import PILOT, Run, Unit
from seqblend.training.halving import best_so_far
from seqblend.tuning.pruning import (
    fold_noise,
    is_in_better_half,
    is_significantly_worse,
    min_folds,
    shard_means,
    survives,
)
from seqblend.tuning.study import DEFAULT, NOISE_REPLICATE, Study
from seqblend.tuning.unit_losses import read_validation, unit_losses

_MIN_FOLDS = 2  # a trial stopped at the deadline gets a value only with this many folds
PRUNERS = ("both", "epochs", "shards", "none")


@dataclass(frozen=True)
class Rules:
    """What pruning decides by. pruner: one of PRUNERS."""

    project: Project
    study: Study
    pruner: str = "both"

    @property
    def folds(self) -> int:
        """How many folds a trial has."""
        return self.project.folds.count

    def best(self) -> FrozenTrial | None:
        """The best trial with every fold; the noise replicate of the default is left out."""
        return min(candidates(self.study), key=lambda t: (t.value, t.number), default=None)

    def noise(self) -> tuple[float, float] | None:
        """(training noise of a fold, std of a shard), from the default with two seeds, or None."""
        pair = [_first_of(self.study, role) for role in (DEFAULT, NOISE_REPLICATE)]
        if None in pair:
            return None
        one, other = (trial.user_attrs["shards"] for trial in pair)
        both = min(len(one), len(other))  # either may have been pruned
        return fold_noise(one[:both], other[:both])


def candidates(study: Study) -> list[FrozenTrial]:
    """Trials that may be chosen: complete ones, without the noise replicate."""
    done = [t for t in _with_value(study) if "pruned_at" not in t.user_attrs]
    return [t for t in done if t.user_attrs["role"] != NOISE_REPLICATE]


def contenders(study: Study) -> list[FrozenTrial]:
    """Trials worth a confirmation: the candidates, and those stopped at the deadline."""
    return candidates(study) + [t for t in study.finished if "stopped_early" in t.user_attrs]


def default_of(study: Study) -> FrozenTrial | None:
    """The default's trial, complete or pruned after some folds; None before it has ended."""
    return _first_of(study, DEFAULT)


def _first_of(study: Study, role: str) -> FrozenTrial | None:
    return next((t for t in _with_value(study) if t.user_attrs["role"] == role), None)


def _with_value(study: Study) -> list[FrozenTrial]:
    """Ended trials with a loss: complete ones, and those pruned after some folds."""
    return [t for t in study.finished if t.state == TrialState.COMPLETE]


class TrialRun:
    """One trial, unit by unit: the pilot where there is one, then fold after fold.

    unit: the next one, or the one that runs; None once the trial has ended
    pilot: the least validation loss of a finished pilot, by training.fitting.pilot_loss_key
    is_given_up: pruned by its pilot's losses; what the worker still reports is ignored
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
        """How many epochs of the pilot are known."""
        return len(self._epochs)

    @property
    def is_default(self) -> bool:
        """Whether it is the default or its noise replicate: these are never pruned by epochs."""
        return self.role in (DEFAULT, NOISE_REPLICATE)

    @property
    def _can_be_pruned(self) -> bool:
        return self.rules.pruner in ("both", "epochs") and not self.is_default

    def observe(
        self, epoch: int, loss: float, seconds: float = 0.0, *, can_prune: bool = True
    ) -> bool:
        """Report a pilot's epoch; False where the trial is to be pruned."""
        if self.is_given_up or epoch in self._epochs:  # a restarted worker repeats epochs
            return not self.is_given_up
        self._epochs[epoch] = loss
        self._pilot_seconds += seconds
        self.trial.report(loss, epoch)
        fault_injection.visit("trial.report")
        if not (can_prune and self._can_be_pruned):
            return True
        others = [t.intermediate_values for t in self._others()]
        self.is_given_up = not survives(self._epochs, others)
        return not self.is_given_up

    def give_up(self) -> None:
        """End the trial: pruned by its pilot."""
        self._end(f"pruned after epoch {max(self._epochs)}", state=TrialState.PRUNED)

    def fail(self, message: str) -> None:
        """End the trial: a unit failed for good. It is not tried again."""
        self.trial.set_user_attr("failed", message)
        self._end(f"failed: {message}", state=TrialState.PRUNED)

    def add_unit(self, manifest: dict[str, Any]) -> None:
        """Add a finished unit by its manifest; go on with the next one, or end."""
        self._units += 1
        if self.unit.fold == PILOT:
            self._add_pilot(manifest)
            return
        self._add_fold(manifest)
        fold = self.unit.fold + 1
        if fold == self.rules.folds:
            self._end("done", value=float(np.mean(self._losses)))
        elif not self._prune():
            self.unit = Unit(self.run, self.seed, fold)

    def _add_pilot(self, manifest: dict[str, Any]) -> None:
        """Keep what the pilot found; folds may follow."""
        self._pilot_seconds = 0.0 if self.role == NOISE_REPLICATE else manifest["seconds"]
        self.pilot = best_so_far(self._epochs, max(self._epochs))
        self.trial.set_user_attr("pilot", self.pilot)
        self.trial.set_user_attr("epochs", manifest["epochs"])
        self.trial.set_user_attr("temperature", manifest["temperature"])
        self.unit = Unit(self.run, self.seed, 0)

    def judge_pilot(self) -> None:
        """Prune, before the first fold, where the pilot is in the worse half of those so far."""
        if self.pilot is None or not self._can_be_pruned:
            return
        others = [t.user_attrs["pilot"] for t in self._others() if "pilot" in t.user_attrs]
        if not is_in_better_half(self.pilot, others):
            self.give_up()

    def _others(self) -> list[FrozenTrial]:
        return [
            t
            for t in self.rules.study.trials
            if t.number != self.trial.number and t.user_attrs.get("role") != NOISE_REPLICATE
        ]

    def _add_fold(self, manifest: dict[str, Any]) -> None:
        """Keep the fold's loss and its shards' means."""
        project, fold = self.rules.project, self.unit.fold
        metric = project.competition.metric
        self._fold_seconds.append(manifest["seconds"])
        losses = unit_losses(project, self.unit)
        self._losses.append(float(losses.mean()))
        self._shards.append(shard_means(losses, fold).tolist())
        self._metric.append(score(metric, *read_validation(project, self.unit)))

    def _prune(self) -> bool:
        """Prune where the folds so far are significantly worse than those of the best trial."""
        best = self.rules.best()
        if self.rules.pruner not in ("both", "shards") or best is None:
            return False
        noise, shards = self.rules.noise(), best.user_attrs["shards"]
        fewest = min_folds(noise and noise[0], self._shards, shards)
        if not is_significantly_worse(self._shards, shards, fewest):
            return False
        self._end_with_expected_value(best, f"pruned after {len(self._losses)} folds")
        return True

    def stop_early(self) -> None:
        """End at the deadline, with the loss expected from the folds so far, where they suffice."""
        best = self.rules.best()
        if best is not None and len(self._losses) >= _MIN_FOLDS:
            if self.role != NOISE_REPLICATE:
                self.trial.set_user_attr("stopped_early", True)
            self._end_with_expected_value(best, f"time was up after {len(self._losses)} folds")

    def _end_with_expected_value(self, best: FrozenTrial, outcome: str) -> None:
        """End before all folds were fitted.

        The value is the expected mean over all folds: that of the best trial plus the mean
        difference on the folds that both have. The mean of this trial's folds alone would
        compare easy folds with hard ones.
        """
        seen = len(self._losses)
        difference = np.subtract(self._losses, best.user_attrs["losses"][:seen]).mean()
        self.trial.set_user_attr("pruned_at", seen)
        self._end(outcome, value=float(best.value + difference))

    def _end(
        self, outcome: str, *, value: float | None = None, state: TrialState | None = None
    ) -> None:
        """Store what is known of the trial first, then that it has ended: a kill loses neither."""
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
