"""The display while tuning: a line per trial, and a status line with counts, best and time left."""

from __future__ import annotations

import time

from seqblend.core.console import Console, Status, duration
from seqblend.evaluation.score_text import score_format
from seqblend.tuning.confirm import Confirmation, has_new_folds
from seqblend.tuning.study import FOUND, NOISE_REPLICATE
from seqblend.tuning.trial_run import Rules, TrialRun
from seqblend.tuning.verdict import count_trials, describe_gain, gain_of_shards


class TuningProgress(Status):
    """Shows how trials ended, the best one with its gain over the default, and the time left."""

    def __init__(
        self, console: Console, rules: Rules, most: int | None, deadline: float | None
    ) -> None:
        super().__init__(console)
        self.rules, self.most, self.deadline = rules, most, deadline
        task = rules.project.competition.task
        self._loss, self._metric = task.loss_name, task.loss_metric
        self._form = score_format(task.loss_metric)
        self._began = time.monotonic()
        self._before = len(rules.study.finished)

    def on_update(self, trial_run: TrialRun) -> None:
        """A line for a trial whose pilot is done or that has ended, with the values it tried."""
        number, role = trial_run.trial.number, trial_run.role
        what = role if role != FOUND else _format_values(trial_run.trial.params)
        if trial_run.unit is not None:
            if role != NOISE_REPLICATE:  # its pilot is the default's
                pilot = f"pilot {trial_run.pilot:.4f} after {trial_run.epochs} epochs"
                self.say(f"trial {number}  {pilot}  {what}")
            return
        trial = next(t for t in self.rules.study.finished if t.number == number)
        value = "" if trial.value is None else f"  {self._loss} {self._form(trial.value)}"
        seconds = duration(trial.user_attrs.get("seconds", 0.0))
        self.say(f"trial {number}  {trial_run.outcome}{value}  {seconds}  {what}")
        if not self.is_live:
            self.say(self.lines()[0])

    def confirming(self, confirmation: Confirmation) -> None:
        """Announce the confirmation."""
        numbers = ", ".join(str(trial.number) for trial in confirmation.trials[1:])
        folds = "new" if has_new_folds(confirmation.project) else "the same"
        self.say(f"confirming on {folds} folds with a new seed: the default and {numbers}")

    def lines(self) -> list[str]:
        """How many trials ended how, the best one, and the time left."""
        n = count_trials(self.rules)
        counts = f"{n['done']} done, {n['pruned']} pruned, {n['failed']} failed"
        left = self._left(sum(n.values()) - n["for_noise"])
        return ["; ".join(filter(None, [counts, self._best(), left]))]

    def _best(self) -> str:
        best = self.rules.best()
        if best is None:
            return ""
        gain = gain_of_shards(self.rules, best)
        more = f", gain over the default {describe_gain(gain, self._metric)}" if gain else ""
        return f"best {self._loss} {self._form(best.value)} (trial {best.number}){more}"

    def _left(self, ended: int) -> str:
        """The time until the deadline, else the time for the other trials at the pace so far."""
        now, new = time.monotonic(), ended - self._before
        if self.deadline is not None:
            return f"{duration(max(self.deadline - now, 0.0))} left"
        if not new or self.most is None:
            return ""
        pace = (now - self._began) / new
        return f"about {duration(pace * max(self.most - ended, 0))} left"


def _format_values(values: dict) -> str:
    return "  ".join(
        f"{k.partition('.')[2]}={v:.3g}" if isinstance(v, float) else f"{k.partition('.')[2]}={v}"
        for k, v in values.items()
    )
