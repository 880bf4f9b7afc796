"""The order of a search: pilots first, then the best pilot's trial, and the same after a kill."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from tuning_examples import SMALL

from seqblend.core.config import Config, configure, parse_assignments
from seqblend.core.seeds import rng_for
from seqblend.models.registry import entries
from seqblend.running.executors import Event
from seqblend.running.inputs import Places
from seqblend.running.project import Request, open_project
from seqblend.running.runs import PILOT, Job, Unit
from seqblend.running.units import run_unit
from seqblend.tuning import search as searching
from seqblend.tuning.confirm import fold_spread
from seqblend.tuning.planner import Planner, make_planner
from seqblend.tuning.search import Search
from seqblend.tuning.study import DEFAULT, N_STARTUP, NOISE_REPLICATE
from seqblend.tuning.trial_run import Rules, TrialRun, candidates, contenders, default_of
from seqblend.tuning.tuner import Settings, prepare_study
from seqblend.tuning.verdict import gain_of_shards

CPU = torch.device("cpu")
SETTINGS = [*SMALL, "options.pooling=last"]


class KilledError(Exception):
    """What stops a search here, as kill -9 would: after a unit, before anything is told."""


@dataclass
class SerialPool:
    """A pool of one worker in this process, for session after session.

    units: what it has begun; dies: how many units each session to come begins before it is killed
    """

    units: list[Unit] = field(default_factory=list)
    dies: list[int] = field(default_factory=list)
    is_stopped: bool = False

    def __enter__(self) -> SerialPool:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def stop(self, worker: int) -> None:
        self.is_stopped = True

    def run(self, next_job: Callable[[], Job | None], tick: Callable[[], None]) -> Iterator[Event]:
        """Fit one job after the other; its epochs are told when it is done."""
        begun, least = len(self.units), self.dies.pop(0) if self.dies else None
        while (job := next_job()) is not None:
            if least is not None and len(self.units) - begun == least:
                raise KilledError
            self.units.append(job.unit)
            said: list[dict] = []
            self.is_stopped = False
            run_unit(job, CPU, said.append)
            for values in said:
                if not self.is_stopped:
                    yield Event("progress", job, 0, values)
            yield Event("stopped" if self.is_stopped else "done", job, 0)


@pytest.fixture
def pool(monkeypatch) -> SerialPool:
    """The pool that searches use in this test."""
    pool = SerialPool()
    monkeypatch.setattr(searching, "WorkerPool", lambda devices: pool)
    return pool


def open_study(
    data: Path, folder: Path, vary: str = "train.lr,options.pooling", model: str = "bigru"
) -> tuple[Rules, Planner]:
    """The study of that folder, as a new session finds it, and its planner."""
    config = configure(Config(models=(model,)), parse_assignments(SETTINGS), entries())
    config = dataclasses.replace(config, folds=dataclasses.replace(config.folds, count=3))
    places = Places((), folder, folder / "submissions")
    project = open_project(config, places, Request(data=data, workers=1))
    planner = make_planner(project, model, pytest.fail)
    space = planner.space(vary)
    study = prepare_study(planner, space, folder / "s.journal", Settings(), lambda _: None)
    return Rules(project, study), planner


def search(rules: Rules, planner: Planner, most: int) -> list[TrialRun]:
    """Search until `most` trials have ended; what it said, in order."""
    said: list[TrialRun] = []
    Search(rules, planner.run, most, None, said.append, lambda: None).run(("cpu",))
    return said


def test_pilots_come_first_and_then_the_most_promising_trial(tiny, tmp_path, pool):
    rules, planner = open_study(tiny, tmp_path)
    search(rules, planner, N_STARTUP)
    trials = {
        t.user_attrs["run"]: t
        for t in rules.study.finished
        if t.user_attrs["role"] != NOISE_REPLICATE
    }
    pilots = [unit for unit in pool.units if unit.fold == PILOT]
    assert pilots == pool.units[: N_STARTUP - 1]  # the replicate has the default's
    folds = pool.units[N_STARTUP - 1 :]
    least = min(trials.values(), key=lambda t: t.user_attrs.get("pilot", 9.0))
    first, default = least.user_attrs["run"], default_of(rules.study).user_attrs["run"]
    assert [(unit.run.name, unit.fold) for unit in folds[:3]] == [(first, k) for k in range(3)]
    assert first != default
    assert (folds[3].run.name, folds[3].seed) == (default, 0)
    again = next(i for i, unit in enumerate(folds) if unit.seed == 1)
    assert {(u.run.name, u.seed) for u in folds[:again]} == {(first, 0), (default, 0)}


def test_half_of_the_pilots_are_followed_by_no_fold(tiny, tmp_path, pool):
    rules, planner = open_study(tiny, tmp_path)
    search(rules, planner, N_STARTUP)
    ended = [
        t for t in rules.study.finished if t.user_attrs["role"] not in (DEFAULT, NOISE_REPLICATE)
    ]
    piloted = [t for t in rules.study.finished if t.user_attrs["role"] != NOISE_REPLICATE]
    pilots = sorted(t.user_attrs["pilot"] for t in piloted if "pilot" in t.user_attrs)
    for trial in ended:
        if trial.user_attrs["units"] > 1:
            assert trial.user_attrs["pilot"] <= pilots[(len(pilots) - 1) // 2]
    assert any(t.user_attrs["units"] <= 1 for t in ended)


@pytest.mark.fault("F4")
def test_a_session_killed_anywhere_ends_like_an_undisturbed_one(tiny, tmp_path, pool):
    most = N_STARTUP + 3

    def end(folder: Path) -> list[tuple]:
        while True:
            rules, planner = open_study(tiny, folder)
            try:
                search(rules, planner, most)
                break
            except KilledError:
                continue
        kept = ("role", "pilot", "losses", "epochs", "pruned_at", "run")
        return sorted(
            (t.state.name, t.value, str(t.params), str([t.user_attrs.get(k) for k in kept]))
            for t in rules.study.finished
        )

    undisturbed, units = end(tmp_path / "a"), list(pool.units)
    pool.units.clear()
    pool.dies = [1, 4, 3, 2, 2, 1, 3, 2]  # in the opening and beyond it
    assert end(tmp_path / "b") == undisturbed
    assert not pool.dies
    assert pool.units == units


def test_models_without_a_pilot_go_trial_by_trial(tiny, tmp_path, pool):
    rules, planner = open_study(tiny, tmp_path, "options.smoothing", model="nblr")
    search(rules, planner, 4)
    order = list(dict.fromkeys((unit.run.name, unit.seed) for unit in pool.units))
    trials = sorted(rules.study.finished, key=lambda t: t.number)
    begun = [(t.user_attrs["run"], int(t.user_attrs["role"] == NOISE_REPLICATE)) for t in trials]
    assert order == begun


BEST = [0.2, 0.3, 0.4, 0.5]  # log losses of a trial that is whole


@pytest.fixture
def begun(tiny, tmp_path) -> tuple[Rules, list[TrialRun]]:
    """Rules of a study whose default and noise replicate are running beside a complete trial."""
    rules, planner = open_study(tiny, tmp_path, "options.smoothing", model="nblr")
    run = planner.run(planner.space("options.smoothing").start)
    trial_runs = [TrialRun(rules, rules.study.ask(), run) for _ in range(2)]
    found = TrialRun(rules, rules.study.ask(), run)
    see(found, BEST)
    found._end("done", value=0.35)
    return rules, trial_runs


def see(trial_run: TrialRun, losses: list[float]) -> None:
    """The trial_run as it is after folds with these log losses; rows of a fold are all alike."""
    trial_run._losses = list(losses)
    trial_run._shards = [[loss] * 8 for loss in losses]


def test_a_pruned_default_is_still_compared_with(begun):
    rules, (default, again) = begun
    see(default, [loss + 0.3 for loss in BEST[:3]])
    assert default._prune()
    assert rules.noise() is None
    see(again, [loss + 0.5 for loss in BEST])
    again._end("done", value=0.85)
    assert [t.number for t in candidates(rules.study)] == [2]
    assert default_of(rules.study).value == pytest.approx(0.65)
    assert rules.noise()[0] == pytest.approx(0.2)  # of the folds that both have seen
    gain = gain_of_shards(rules, rules.best())
    assert gain.mean == pytest.approx(0.3)
    assert gain.high - gain.mean == pytest.approx(1.959964 * 0.2 / rules.folds**0.5)


def test_trials_stopped_at_the_deadline_end_with_the_expected_loss(begun):
    rules, (default, again) = begun
    see(default, [0.1, 0.25])
    see(again, [0.1])
    default.stop_early()
    again.stop_early()
    (trial,) = [t for t in rules.study.finished if t.number == 0]
    assert trial.value == pytest.approx(0.35 - (0.1 + 0.05) / 2)
    assert again.unit is not None  # one fold says too little: it is queued again
    assert rules.best().number == 2  # what is not whole is no best trial
    assert [t.number for t in contenders(rules.study)] == [2, 0]  # yet it may be confirmed


def test_without_a_measured_twin_the_new_folds_tell_the_noise():
    rng = rng_for(0, "test")
    before = [rng.normal(0, 1, 500) for _ in range(400)]
    after = [fold + rng.normal(0, 1, 500) + rng.normal(0, 0.3) for fold in before]
    assert fold_spread(before, after) == pytest.approx(0.3, abs=0.03)
    assert fold_spread(before, [fold + rng.normal(0, 1, 500) for fold in before]) < 0.03
    assert fold_spread(before[:1], after[:1]) == 0.0
