"""The verdict of a study: use what was found or keep the default, and the gain."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from optuna.trial import FrozenTrial

from seqblend.evaluation.paired import PairedDifference
from seqblend.tuning.confirm import LEVEL, SEED, Confirmed, has_new_folds
from seqblend.tuning.gain import describe_gain, gain_of_shards
from seqblend.tuning.space import Values
from seqblend.tuning.study import DEFAULT, NOISE_REPLICATE
from seqblend.tuning.trial_run import Rules, default_of
from seqblend.tuning.trial_table import outcome_of


@dataclass(frozen=True)
class TuningVerdict:
    """How a study ended.

    best: the trial chosen: by its score in the confirmation, else by that in the search
    gain_before: the best trial's over the default in the search; optimistic
    confirmed: default and finalists fitted again, best first; empty where there was no time
    has_new_folds: whether that was on new folds; else on those of the data, with a new seed
    noise: (training noise of a fold, std of a shard), of the log loss
    notes: warnings
    """

    default: FrozenTrial | None
    best: FrozenTrial | None
    gain_before: PairedDifference | None
    confirmed: list[Confirmed]
    has_new_folds: bool
    noise: tuple[float, float] | None
    trials: dict[str, int]
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
        gain = describe_gain(self.chosen.gain, self.significance)
        return f"{what}: gain in log loss {where} {gain}"

    @property
    def significance(self) -> str:
        """Whether the chosen one's gain passes the test, in words."""
        finalists = len(self.confirmed) - 1
        holm = f", Holm-corrected over {finalists} finalists" if finalists > 1 else ""
        return f"{'' if self.is_better else 'not '}significant at {100 * LEVEL:.0f} %{holm}"

    def record(self) -> dict[str, Any]:
        """The verdict as JSON."""
        after = {
            str(c.trial.number): {
                "log_loss": c.loss,
                "gain": dataclasses.asdict(c.gain) | {"p_value": c.gain.p_value},
                "p_value": c.p_value,
                "run": c.run,
            }
            for c in self.confirmed
        }
        return {
            "settings": self.settings,
            "verdict": self.sentence,
            "best": _summarise(self.best),
            "default": _summarise(self.default),
            "gain_before": self.gain_before and dataclasses.asdict(self.gain_before),
            "after": after,
            "folds_after": self.chosen.folds if self.chosen else 0,
            "has_new_folds": self.has_new_folds,
            "seeds": {"search": 0, "noise": 1, "confirmation": SEED},
            "noise": self.noise and {"fold": self.noise[0], "shard": self.noise[1]},
            "trials": self.trials,
            "warnings": self.notes,
        }


def _summarise(trial: FrozenTrial | None) -> dict[str, Any] | None:
    """A trial as JSON; None where there is none."""
    return trial and {
        "trial": trial.number,
        "values": trial.params,
        "run": trial.user_attrs["run"],
        "log_loss": trial.value,
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
    )


def count_trials(rules: Rules) -> dict[str, int]:
    """How many trials were done, pruned, failed; and of them, those that measure the noise."""
    ended = rules.study.finished
    outcomes = [outcome_of(trial) for trial in ended]
    counts = {how: outcomes.count(how) for how in ("done", "pruned", "failed")}
    return counts | {"for_noise": sum(t.user_attrs.get("role") == NOISE_REPLICATE for t in ended)}
