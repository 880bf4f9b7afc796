"""One process at a time writes into a working folder: real processes, one of them killed."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY, write_competition
from processes import SMALL, children, is_running, run_kernel, start_kernel, wait_until

from seqblend.core.errors import MachineError
from seqblend.core.locking import LOCK, lock_folder, release_lock, release_locks

ENDLESS = [*SMALL, "--models", "bilstm", "--set", "train.epochs=1000000"]
_HOLDER = """
import pathlib, subprocess, sys, time
from seqblend.core.locking import lock_folder
lock_folder(pathlib.Path(sys.argv[1]), print)
child = subprocess.Popen(["sleep", "600"], close_fds=False, stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _unlocked():
    yield
    release_locks()


def start_holder(folder: Path) -> subprocess.Popen:
    """A process that locks the folder, starts a child, says its number and waits."""
    return subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "src")},
    )


def is_training(process: int) -> bool:
    """Whether a run has a worker that has used two seconds of processor time."""
    ticks = [
        int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[11])
        for child in children(process)
    ]
    return max(ticks, default=0) > 2 * os.sysconf("SC_CLK_TCK")


@pytest.mark.fault("C5")
def test_a_second_run_names_the_first_and_stops_until_that_is_killed(tiny, tmp_path, capsys):
    first = start_kernel(tmp_path, "--data", tiny, *ENDLESS)
    try:
        assert wait_until(lambda: is_training(first.pid), 110)
        root = tmp_path / "working" / "seqblend" / "tiny"
        before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
        capsys.readouterr()
        assert run_kernel(tmp_path, "--data", tiny, *SMALL) == 5
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert f"{root} is in use by process {first.pid} (" in line
        assert "--working" in line
        assert run_kernel(tmp_path, "--data", tiny, *SMALL, "--plan") == 0
        assert run_kernel(tmp_path, "--data", tiny, *SMALL, "--plan", "--set", "data.rows=30") == 5
        assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before
    finally:
        first.kill()
        first.communicate()
    assert run_kernel(tmp_path, "--data", tiny, *SMALL) == 0


@pytest.mark.fault("C5")
def test_a_child_that_outlives_its_killed_parent_does_not_hold_the_lock(tmp_path):
    holder = start_holder(tmp_path)
    child = int(holder.stdout.readline())
    try:
        with pytest.raises(MachineError, match=rf"in use by process {holder.pid} \(.* -c "):
            lock_folder(tmp_path, lambda _: None)
        holder.kill()
        holder.wait()
        assert is_running(child)
        lock_folder(tmp_path, lambda _: None)
    finally:
        os.kill(child, signal.SIGKILL)
        holder.kill()
        holder.communicate()


@pytest.mark.fault("C5")
def test_the_number_of_a_living_process_alone_locks_nothing(tmp_path):
    holder = {"pid": os.getppid(), "host": "h", "command": "reused"}
    (tmp_path / LOCK).write_text(json.dumps(holder))
    lock_folder(tmp_path, lambda _: None)
    assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_locking_twice_is_one_lock_that_is_released_once(tmp_path):
    lock_folder(tmp_path, lambda _: None)
    lock_folder(tmp_path / "." / "", lambda _: None)
    with open(tmp_path / LOCK) as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    release_lock(tmp_path)
    with open(tmp_path / LOCK) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_file_system_without_locks_is_told_and_worked_in(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    notes = []
    lock_folder(tmp_path, notes.append)
    (note,) = notes
    assert "does not support locks (No locks available): do not start a second run there" in note


def test_a_script_releases_its_locks_when_it_ends(tmp_path):
    write_competition(tmp_path / "input" / "tiny")
    assert run_kernel(tmp_path, "--data", tmp_path / "input" / "tiny", *SMALL, "--plan") == 0
    with open(tmp_path / "working" / "seqblend" / "tiny" / LOCK) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
