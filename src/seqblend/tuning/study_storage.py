"""The storage of a study: a journal file that survives kill -9, or a database by URL."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from sqlalchemy.exc import SQLAlchemyError

from seqblend.core.console import without_password
from seqblend.core.errors import FlagError
from seqblend.core.storage import set_aside, write_bytes

_PATIENCE = 10  # seconds to wait for a database's lock; then a journal's lock counts as left over


@dataclass(frozen=True)
class StudyStorage:
    """An open storage; was_unreadable: its file was damaged and has been replaced by a new one."""

    backend: BaseStorage
    place: str | Path
    was_unreadable: bool = False


def open_storage(place: str | Path, note: Callable[[str], None]) -> StudyStorage:
    """The storage of studies at this place.

    place: a path of a journal file, or a URL such as sqlite:///study.db or postgresql://...
    raises: FlagError where it cannot be opened
    """
    with storage_errors(place):
        try:
            return _open(place, note)
        except (OSError, ImportError) as error:  # ImportError: the database's driver is missing
            raise _storage_error(place, str(error)) from error


def _open(place: str | Path, note: Callable[[str], None]) -> StudyStorage:
    if is_url(place):
        wait = {"timeout" if str(place).startswith("sqlite") else "connect_timeout": _PATIENCE}
        return StudyStorage(RDBStorage(str(place), engine_kwargs={"connect_args": wait}), place)
    path = Path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    if repair_journal(path, note):
        return StudyStorage(_open_journal(path), place, was_unreadable=True)
    try:
        return StudyStorage(_open_journal(path), place)
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError):
        _replace_journal(path, note)  # entries that Optuna does not know, or that lack something
        return StudyStorage(_open_journal(path), place, was_unreadable=True)


def _open_journal(path: Path) -> JournalStorage:
    lock = JournalFileOpenLock(str(path), grace_period=_PATIENCE)
    return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _replace_journal(path: Path, note: Callable[[str], None]) -> None:
    set_aside(path)
    note(f"{path.name} cannot be read: set aside, and rebuilt from the finished runs")


def is_url(place: str | Path) -> bool:
    """Whether the place is a database, not a journal file."""
    return "://" in str(place)


@contextlib.contextmanager
def storage_errors(place: str | Path) -> Iterator[None]:
    """Turn the errors of a storage into one-line FlagErrors."""
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise _storage_error(place, str(error.__cause__ or error)) from error


def _storage_error(place: str | Path, reason: str) -> FlagError:
    reason = reason.strip().partition("\n")[0]
    word = "is locked" if "lock" in reason else "cannot be used"
    message = f"the study's storage {place} {word}: {reason}. "
    return FlagError(
        without_password(message) + "Name a journal file, sqlite:///FILE or "
        "postgresql://USER@HOST/NAME with --storage, or leave it out. Finished units are kept"
    )


def repair_journal(path: Path, note: Callable[[str], None]) -> bool:
    """Remove an incomplete last line; set the file aside where more is damaged. True if set aside.

    A process killed while it wrote leaves half a line, and Optuna would append to it.
    """
    if not path.is_file():
        return False
    content = path.read_bytes()
    complete = content[: content.rfind(b"\n") + 1]
    if not all(map(_is_entry, complete.splitlines())) or (content and not complete):
        _replace_journal(path, note)
        return True
    if len(complete) < len(content):
        write_bytes(path, complete)
        note(f"{path.name}: its incomplete last line is removed")
    return False


def _is_entry(line: bytes) -> bool:
    try:
        return "op_code" in json.loads(line)
    except (ValueError, TypeError):
        return False
