"""The verdict of a study: use what was found or keep the default, the gain, and all trials."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from seqblend.evaluation.paired import PairedDifference, compare_losses
from seqblend.evaluation.score_text import score_format
from seqblend.running.search_space import Values
from seqblend.tuning.confirm import LEVEL, SEED, Confirmed, has_new_folds
from seqblend.tuning.study import DEFAULT, NOISE_REPLICATE, Study
from seqblend.tuning.trial_run import Rules, default_of


@dataclass(frozen=True)
class TuningVerdict:
    """How a study ended.

    best: the trial chosen: by its score in the confirmation, else by that in the search
    gain_before: the best trial's over the default in the search; optimistic
    confirmed: default and finalists fitted again, best first; empty where there was no time
    has_new_folds: whether that was on new folds; else on those of the data, with a new seed
    noise: (training noise of a fold, std of a shard), of the loss
    loss_name, loss_metric: the task's; notes: warnings
    """

    default: FrozenTrial | None
    best: FrozenTrial | None
    gain_before: PairedDifference | None
    confirmed: list[Confirmed]
    has_new_folds: bool
    noise: tuple[float, float] | None
    trials: dict[str, int]
    loss_name: str = "log loss"
    loss_metric: str = "log_loss"
    notes: list[str] = field(default_factory=list)

    @property
    def chosen(self) -> Confirmed | None:
        """The best of the confirmed."""
        return self.confirmed[0] if self.confirmed else None

    @property
    def is_better(self) -> bool:
        """Whether the gain over the default is significant, corrected for several finalists."""
        return self.chosen is not None and self.chosen.is_significant

    @property
    def settings(self) -> Values:
        """The values that the next run uses; empty where the default is kept."""
        return dict(self.best.params) if self.is_better else {}

    @property
    def members(self) -> list[FrozenTrial]:
        """The default and the chosen trial, where they have every fold and so may join a blend."""
        pair = {t.number: t for t in (self.default, self.best) if t is not None}
        return [t for t in pair.values() if "pruned_at" not in t.user_attrs]

    @property
    def sentence(self) -> str:
        """The recommendation and its reason."""
        where = "on new folds" if self.has_new_folds else "with a new seed on the same folds"
        if self.chosen is None:
            return f"keep the default: nothing could be confirmed {where} in the time there was"
        if self.best.user_attrs["role"] == DEFAULT:
            return f"keep the default: {where} nothing that was found is better"
        what = f"use trial {self.best.number}" if self.is_better else "keep the default"
        if not self.has_new_folds:
            where += ", whose rows also chose it (optimistic),"
        gain = describe_gain(self.chosen.gain, self.loss_metric, self.significance)
        return f"{what}: gain in {self.loss_name} {where} {gain}"

    @property
    def significance(self) -> str:
        """Whether the chosen one's gain passes the test, in words."""
        finalists = len(self.confirmed) - 1
        holm = f", Holm-corrected over {finalists} finalists" if finalists > 1 else ""
        return f"{'' if self.is_better else 'not '}significant at {100 * LEVEL:.0f} %{holm}"

    def record(self) -> dict[str, Any]:
        """The verdict as JSON. loss: the loss's name, whose key is loss_key's."""
        key = loss_key(self.loss_name)
        after = {
            str(c.trial.number): {
                key: c.loss,
                "gain": dataclasses.asdict(c.gain) | {"p_value": c.gain.p_value},
                "p_value": c.p_value,
                "run": c.run,
            }
            for c in self.confirmed
        }
        return {
            "settings": self.settings,
            "verdict": self.sentence,
            "loss": self.loss_name,
            "loss_metric": self.loss_metric,
            "best": _summarise(self.best, key),
            "default": _summarise(self.default, key),
            "gain_before": self.gain_before and dataclasses.asdict(self.gain_before),
            "after": after,
            "folds_after": self.chosen.folds if self.chosen else 0,
            "has_new_folds": self.has_new_folds,
            "seeds": {"search": 0, "noise": 1, "confirmation": SEED},
            "noise": self.noise and {"fold": self.noise[0], "shard": self.noise[1]},
            "trials": self.trials,
            "warnings": self.notes,
        }


def describe_gain(gain: PairedDifference, metric: str, remark: str = "") -> str:
    """The gain in a loss with its interval, and a remark where it is not empty.

    metric: the task's loss_metric
    """
    form, remark = score_format(metric), remark and f"; {remark}"
    mean, low, high = (form(each, is_signed=True) for each in (gain.mean, gain.low, gain.high))
    return f"{mean} (95 % {low} to {high}{remark})"


def loss_key(loss_name: str) -> str:
    """The key of a loss in the tuner's JSON, such as `log_loss`."""
    return loss_name.replace(" ", "_")


def _summarise(trial: FrozenTrial | None, key: str) -> dict[str, Any] | None:
    """A trial as JSON; None where there is none."""
    return trial and {
        "trial": trial.number,
        "values": trial.params,
        "run": trial.user_attrs["run"],
        key: trial.value,
    }


def reach_verdict(rules: Rules, confirmed: list[Confirmed]) -> TuningVerdict:
    """The verdict from a study and its confirmation."""
    default = default_of(rules.study)
    best = confirmed[0].trial if confirmed else rules.best()
    return TuningVerdict(
        default,
        best,
        gain_of_shards(rules, best),
        confirmed,
        has_new_folds(rules.project),
        rules.noise(),
        count_trials(rules),
        rules.project.competition.task.loss_name,
        rules.project.competition.task.loss_metric,
    )


def gain_of_shards(rules: Rules, best: FrozenTrial | None) -> PairedDifference | None:
    """A trial's gain over the default by paired shards; optimistic for the best trial."""
    default = default_of(rules.study)
    if best is None or default is None or best.number == default.number:
        return None
    pair = [t.user_attrs["shards"] for t in (default, best)]
    seen = min(map(len, pair))  # either may have been pruned
    before, after = (np.concatenate(shards[:seen]) for shards in pair)
    return compare_losses(after, before, training_std=_training_noise(rules))


def _training_noise(rules: Rules) -> float:
    """Standard deviation of a mean over folds due to the seed; 0 until it is measured."""
    noise = rules.noise()
    return noise[0] / math.sqrt(rules.folds) if noise else 0.0


def count_trials(rules: Rules) -> dict[str, int]:
    """How many trials were done, pruned, failed; and of them, those that measure the noise."""
    ended = rules.study.finished
    outcomes = [outcome_of(trial) for trial in ended]
    counts = {how: outcomes.count(how) for how in ("done", "pruned", "failed")}
    return counts | {"for_noise": sum(t.user_attrs.get("role") == NOISE_REPLICATE for t in ended)}


def outcome_of(trial: FrozenTrial) -> str:
    """done, pruned or failed."""
    if "failed" in trial.user_attrs:
        return "failed"
    is_pruned = trial.state == TrialState.PRUNED or "pruned_at" in trial.user_attrs
    return "pruned" if is_pruned else "done"


def trial_rows(study: Study, loss_name: str) -> list[dict[str, Any]]:
    """One dict per finished trial, in the order of the search."""
    return [_row(trial, loss_key(loss_name)) for trial in study.finished]


def _row(trial: FrozenTrial, key: str) -> dict[str, Any]:
    facts, outcome = trial.user_attrs, outcome_of(trial)
    reason = outcome
    if outcome == "pruned":
        epochs = f"epoch {trial.last_step}"
        reason = "time was up" if "stopped_early" in facts else reason
        reason += f" after {facts['pruned_at']} folds" if "pruned_at" in facts else f" at {epochs}"
    return {
        "number": trial.number,
        "role": facts.get("role", ""),
        "outcome": outcome,
        "reason": reason,
        "may_win": facts.get("role") != NOISE_REPLICATE,
        key: trial.value,
        "metric": facts.get("metric"),
        "folds": len(facts.get("losses", [])),
        "seconds": facts.get("seconds", 0.0),
        "values": trial.params,
        "run": facts.get("run", ""),
    }
