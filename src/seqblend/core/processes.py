"""Cores of this machine, and work that forked processes share."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")  # of a container


def cores() -> int:
    """The cores that this process may use, where it is a container's: its share of them."""
    has_affinity = hasattr(os, "sched_getaffinity")
    count = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    try:
        quota, period = _CPU_LIMIT.read_text(encoding="ascii").split()
        return max(min(count, round(int(quota) / int(period))), 1)
    except (OSError, ValueError):  # no such limit: `max`
        return count


def map_forked(
    function: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    """function(item) for each item, in order, by copies of this process that share its memory.

    What a process leaves undone, since it was killed or raised an error, is done here. So is all
    where forking is not safe, which is everywhere but on Linux.
    function: uses neither torch nor BLAS, whose threads a fork does not copy
    """
    count = min(processes, len(items))
    if count < 2 or sys.platform != "linux":
        yield from map(function, items)
        return
    fork, workers, pipes = multiprocessing.get_context("fork"), [], []
    try:
        for k in range(count):
            ours, theirs = fork.Pipe(duplex=False)
            worker = fork.Process(
                target=_send_all, args=(function, items[k::count], theirs), daemon=True
            )
            with warnings.catch_warnings():  # of threads, which the function does not use
                warnings.simplefilter("ignore", DeprecationWarning)
                worker.start()
            theirs.close()  # so that the end of the process is the end of the pipe
            workers.append(worker)
            pipes.append(ours)
        for i, item in enumerate(items):
            try:
                yield pipes[i % count].recv()
            except (EOFError, OSError):
                yield function(item)
    finally:
        for pipe, worker in zip(pipes, workers, strict=True):
            pipe.close()
            worker.kill()
            worker.join()


def _send_all(function: Callable[[Item], Result], items: Sequence[Item], pipe: Connection) -> None:
    """Send the results of a process's items; nothing more after an error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.disable()  # which would touch, and so copy, the parent's memory
    with contextlib.suppress(Exception):
        for item in items:
            pipe.send(function(item))
