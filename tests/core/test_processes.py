"""Work that forked processes share: the results of one process, in order, whatever happens."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY

from seqblend.core import processes
from seqblend.core.processes import map_forked


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("150000 100000", 2), ("20000 100000", 1), ("max 100000", 64), (None, 64)],
)
def test_a_containers_share_of_the_cores_counts(tmp_path, monkeypatch, limit, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    monkeypatch.setattr(processes, "_CPU_LIMIT", tmp_path / "cpu.max")
    if limit:
        (tmp_path / "cpu.max").write_text(limit + "\n")
    assert processes.cores() == expected


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_results_come_in_order_from_other_processes(count):
    found = list(map_forked(lambda item: (item * 2, os.getpid()), range(7), count))
    assert [value for value, _ in found] == [0, 2, 4, 6, 8, 10, 12]
    pids = {pid for _, pid in found}
    assert len(pids) == min(count, 7)
    assert (os.getpid() in pids) == (count == 1)


@pytest.mark.fault("C4")
def test_what_a_killed_process_leaves_is_done_here():
    def work(item):
        if item == 3 and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return item, os.getpid() == parent

    parent = os.getpid()
    found = list(map_forked(work, range(8), 2))
    assert [item for item, _ in found] == list(range(8))
    assert [item for item, is_here in found if is_here] == [3, 5, 7]  # of the process that died


def test_an_error_is_raised_at_its_item_and_no_process_is_left():
    def work(item):
        return 1 // (item - 2)

    results = map_forked(work, range(6), 2)
    assert [next(results), next(results)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert multiprocessing.active_children() == []


def test_who_stops_early_leaves_no_process():
    results = map_forked(lambda item: bytes(1_000_000), range(100), 2)
    next(results)
    results.close()
    assert multiprocessing.active_children() == []


def test_where_no_process_can_be_forked_all_is_done_here(monkeypatch):
    def refuse(self):
        raise OSError("no memory")

    monkeypatch.setattr(multiprocessing.get_context("fork").Process, "start", refuse)
    found = list(map_forked(lambda item: (item, os.getpid()), range(5), 3))
    assert found == [(item, os.getpid()) for item in range(5)]


@pytest.mark.fault("C4")
def test_a_killed_parent_takes_its_processes_along(tmp_path):
    script = f"""
import os, time
from pathlib import Path
from seqblend.core.processes import map_forked

def work(item):
    (Path({str(tmp_path)!r}) / str(os.getpid())).touch()
    time.sleep(60)

list(map_forked(work, range(4), 2))
"""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}
    parent = subprocess.Popen([sys.executable, "-c", script], env=environment)
    while len(list(tmp_path.iterdir())) < 2:
        assert parent.poll() is None
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    for path in tmp_path.iterdir():
        while is_running(int(path.name)):
            time.sleep(0.02)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_workers_on_a_gpu_are_never_forked(monkeypatch):
    monkeypatch.setattr(processes, "_has_server", True)
    assert processes.worker_context("cpu").get_start_method() == "forkserver"
    assert processes.worker_context("cuda:0").get_start_method() == "spawn"
    monkeypatch.setattr(processes, "_has_server", False)
    assert processes.worker_context("cpu").get_start_method() == "spawn"


def test_the_worker_server_is_started_by_a_script_and_by_nothing_else():
    script = """
import multiprocessing, os, sys
import __main__
if len(sys.argv) > 1:
    __main__.__file__ = sys.argv[1]
before = os.environ.get("PYTHONPATH")
import seqblend.core.early_workers
from seqblend.core import processes
assert os.environ.get("PYTHONPATH") == before
print(processes._has_server, "torch" in sys.modules)
"""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "src")}
    for arguments, expected in (([], "False False"), ([REPOSITORY / "src/run.py"], "True False")):
        done = subprocess.run(
            [sys.executable, "-c", script, *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.strip() == expected


def test_without_a_place_for_its_socket_there_is_no_worker_server(monkeypatch):
    def refuse():
        raise OSError("AF_UNIX path too long")

    monkeypatch.setattr(processes.forkserver, "ensure_running", refuse)
    monkeypatch.setattr(processes, "_has_server", False)
    before = os.environ.get("PYTHONPATH")
    processes.start_worker_server("seqblend.core.seeds")
    assert processes.worker_context("cpu").get_start_method() == "spawn"
    assert os.environ.get("PYTHONPATH") == before
