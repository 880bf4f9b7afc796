"""Locks a folder for one process at a time, so that two runs never write into the same one."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from seqblend.core.console import without_password
from seqblend.core.errors import MachineError

LOCK = ".lock"
_PATIENCE = 1.0  # seconds for a process that was just killed, or that only looks, to let go
_LONGEST = 200  # characters of the holder's command that a message shows
_held: dict[Path, int] = {}  # folder -> its open lock file; closing that releases the lock


def lock_folder(folder: Path, note: Callable[[str], None]) -> None:
    """Lock the folder until release_locks() or the end of this process, whichever comes first.

    The lock belongs to the open file, not to the number written in it: however the process ends,
    the system releases it, and a process that gets the same number later blocks nobody. Python
    opens files so that child processes do not inherit them: workers that outlive a killed parent
    for a moment do not hold the lock. Locking twice is one lock.

    `note` warns where the file system does not support locks; work goes on without one.
    raises: MachineError that names the process which holds the lock
    """
    folder = folder.resolve()
    if folder in _held:
        return
    path = folder / LOCK
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise MachineError(f"cannot write {path}: {error.strerror}") from error
    try:
        _acquire(handle, folder, note)
    except MachineError:
        os.close(handle)
        raise
    _held[folder] = handle
    _sign(handle)


def release_locks() -> None:
    """Release every lock of this process."""
    for folder in list(_held):
        release_lock(folder)


def release_lock(folder: Path) -> None:
    """Release the lock of one folder; nothing where this process holds none.

    The file stays: another process may have opened it already.
    """
    handle = _held.pop(folder.resolve(), None)
    if handle is not None:
        os.close(handle)


def _acquire(handle: int, folder: Path, note: Callable[[str], None]) -> None:
    """Take the lock of an open file within a second."""
    try:
        if _try_lock(handle):
            return
    except OSError as error:  # some network and user-space file systems
        note(
            f"the file system of {folder} does not support locks ({error.strerror}): do not start "
            "a second run there"
        )
        return
    raise MachineError(
        f"{folder} is in use by {_describe_holder(handle)}. Two runs in one folder would mix their "
        "results: wait for it, stop it, or name another folder with --working"
    )


def _try_lock(handle: int) -> bool:
    """Lock an open file, waiting at most a second; False where another process has it.

    The system releases the lock when the file is closed or the process dies.
    raises: OSError where the file system has no locks
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > end:
                return False
            time.sleep(0.01)


def _sign(handle: int) -> None:
    """Write who holds the lock, for the message that another process shows."""
    command = without_password(shlex.join(sys.orig_argv))
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "command": command}
    content = json.dumps(holder).encode()
    with contextlib.suppress(OSError):  # a full disk: the next write says so, with the remedy
        os.ftruncate(handle, 0)
        os.pwrite(handle, content, 0)


def _describe_holder(handle: int) -> str:
    """`process 4242 (python src/train.py)`, with the host where that is another one."""
    try:
        holder = json.loads(os.pread(handle, 1 << 20, 0))
        pid, host, command = (str(holder[key]) for key in ("pid", "host", "command"))
    except (ValueError, TypeError, KeyError):  # not yet written
        return "another process"
    place = "" if host == socket.gethostname() else f" on {host}"
    return f"process {pid}{place} ({command[:_LONGEST]})"
