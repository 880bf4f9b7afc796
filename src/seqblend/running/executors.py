"""Run jobs in worker processes, one per device; a process that dies is replaced."""

from __future__ import annotations

import contextlib
import resource
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch

from seqblend import release_freed_memory
from seqblend.core.errors import InputError
from seqblend.core.processes import ctrl_c_held, end_with_parent, worker_context
from seqblend.running.runs import Job
from seqblend.running.units import run_unit

_MOST_FREED = 1 << 30  # bytes that a fit may grow by before freed blocks go back to the system


@dataclass(frozen=True)
class Event:
    """What a worker reports. kind: started, progress, done, stopped, failed or died."""

    kind: str
    job: Job
    worker: int
    values: dict[str, Any] = field(default_factory=dict)


class _DroppedError(Exception):
    """The parent does not want the job any more."""


class _Worker:
    """A process bound to one device, the job it holds, and the pipe to it."""

    def __init__(self, number: int, device: str) -> None:
        self.number, self.device = number, device
        self.job: Job | None = None
        context = worker_context(device)
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, device), daemon=True)
        with ctrl_c_held():
            self.process.start()
        theirs.close()

    def assign(self, job: Job) -> None:
        self.job = job
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(job)  # a dead worker is noticed when it is read


class WorkerPool:
    """As many workers as devices. Use as a context: leaving it ends every worker at once."""

    def __init__(self, devices: tuple[str, ...]) -> None:
        self._devices = devices
        self._workers: list[_Worker] = []

    def __enter__(self) -> WorkerPool:
        self._workers = [_Worker(i, device) for i, device in enumerate(self._devices)]
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.pipe.close()

    def run(
        self,
        next_job: Callable[[], Job | None],
        tick: Callable[[], None] = lambda: None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Iterator[Event]:
        """Give jobs to idle workers and yield their reports, until all are idle and none is left.

        next_job: called for each idle worker; None where nothing can start now
        tick: called at least five times a second
        is_over: asked as often; it ends the run, whatever the workers do
        A job whose worker dies is assigned to a new one, once; the second time it has failed.
        """
        retried: set[Job] = set()
        while True:
            for worker in self._workers:
                if worker.job is None and (job := next_job()) is not None:
                    worker.assign(job)
                    yield Event("started", job, worker.number, {"device": worker.device})
            busy = [worker for worker in self._workers if worker.job is not None]
            if not busy:
                return
            if is_over():
                return
            ready = wait([worker.pipe for worker in busy], timeout=0.2)
            for worker in busy:
                if worker.pipe in ready:
                    yield from self._receive(worker, retried)
            tick()

    def stop(self, worker: int) -> None:
        """Have a worker drop its job: it reports `stopped`, or `done` where that is faster."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._workers[worker].pipe.send(None)

    def _receive(self, worker: _Worker, retried: set[Job]) -> Iterator[Event]:
        """One message of a worker, or its death."""
        job = worker.job
        try:
            kind, values = worker.pipe.recv()
        except (EOFError, OSError):  # OSError: it died in the middle of a message
            yield from self._replace(worker, retried)
            return
        if kind != "progress":
            worker.job = None
        yield Event(kind, job, worker.number, values)

    def _replace(self, worker: _Worker, retried: set[Job]) -> Iterator[Event]:
        """A new worker in place of the dead one, with its job where it was not retried before."""
        job = worker.job
        worker.process.join()
        reason = _describe_exit(worker.process.exitcode)
        fresh = self._workers[worker.number] = _Worker(worker.number, worker.device)
        if job in retried:
            yield Event("failed", job, worker.number, {"message": f"{reason}, twice"})
            return
        yield Event("died", job, worker.number, {"reason": reason})
        retried.add(job)
        fresh.assign(job)
        yield Event("started", job, worker.number, {"device": worker.device})


def _describe_exit(code: int | None) -> str:
    """How a process ended, in words."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"its worker process was killed by {name}{hint}"
    return f"its worker process ended with exit code {code}"


def _serve(pipe: Connection, device: str) -> None:
    """The loop of a worker: take a job, fit it, answer. The process ends with its parent."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent()
    kept = _resident_bytes()

    def report(values: dict) -> None:
        """Report to the parent; now and then return the memory that earlier batches freed."""
        nonlocal kept
        pipe.send(("progress", values))
        if pipe.poll() and pipe.recv() is None:
            raise _DroppedError
        if "epoch" in values or _resident_bytes() > kept + _MOST_FREED:
            release_freed_memory()
            kept = _resident_bytes()

    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            job = pipe.recv()
            if job is None:  # it was done before it could be dropped
                continue
            pipe.send(_answer(job, device, report))
            release_freed_memory()


def _answer(job: Job, device: str, report: Callable[[dict], None]) -> tuple[str, dict[str, Any]]:
    """(`done`, manifest), (`stopped`, nothing) or (`failed`, message and traceback)."""
    try:
        return "done", run_unit(job, torch.device(device), report)
    except _DroppedError:
        return "stopped", {}
    except InputError as error:
        return "failed", {"message": str(error), "traceback": ""}
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:  # whatever a model raises fails this unit, with its traceback
        text = f"{type(error).__name__}: {error}"
        return "failed", {"message": text, "traceback": traceback.format_exc()}


def _resident_bytes() -> int:
    """Resident memory of the process; 0 where the system does not show it."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * resource.getpagesize()
