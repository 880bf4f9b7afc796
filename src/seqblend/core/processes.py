"""Cores of this machine, and work that forked processes share."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # of a container
_PR_SET_PDEATHSIG = 1  # from linux/prctl.h
_SOURCE = Path(__file__).resolve().parents[2]  # where the package lies
_has_server = False  # that worker processes are forked from


def cores() -> int:
    """The cores that this process may use, where it is a container's: its share of them."""
    has_affinity = hasattr(os, "sched_getaffinity")
    count = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    try:
        quota, period = _CPU_LIMIT.read_text(encoding="ascii").split()
        return max(min(count, round(int(quota) / int(period))), 1)
    except (OSError, ValueError):  # no such limit: `max`
        return count


@contextlib.contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Block SIGINT: processes started meanwhile never see it, not even while they import."""
    resource_tracker.ensure_running()  # its start would unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_worker_server(*modules: str) -> None:
    """Start a process that imports modules, and from then on fork worker processes from it.

    On Linux alone, and where there is a folder for its socket: else each worker imports them.
    """
    global _has_server
    if sys.platform != "linux" or multiprocessing.parent_process() is not None:
        return
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_SOURCE), before]))
    forkserver.set_forkserver_preload(["seqblend.core.worker_server", *modules])
    with contextlib.suppress(OSError), ctrl_c_held():
        forkserver.ensure_running()
        _has_server = True
    del os.environ["PYTHONPATH"]
    if before is not None:
        os.environ["PYTHONPATH"] = before


def worker_context(device: str) -> BaseContext:
    """How a worker process is started: forked from the server where there is one, else anew.

    One for a GPU is always started anew: CUDA cannot be used after a fork.
    """
    is_forked = _has_server and device == "cpu"
    return multiprocessing.get_context("forkserver" if is_forked else "spawn")


def end_with_parent() -> None:
    """Have the system kill this process as soon as its parent ends, however that ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def map_forked(
    function: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    """function(item) for each item, in order, by copies of this process that share its memory.

    What a process leaves undone, since it was killed or raised an error, is done here. So is all
    where no process can be forked, or that is not safe, which is everywhere but on Linux.
    function: uses neither torch nor BLAS nor OpenMP, whose threads a fork does not copy; memory
        whose objects it reads is copied, since reading counts references
    """
    workers: list[_Worker[Item, Result]] = []
    try:
        count = min(processes, len(items)) if sys.platform == "linux" else 1
        with contextlib.suppress(OSError):  # no memory, or too many processes
            while 1 < count > len(workers):
                workers.append(_Worker(function, items[len(workers) :: count]))
        for i, item in enumerate(items):
            try:
                yield workers[i % count].results.recv()
            except (EOFError, OSError, IndexError):
                yield function(item)
    finally:
        for worker in workers:
            worker.end()


class _Worker(Generic[Item, Result]):
    """A forked process that sends the results of its items through a pipe."""

    def __init__(self, function: Callable[[Item], Result], items: Sequence[Item]) -> None:
        fork = multiprocessing.get_context("fork")
        self.results, pipe = fork.Pipe(duplex=False)
        asked = function, items, self.results, pipe, os.getpid()
        self._process = fork.Process(target=_send_all, args=asked, daemon=True)
        try:
            with warnings.catch_warnings():  # of threads, which the function does not use
                warnings.simplefilter("ignore", DeprecationWarning)
                self._process.start()
        except OSError:
            self.results.close()
            raise
        finally:
            pipe.close()  # here, so that the end of the process is the end of the pipe

    def end(self) -> None:
        """Kill the process, and wait for its end."""
        self.results.close()
        self._process.kill()
        self._process.join()


def _send_all(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    results: Connection,
    pipe: Connection,
    parent: int,
) -> None:
    """Send the results of a process's items; nothing more after an error.

    results: the parent's end of the pipe
    """
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    results.close()
    gc.disable()  # which would touch, and so copy, the parent's memory
    with contextlib.suppress(Exception):
        for item in items:
            if os.getppid() == parent:
                pipe.send(function(item))
