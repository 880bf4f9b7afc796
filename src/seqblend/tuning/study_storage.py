"""Where a study is kept: a journal file that survives kill -9, or a database by URL."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.exc import SQLAlchemyError

from seqblend.core.errors import FlagError
from seqblend.core.storage import set_aside, write_bytes

_PATIENCE = 10.0  # seconds to wait for another process's lock


class _KernelLock:
    """A lock file that the kernel lets go of when its holder dies.

    Optuna's own lock stays behind a killed process and is then waited for, 30 seconds each time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.lock")
        self._handle = -1

    def acquire(self) -> bool:
        """Wait for the lock; FlagError where another process keeps it."""
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() > end:
                    os.close(self._handle)
                    raise FlagError(
                        f"the study's storage is locked: another process has held {self._path} "
                        f"for {_PATIENCE:.0f} s. End it, or name another file with --storage"
                    ) from None
                time.sleep(0.01)

    def release(self) -> None:
        """Let go."""
        os.close(self._handle)


def open_storage(place: str | Path, note: Callable[[str], None]) -> tuple[BaseStorage, bool]:
    """(the storage, whether it had to be begun anew because its file could not be read).

    place: a path of a journal file, or a URL such as sqlite:///study.db or postgresql://...
    raises: FlagError where it cannot be opened
    """
    with storage_errors(place):
        try:
            return _open(place, note)
        except (OSError, ImportError) as error:  # ImportError: a database without its driver
            raise _refusal(place, str(error)) from error


def _open(place: str | Path, note: Callable[[str], None]) -> tuple[BaseStorage, bool]:
    if is_url(place):
        wait = {"timeout" if str(place).startswith("sqlite") else "connect_timeout": _PATIENCE}
        return RDBStorage(str(place), engine_kwargs={"connect_args": wait}), False
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    was_unreadable = mend_journal(path, note)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=_KernelLock(path))), was_unreadable


def is_url(place: str | Path) -> bool:
    """Whether the place is a database, and not a file of ours."""
    return "://" in str(place)


def shown(place: str | Path) -> str:
    """The place without any password."""
    return re.sub(r"(://[^:/@]+):[^@/]*@", r"\1:***@", str(place))


@contextlib.contextmanager
def storage_errors(place: str | Path) -> Iterator[None]:
    """Turn what a database may complain of, at any time, into one line."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise _refusal(place, str(error.__cause__ or error)) from error


def _refusal(place: str | Path, reason: str) -> FlagError:
    reason = reason.strip().partition("\n")[0]
    word = "is locked" if "lock" in reason else "cannot be used"
    return FlagError(
        f"the study's storage {shown(place)} {word}: {reason}. Name a journal file, "
        "sqlite:///FILE or postgresql://USER@HOST/NAME with --storage, or leave it out. "
        "Finished units are kept"
    )


def mend_journal(path: Path, note: Callable[[str], None]) -> bool:
    """Cut a journal's torn last line; set it aside where more is wrong. Whether it was set aside.

    A process killed while it wrote leaves half a line, and Optuna would write on behind it.
    """
    if not path.is_file():
        return False
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if not all(map(_is_entry, whole.splitlines())) or (content and not whole):
        set_aside(path)
        note(f"{path.name} cannot be read: set aside, and begun anew from the finished runs")
        return True
    if len(whole) < len(content):
        write_bytes(path, whole)
        note(f"{path.name}: its last line was torn, and is cut off")
    return False


def _is_entry(line: bytes) -> bool:
    try:
        return "op_code" in json.loads(line)
    except (ValueError, TypeError):
        return False
