"""Atomic writes, folders with a manifest of hashes written last, and reading them back."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seqblend.core import fault_injection
from seqblend.core.errors import InputError, MachineError

MANIFEST = "manifest.json"
_OWN_HASH = "sha256"  # a record's key for the hash of all its other entries


def write_bytes(path: Path, content: bytes, point: str = "") -> str:
    """Write atomically: temp file beside it, fsync, rename, fsync the folder. Returns the SHA-256.

    raises: MachineError with path, bytes needed and bytes free; the previous file stays intact
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            if point:
                fault_injection.visit(f"{point}.write")
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if point == "weights":
            fault_injection.visit("weights.rename")
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise MachineError(f"cannot write {path}: {error.strerror}") from error
        free = shutil.disk_usage(path.parent).free
        raise MachineError(
            f"no room to write {path}: {len(content):,} bytes needed, {free:,} free. "
            "Free some space and run the same command again: finished work is kept"
        ) from error
    _sync_folder(path.parent)
    return hashlib.sha256(content).hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str, point: str = "") -> str:
    """Write UTF-8 text atomically; returns its SHA-256."""
    return write_bytes(path, text.encode("utf-8", "surrogatepass"), point)


def write_json(path: Path, value: Any) -> str:
    """Write sorted, indented JSON atomically; NaN is refused."""
    return write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """What write_json writes."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=True)
    return text + "\n"


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON object together with its own hash, for read_record."""
    write_text(path, record_text(record))


def record_text(record: dict[str, Any]) -> str:
    """What write_record writes."""
    return json_text({**record, _OWN_HASH: _text_hash(record)})


def _text_hash(record: dict[str, Any]) -> str:
    return hashlib.sha256(json_text(record).encode()).hexdigest()


def read_record(path: Path, note: Callable[[str], None] | None = None) -> dict[str, Any] | None:
    """What write_record wrote; None where there is nothing, or something else.

    note: where there is something else, it is set aside and `note` says so; None: it stays
    """
    if not os.path.lexists(path):
        return None
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        record = read_json(path)
        if record.pop(_OWN_HASH) == _text_hash(record):
            return record
    if note is not None:
        kept = set_aside(path)
        note(f"{path} is damaged: set aside as {kept.name}, and found anew")
    return None


def write_array(path: Path, array: np.ndarray, point: str = "") -> str:
    """Write one .npy atomically."""
    return write_bytes(path, _array_bytes(array), point)


def holds_array(path: Path, array: np.ndarray) -> bool:
    """Whether the file is exactly what write_array makes of the array."""
    return path.is_file() and path.read_bytes() == _array_bytes(array)


def _array_bytes(array: np.ndarray) -> memoryview:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getbuffer()


def write_arrays(path: Path, arrays: dict[str, np.ndarray], point: str = "") -> str:
    """Write an uncompressed .npz atomically."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return write_bytes(path, buffer.getbuffer(), point)


def read_json(path: Path) -> Any:
    """The JSON value in a file of ours."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError(f"{path}: nested too deeply") from error


def read_array(path: Path, *, is_mapped: bool = False) -> np.ndarray:
    """One .npy; memory-mapped copy-on-write on request. InputError for a pickle, never run."""
    with _arrays_alone(path):
        if is_mapped:
            return np.lib.format.open_memmap(path, mode="c")
        with open(path, "rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an .npz. InputError for a pickle, never run."""
    with _arrays_alone(path), open(path, "rb") as file:
        arrays = np.lib.npyio.NpzFile(file, allow_pickle=False)
        return {name: arrays[name] for name in arrays.files}


@contextlib.contextmanager
def _arrays_alone(path: Path) -> Iterator[None]:
    """InputError with the remedy where the file is gone, or holds anything but plain arrays."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(
            f"{path} is gone: was something deleted meanwhile? Type the same command again: what "
            "is missing is made again"
        ) from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path}: expected plain arrays, but numpy says: {reason}. Nothing in it was run. "
            f"Delete it and {path.with_name(MANIFEST)}, and type the same command again: what is "
            "missing is made again"
        ) from error


@contextlib.contextmanager
def unlimited_fields() -> Iterator[None]:
    """Lift the csv module's limit of 128 KiB per field: a sequence may have a million tokens."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def commit_folder(folder: Path, manifest: dict[str, Any], hashes: dict[str, str]) -> None:
    """Write the manifest, last: the folder is finished exactly when it has one."""
    write_record(folder / MANIFEST, {**manifest, "files": hashes})


def commit_arrays(
    folder: Path, manifest: dict[str, Any], arrays: dict[str, np.ndarray], point: str = ""
) -> None:
    """Write a folder of arrays and its manifest; nothing where it holds exactly these already."""
    contents = {f"{name}.npy": _array_bytes(array) for name, array in arrays.items()}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    path, text = folder / MANIFEST, record_text({**manifest, "files": hashes})
    if path.is_file() and path.read_bytes() == text.encode() and not find_damage(folder):
        return
    for name, content in contents.items():
        write_bytes(folder / name, content, point)
    commit_folder(folder, manifest, hashes)


def read_finished(
    folder: Path, note: Callable[[str], None], *, sets_aside: bool = True
) -> dict[str, Any] | None:
    """The folder's manifest where it is finished and every file has its hash; else None.

    A damaged file is set aside as *.corrupt together with the manifest, and `note` says so.
    sets_aside: False where another process may be writing here: nothing is moved or noted
    """
    path = folder / MANIFEST
    if not os.path.lexists(path):
        return None
    broken = find_damage(folder)
    if not broken:
        return read_record(path)
    if not sets_aside:
        return None
    for name in {*broken, MANIFEST}:
        if os.path.lexists(folder / name):
            set_aside(folder / name)
    place = f"{folder.parent.name}/{folder.name}"
    note(f"{place}: {', '.join(broken)} does not match its hash; set aside, to be made again")
    return None


def find_damage(folder: Path) -> list[str]:
    """Names of a finished folder's files that are gone or have another hash; or its manifest's."""
    manifest = read_record(folder / MANIFEST)
    if manifest is None:
        return [MANIFEST]
    return [
        name
        for name, expected in manifest["files"].items()
        if not (folder / name).is_file() or file_digest(folder / name) != expected
    ]


def forget_file(folder: Path, name: str) -> None:
    """Remove a file from a finished folder, which stays finished: its manifest goes first."""
    manifest = read_record(folder / MANIFEST)
    if manifest is None or not (folder / name).is_file():
        return
    hashes = {file: hash for file, hash in manifest.pop("files").items() if file != name}
    commit_folder(folder, manifest, hashes)
    (folder / name).unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Keep a damaged file as *.corrupt, *.corrupt2, ..., where nothing reads it. Returns where."""
    kept, count = path.with_name(f"{path.name}.corrupt"), 1
    while os.path.lexists(kept):
        count += 1
        kept = path.with_name(f"{path.name}.corrupt{count}")
    os.replace(path, kept)
    return kept


def check_writable(folder: Path, remedy: str) -> None:
    """Make the folder and write in it once, before any work; MachineError with the remedy."""
    try:
        write_text(folder / ".writable", "")
        (folder / ".writable").unlink(missing_ok=True)
    except MachineError as error:
        raise MachineError(f"cannot write in {folder}: {error}. {remedy}") from None


def sweep(folder: Path, pattern: str = "**/.*.tmp") -> int:
    """Remove temporary files of processes that have ended; returns how many files."""
    left = [path for path in folder.glob(pattern) if not _is_alive(path.name.split(".")[-2])]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def _is_alive(process: str) -> bool:
    """Whether a process with this number (text) runs: another one may be writing here right now.

    A zombie, that is a killed process not yet waited for, still has its number.
    """
    try:
        os.kill(int(process), 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ValueError, ProcessLookupError):
        return False
    except OSError:  # another user's process, or no /proc here
        return True
