"""Workers that die or whose unit fails: each is reported, and the rest goes on."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import re
import signal
from pathlib import Path

import pytest
import torch
from processes import wait_until

from seqblend.core.config import Config, TrainConfig
from seqblend.running.executors import Event, WorkerPool
from seqblend.running.inputs import Places
from seqblend.running.project import Request, open_project
from seqblend.running.runs import Job, Unit, plan_runs


@pytest.fixture(scope="module")
def jobs(tiny, tmp_path_factory) -> dict[str, Job]:
    """Units by name: two of bilstm, one of nblr, and one whose folds do not exist."""
    top = tmp_path_factory.mktemp("executors")
    train = TrainConfig(epochs=60, precision="float32")
    options = {"bilstm": {"hidden": 8, "width": 8}}
    config = Config(train=train, models=("nblr", "bilstm"), options=options)
    project = open_project(
        config, Places((), top / "working", top / "submissions"), Request(data=tiny)
    )
    nblr, bilstm = plan_runs(
        config, project.fingerprint.data, project.fingerprint.folds, torch.device("cpu")
    )
    job = project.job(Unit(nblr, 0, 0))
    return {
        "no options": project.job(Unit(dataclasses.replace(nblr, options=None), 0, 1)),
        "bilstm fold 0": project.job(Unit(bilstm, 0, 0)),
        "bilstm fold 1": project.job(Unit(bilstm, 0, 1)),
        "nblr fold 0": job,
    }


def kill_worker() -> None:
    """Kill the only child that multiprocessing knows, as the kernel does when memory runs out."""
    (worker,) = multiprocessing.active_children()
    os.kill(worker.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def events(jobs) -> dict[str, list[Event]]:
    """What the pool said of each unit, with one worker.

    Killed in an epoch: bilstm fold 0 once, bilstm fold 1 twice; and the first worker while idle.
    """
    kills = {"bilstm fold 0": 1, "bilstm fold 1": 2}
    names, pending = {job: name for name, job in jobs.items()}, list(jobs.values())
    said: dict[str, list[Event]] = {name: [] for name in jobs}

    def next_job() -> Job | None:
        return pending.pop(0) if pending else None

    with WorkerPool(("cpu",)) as pool:
        kill_worker()
        assert wait_until(lambda: not multiprocessing.active_children())
        for event in pool.run(next_job):
            name = names[event.job]
            is_new = not said[name] or said[name][-1].kind == "started"
            said[name].append(event)
            if event.kind == "progress" and is_new and kills.get(name, 0):
                kills[name] -= 1
                kill_worker()
    assert not multiprocessing.active_children()
    return said


def test_ctrl_c_reaches_no_worker_not_even_while_it_imports():
    with WorkerPool(("cpu",)):
        (worker,) = multiprocessing.active_children()
        status = Path(f"/proc/{worker.pid}/status").read_text()
    blocked = int(re.search(r"SigBlk:\s*(\w+)", status)[1], 16)
    assert blocked >> (signal.SIGINT - 1) & 1


def kinds(events: list[Event]) -> list[str]:
    """The kinds of events in order, progress left out."""
    return [event.kind for event in events if event.kind != "progress"]


def test_an_exception_fails_its_unit_with_the_traceback(events):
    assert kinds(events["no options"])[-1] == "failed"
    values = events["no options"][-1].values
    assert values["message"].startswith("AttributeError: ")
    assert "Traceback" in values["traceback"]


@pytest.mark.fault("C4")
def test_a_worker_killed_while_idle_costs_its_next_unit_one_try(events):
    assert kinds(events["no options"]) == ["started", "died", "started", "failed"]


@pytest.mark.fault("C4")
def test_a_killed_worker_is_named_and_its_unit_tried_once_more(events, jobs):
    assert kinds(events["bilstm fold 0"]) == ["started", "died", "started", "done"]
    died = next(event for event in events["bilstm fold 0"] if event.kind == "died")
    assert "killed by SIGKILL" in died.values["reason"]
    assert (jobs["bilstm fold 0"].folder / "manifest.json").is_file()


@pytest.mark.fault("C4")
def test_a_unit_whose_worker_is_killed_twice_has_failed(events, jobs):
    assert kinds(events["bilstm fold 1"]) == ["started", "died", "started", "failed"]
    assert "SIGKILL" in events["bilstm fold 1"][-1].values["message"]
    assert not jobs["bilstm fold 1"].folder.exists()


@pytest.mark.fault("C4")
def test_the_other_units_go_on(events):
    assert kinds(events["nblr fold 0"]) == ["started", "done"]


def test_time_that_is_over_ends_what_runs(jobs):
    waiting, began = [jobs["bilstm fold 0"]], []
    with WorkerPool(("cpu",)) as pool:
        (worker,) = multiprocessing.active_children()
        events = pool.run(lambda: waiting.pop() if waiting else None, is_over=lambda: bool(began))
        for event in events:
            began += [event.kind] if event.kind == "progress" else []
    assert began == ["progress"]
    assert not worker.is_alive()
