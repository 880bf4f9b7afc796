"""The study: the order of its trials, trials of dead processes, and unusable storages."""

from __future__ import annotations

import os
import signal
import sqlite3
import warnings
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.trial import TrialState

from seqblend.core.config import Config
from seqblend.core.console import without_password
from seqblend.core.errors import FlagError
from seqblend.core.seeds import rng_for
from seqblend.running.search_space import make_space
from seqblend.tuning import study_storage
from seqblend.tuning.study import (
    DEFAULT,
    FOUND,
    NOISE_REPLICATE,
    WARM,
    Study,
    make_sampler,
    open_study,
)
from seqblend.tuning.study_storage import (
    open_storage,
    repair_journal,
    storage_errors,
)

SPACE = make_space(Config(), "nblr")
OTHER = SPACE.start | {"options.orders": 2}
FACTS = {"competition": "tiny", "data": "d", "folds": "f", "model": "nblr", "space": {}}


def open_at(path: Path | str, *, data: str = "d", fresh: bool = False) -> Study:
    """The study in a storage; an unreadable journal is replaced."""
    storage = open_storage(path, lambda _: None)
    first = [(DEFAULT, SPACE.start), (NOISE_REPLICATE, SPACE.start), (WARM, OTHER)]
    facts = FACTS | {"data": data}
    return open_study(storage, "nblr-1", facts, SPACE, lambda: first, is_fresh=fresh)


def tell(study: Study, count: int) -> list[dict]:
    """The parameters of that many further trials; a trial's value follows from them."""
    asked = []
    for _ in range(count):
        trial = study.ask()
        asked.append(trial.params)
        study.study.tell(trial, trial.params["options.smoothing"] + trial.params["options.orders"])
    return asked


def leave_running(path: Path, *, when: str) -> None:
    """A process of its own asks for a trial and is killed: once it was `asked`, or in `between`."""

    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: a fork with threads
        process = os.fork()
    if process == 0:
        if when == "between":
            JournalStorage.set_trial_param = die
        open_at(path).ask()
        die()
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == -signal.SIGKILL


def test_the_default_comes_first_then_its_noise_replicate_then_warm_starts(tmp_path):
    study = open_at(tmp_path / "s.journal")
    assert tell(study, 3) == [SPACE.start, SPACE.start, OTHER]
    tell(study, 1)
    roles = [trial.user_attrs["role"] for trial in study.finished]
    assert roles == [DEFAULT, NOISE_REPLICATE, WARM, FOUND]


def test_a_session_that_is_opened_again_proposes_what_an_undisturbed_one_does(tmp_path):
    undisturbed = tell(open_at(tmp_path / "a.journal"), 14)
    again = [tell(open_at(tmp_path / "b.journal"), 1)[0] for _ in range(14)]
    assert again == undisturbed
    assert len({str(values) for values in undisturbed[3:]}) == 11


@pytest.mark.fault("F4")
@pytest.mark.parametrize("when", ["asked", "between"])
def test_what_a_killed_process_left_is_failed_and_tried_again(tmp_path, when):
    undisturbed = tell(open_at(tmp_path / "a.journal"), 6)
    path = tmp_path / "b.journal"
    before = tell(open_at(path), 4)
    leave_running(path, when=when)
    study = open_at(path)
    assert [t.state for t in study.trials].count(TrialState.RUNNING) == 1
    assert study.requeue_stale_trials() == 1
    assert study.requeue_stale_trials() == 0
    assert TrialState.RUNNING not in [t.state for t in study.trials]
    assert before + tell(study, 2) == undisturbed
    assert len(study.finished) == 6


@pytest.mark.fault("F4")
def test_what_was_left_is_tried_again_though_others_went_on_meanwhile(tmp_path):
    path = tmp_path / "s.journal"
    tell(open_at(path), 3)
    leave_running(path, when="asked")
    study = open_at(path)
    lost = study.study.trials[-1].params
    tell(study, 2)
    study.requeue_stale_trials()
    assert tell(study, 1) == [lost]


def test_a_trial_whose_process_lives_is_left_alone(tmp_path):
    study = open_at(tmp_path / "s.journal")
    study.ask()
    assert study.requeue_stale_trials() == 0
    assert study.requeue_stale_trials(mine=True) == 1
    assert tell(study, 1) == [SPACE.start]


def test_a_kill_between_queueing_again_and_failing_queues_once(tmp_path):
    study = open_at(tmp_path / "s.journal")
    trial = study.ask()
    study.study.enqueue_trial(trial.params, user_attrs={"role": DEFAULT, "after": trial.number})
    study.requeue_stale_trials(mine=True)
    assert [t.state for t in study.trials] == [TrialState.WAITING]


def test_before_tpe_takes_over_every_second_proposal_is_near_the_start(tmp_path):
    asked = tell(open_at(tmp_path / "s.journal"), 8)[3:]
    near = [SPACE.near(rng_for(0, "near the start", i)) for i in range(3, 8)]
    assert [a == b for a, b in zip(asked, near, strict=True)] == [True, False, True, False, True]


def test_a_fresh_study_knows_nothing(tmp_path):
    tell(open_at(tmp_path / "s.journal"), 2)
    assert len(open_at(tmp_path / "s.journal").finished) == 2
    assert len(open_at(tmp_path / "s.journal", fresh=True).finished) == 0


def test_sampler_settings_do_not_depend_on_optunas_version():
    sampler = make_sampler(0)
    assert (sampler._multivariate, sampler._group, sampler._constant_liar) == (True, True, True)


@pytest.mark.fault("F4")
def test_a_torn_last_line_is_cut(tmp_path):
    path = tmp_path / "s.journal"
    tell(open_at(path), 2)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    notes: list[str] = []
    assert not repair_journal(path, notes.append)
    assert path.read_bytes() == whole[: whole[:-1].rfind(b"\n") + 1]
    assert "incomplete" in notes[0]
    study = open_at(path)  # the line said that the second trial had ended
    assert study.requeue_stale_trials(mine=True) == 1
    assert tell(study, 1) == [SPACE.start]


@pytest.mark.fault("F4")
@pytest.mark.parametrize("mine", [True, False])
def test_a_trial_that_a_signal_leaves_without_an_owner_is_failed_where_nobody_shares(
    tmp_path, monkeypatch, mine
):
    study = open_at(tmp_path / "s.journal")

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(optuna.Trial, "set_user_attr", stop)
        with pytest.raises(KeyboardInterrupt):
            study.ask()
    assert study.study.get_trials()[0].state == TrialState.RUNNING
    study.study.set_user_attr("shared", True)
    assert study.requeue_stale_trials(mine=mine) == 0  # another process may be asking for it
    study.study.set_user_attr("shared", False)
    assert study.requeue_stale_trials(mine=mine) == 1
    assert study.study.get_trials()[0].state == TrialState.FAIL
    assert tell(study, 1) == [SPACE.start]


@pytest.mark.fault("F4")
@pytest.mark.parametrize(
    "content",
    [
        b"\x00\xff\n",
        b"{}\n",
        b"half a li",
        b'{"op_code": 0}\n[1\n',
        b'{"op_code": 0}\n',
        b'{"op_code": 99, "worker_id": "x"}\n',
    ],
)
def test_a_journal_that_cannot_be_read_is_set_aside(tmp_path, content):
    path = tmp_path / "s.journal"
    path.write_bytes(content)
    notes: list[str] = []
    assert open_storage(path, notes.append).was_unreadable
    assert "set aside" in notes[0]
    assert (tmp_path / "s.journal.corrupt").read_bytes() == content
    assert tell(open_at(path), 1) == [SPACE.start]


def test_a_storage_of_another_competition_is_refused(tmp_path):
    for place in (tmp_path / "s.journal", f"sqlite:///{tmp_path}/s.db"):
        open_at(place)
        with pytest.raises(FlagError, match=r"belongs to another competition .*name another one"):
            open_at(place, data="other rows")


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("sqlite:////no/such/folder/s.db", "unable to open"),
        ("nosuchbase://host/name", "nosuchbase"),
        ("/proc/no.journal", "No such file"),
    ],
)
def test_a_storage_out_of_reach_is_one_line(place, reason):
    with pytest.raises(FlagError, match=f"cannot be used: .*{reason}") as caught:
        open_storage(place, lambda _: None)
    assert "\n" not in str(caught.value)


@pytest.mark.fault("F4")
def test_a_lock_that_a_killed_process_left_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(study_storage, "_PATIENCE", 3)
    path = tmp_path / "s.journal"
    study = open_at(path)
    lock = Path(f"{path}.lock")
    lock.touch()
    assert tell(study, 1) == [SPACE.start]
    assert not lock.exists()


@pytest.mark.fault("F4")
def test_a_locked_database_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(study_storage, "_PATIENCE", 1)
    place = f"sqlite:///{tmp_path}/s.db"
    study = open_at(place)
    with sqlite3.connect(tmp_path / "s.db", isolation_level=None) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(FlagError, match="is locked"), storage_errors(place):
            study.ask()
        holder.execute("ROLLBACK")
    holder.close()
    study.study._storage._backend.engine.dispose()
    assert optuna.get_all_study_names(place) == ["nblr-1"]


def test_a_password_is_not_shown():
    assert without_password("postgresql://me:secret@host/x") == "postgresql://me:***@host/x"
    assert without_password("sqlite:////a/b:c@d.db") == "sqlite:////a/b:c@d.db"
    assert without_password("redis://:p@ss@host/0") == "redis://:***@host/0"
    hidden = without_password("tune.py --storage mysql://host/x?user=me&Password=a%40b --trials 3")
    assert hidden == "tune.py --storage mysql://host/x?user=me&Password=*** --trials 3"
