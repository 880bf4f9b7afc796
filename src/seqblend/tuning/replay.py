"""What pruning would have done to trials that were not pruned: right, wrong, and the time saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from optuna.trial import FrozenTrial

from seqblend.tuning.halving import in_upper_part, survives
from seqblend.tuning.shards import is_hopeless, least_folds
from seqblend.tuning.study import DEFAULT, OPENING
from seqblend.tuning.trial_run import Rules, candidates


@dataclass(frozen=True)
class Replay:
    """A study gone through again, in its order, with pruning.

    trials: unpruned ones; by_epochs, by_shards: how many each stage gives up
    pairs: (trial, best) where the trial is at least as good over all folds; wrong: those of them
        that the shard test gives up all the same
    seconds, spent: of fitting without and with pruning
    loss, found: the best log loss without and with pruning
    """

    trials: int
    by_epochs: int
    by_shards: int
    pairs: int
    wrong: int
    seconds: float
    spent: float
    loss: float
    found: float

    def lines(self) -> list[str]:
        """The figures in words."""
        share = self.wrong / self.pairs if self.pairs else 0.0
        return [
            f"{self.trials} unpruned trials gone through again: {self.by_epochs} given up by "
            f"epochs, {self.by_shards} by shards",
            f"seconds of fitting: {self.spent:.1f} of {self.seconds:.1f} "
            f"({self.spent / max(self.seconds, 1e-9):.0%})",
            f"best log loss: {self.found:.4f} with pruning, {self.loss:.4f} without",
            f"false-prune rate of the shard test: {self.wrong} of {self.pairs} pairs ({share:.1%}) "
            "in which a trial was at least as good over all folds",
        ]


def replay(rules: Rules) -> Replay | None:
    """The replay of a study's whole trials; None without two of them."""
    trials = candidates(rules.study)
    if len(trials) < 2:
        return None
    noise = rules.noise() and rules.noise()[0]
    stage, best, by_epochs, by_shards, spent = _Epochs(), None, 0, 0, 0.0
    for trial, share, goes_on in stage.go_through(trials):
        spent += share * trial.user_attrs["pilot_seconds"]
        if not goes_on:
            by_epochs += 1
            continue
        folds = rules.folds if best is None else _folds_survived(trial, best, noise)
        spent += sum(trial.user_attrs["fold_seconds"][:folds])
        if folds < rules.folds:
            by_shards += 1
        elif best is None or trial.value < best.value:
            best = trial
    pairs = [(a, b) for a in trials for b in trials if a is not b and a.value <= b.value]
    wrong = sum(_folds_survived(a, b, noise) < rules.folds for a, b in pairs)
    return Replay(
        len(trials),
        by_epochs,
        by_shards,
        len(pairs),
        wrong,
        sum(t.user_attrs["seconds"] for t in trials),
        spent,
        min(t.value for t in trials),
        best.value,
    )


def _folds_survived(trial: FrozenTrial, best: FrozenTrial, noise: float | None) -> int:
    """How many folds a trial is given, against this best one."""
    own, others = trial.user_attrs["shards"], best.user_attrs["shards"]
    seen = (own[:k] for k in range(1, len(own)))
    stops = (len(k) for k in seen if is_hopeless(k, others, least_folds(noise, k, others)))
    return next(stops, len(own))


@dataclass
class _Epochs:
    """The first stage as it would have gone: what trials were seen to do."""

    curves: list[dict[int, float]] = field(default_factory=list)
    pilots: list[float] = field(default_factory=list)

    def go_through(self, trials: list[FrozenTrial]) -> Iterator[tuple[FrozenTrial, float, bool]]:
        """Each trial, the share of its pilot's epochs that are fitted, and whether folds follow.

        Those of the opening are compared after all of their pilots, and come best first.
        """
        opening = [t for t in trials if t.number < OPENING]
        fitted = {t.number: self._fit(t) for t in opening}
        for trial in sorted(opening, key=lambda t: (_least(t), t.number)):
            share, survives_all = fitted[trial.number]
            yield trial, share, survives_all and self._passes(trial)
        for trial in trials:
            if trial.number >= OPENING:
                share, survives_all = self._fit(trial)
                yield trial, share, survives_all and self._passes(trial)

    def _fit(self, trial: FrozenTrial) -> tuple[float, bool]:
        """(share of the pilot's epochs that are fitted, whether none of them gives it up)."""
        losses = trial.intermediate_values
        for epoch in sorted(losses):
            so_far = {e: loss for e, loss in losses.items() if e <= epoch}
            is_default = trial.user_attrs["role"] == DEFAULT
            if not is_default and not survives(so_far, self.curves):
                self.curves.append(so_far)
                return epoch / len(losses), False
        self.curves.append(dict(losses))
        if losses:
            self.pilots.append(_least(trial))
        return 1.0, True

    def _passes(self, trial: FrozenTrial) -> bool:
        """Whether folds follow a whole pilot; without one they do."""
        if not trial.intermediate_values or trial.user_attrs["role"] == DEFAULT:
            return True
        others = self.pilots.copy()
        others.remove(_least(trial))
        return in_upper_part(_least(trial), others)


def _least(trial: FrozenTrial) -> float:
    """The least loss of the pilot; without one trials keep their order."""
    return min(trial.intermediate_values.values(), default=0.0)
