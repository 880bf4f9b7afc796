"""The Optuna study: its trials, the next proposal, and trials of processes that have died."""

from __future__ import annotations

import os
import socket
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import TPESampler
from optuna.study import StudySummary
from optuna.trial import FrozenTrial, Trial, TrialState

from seqblend.core.console import without_password
from seqblend.core.errors import FlagError
from seqblend.core.seeds import rng_for, seed_for
from seqblend.running.search_space import Choice, Knob, Space, Values
from seqblend.tuning.study_storage import StudyStorage, is_url

DEFAULT, NOISE_REPLICATE, WARM, FOUND = "default", "default, another seed", "warm start", "found"
_SEED = 0  # of the proposals
N_STARTUP = 8  # trials sampled at random or near the start before TPE begins
_ABANDONED = 3 * 3600.0  # seconds without a sign after which another machine's trial is stale
_OPEN = (TrialState.RUNNING, TrialState.WAITING)


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The ranges of a space's knobs, as Optuna samples from them."""
    return {knob.name: _distribution(knob) for knob in space.knobs}


def _distribution(knob: Knob) -> BaseDistribution:
    if isinstance(knob.search, Choice):
        return CategoricalDistribution(knob.search.values)
    low, high, log = knob.search.low, knob.search.high, knob.search.log
    if isinstance(knob.default, int):
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(low, high, log=log)


@dataclass
class Study:
    """An Optuna study with a fixed list of first trials, which a killed process cannot lose.

    first: (role, values) of the trials to begin with, in this order; the same in every process
    """

    study: optuna.Study
    space: Space
    first: list[tuple[str, Values]] = field(default_factory=list)

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials but those of dead processes, whose values were queued again."""
        return [t for t in self.study.get_trials(deepcopy=False) if t.state != TrialState.FAIL]

    @property
    def finished(self) -> list[FrozenTrial]:
        """Trials that have ended: complete, pruned, or failed for good."""
        return [t for t in self.trials if t.state not in _OPEN]

    @property
    def begun(self) -> int:
        """How many trials have begun, without those of dead processes."""
        return sum(t.state != TrialState.WAITING for t in self.trials)

    def ask(self) -> Trial:
        """The next trial: one that was queued again, then the first ones, then a proposal.

        Before TPE begins, every second proposal is near the start, the others are random: with few
        trials, values near a good start gain more than the ends of every range.

        A proposal depends on the number of trials and their results alone, not on the process: a
        killed session continues as an undisturbed one would have.
        """
        ordinal = self.begun
        is_new = ordinal == len(self.trials)  # no queued trial waits
        if is_new and ordinal < len(self.first):
            role, values = self.first[ordinal]
            self.study.enqueue_trial(values, user_attrs={"role": role})
        elif is_new and self._is_near(ordinal):
            self.study.enqueue_trial(self.space.near(rng_for(_SEED, "near the start", ordinal)))
        self.study.sampler = make_sampler(seed_for(_SEED, "proposal", ordinal))
        trial = self.study.ask(distributions(self.space))
        trial.set_user_attr("owner", _owner())
        self.touch(trial)
        if "role" not in trial.user_attrs:
            trial.set_user_attr("role", FOUND)
        return trial

    def _is_near(self, ordinal: int) -> bool:
        """Whether this trial stays near the start: every second one before TPE begins."""
        return ordinal < N_STARTUP and (ordinal - len(self.first)) % 2 == 0

    def touch(self, trial: Trial) -> None:
        """Store the time as a sign that the trial's process is alive."""
        trial.set_user_attr("seen", time.time())

    def requeue_stale_trials(self, *, mine: bool = False) -> int:
        """Fail trials whose process is gone (or is this one) and queue their values again.

        They are queued before they fail, so that a kill in between loses nothing; a trial that was
        queued already is not queued twice. Returns how many there were.
        """
        everything = self.study.get_trials(deepcopy=False)
        queued = {t.user_attrs["after"] for t in everything if "after" in t.user_attrs}
        stale = [t for t in everything if t.state == TrialState.RUNNING and self._is_stale(t, mine)]
        for trial in stale:
            values = trial.system_attrs.get("fixed_params", trial.params)
            is_complete = values.keys() >= self.space.start.keys()  # else killed while asked
            if is_complete and trial.number not in queued:
                role = trial.user_attrs.get("role", FOUND)
                self.study.enqueue_trial(values, user_attrs={"role": role, "after": trial.number})
            self.study.tell(trial.number, state=TrialState.FAIL)
        return len(stale)

    def _is_stale(self, trial: FrozenTrial, mine: bool) -> bool:
        owner = trial.user_attrs.get("owner")
        is_shared = self.study.user_attrs.get("shared", False)
        if owner is None and not is_shared:  # stopped while it was asked
            return True
        if owner == _owner():
            return mine
        if mine:
            return False
        machine, process, began = (owner or "::").rsplit(":", 2)
        if machine == socket.gethostname() and owner:
            return _start_of(process) != began
        asked = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
        silence = time.time() - trial.user_attrs.get("seen", asked)
        return not is_shared or silence > _ABANDONED


def make_sampler(seed: int) -> TPESampler:
    """TPE; arguments whose default differs between Optuna 4 and 5 are explicit."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(
            n_startup_trials=N_STARTUP,
            multivariate=True,
            group=True,
            constant_liar=True,
            seed=seed % (1 << 32),
        )


def open_study(
    storage: StudyStorage,
    name: str,
    facts: dict[str, Any],
    space: Space,
    first: Callable[[], list[tuple[str, Values]]],
    *,
    is_fresh: bool = False,
) -> Study:
    """The study of that name in the storage, created where there is none.

    facts: digests of the data it belongs to; a file must hold no studies of another competition
    first: makes the first trials of a new study; they are stored, so every session has the same
    is_fresh: delete the study first; the runs stay on disk

    raises: FlagError where the storage belongs to another competition
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    known = {s.study_name: s for s in optuna.get_all_study_summaries(storage.backend)}
    if not str(storage.place).startswith("postgresql"):
        _check_owner(known.values(), storage.place, facts)
    if is_fresh and name in known:
        optuna.delete_study(study_name=name, storage=storage.backend)
    study = optuna.create_study(
        storage=storage.backend,
        study_name=name,
        load_if_exists=True,
        direction="minimize",
        pruner=optuna.pruners.NopPruner(),
    )
    if not study.user_attrs:
        for key, value in (facts | {"shared": is_url(storage.place)}).items():
            study.set_user_attr(key, value)
    if "first" not in study.user_attrs:
        study.set_user_attr("first", first())
    return Study(study, space, [(role, values) for role, values in study.user_attrs["first"]])


def _check_owner(known: Iterable[StudySummary], place: str | Path, facts: dict[str, Any]) -> None:
    """FlagError where a storage contains studies of other data."""
    for summary in known:
        other = summary.user_attrs.get("data")
        if other is not None and other != facts["data"]:
            name = summary.user_attrs.get("competition")
            where = without_password(str(place))
            raise FlagError(
                f"the study's storage {where} belongs to another competition or to other rows of "
                f"it ('{name}', data {other}; here '{facts['competition']}', {facts['data']}): "
                "name another one with --storage"
            )


def _owner() -> str:
    process = str(os.getpid())
    return f"{socket.gethostname()}:{process}:{_start_of(process)}"


def _start_of(process: str) -> str:
    """When a process began, in ticks since boot; its pid alone may belong to a later process."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
