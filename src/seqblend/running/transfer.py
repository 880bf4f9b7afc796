"""What a competition's working folder has finished: copied into another one, or kept in a file."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from seqblend.core.errors import InputError, MachineError
from seqblend.core.locking import lock_folder
from seqblend.core.storage import (
    MANIFEST,
    check_writable,
    find_damage,
    read_record,
    record_text,
    write_bytes,
    write_record,
)
from seqblend.running.inputs import ORIGINS, working_folders
from seqblend.running.units import WEIGHTS
from seqblend.running.workspace import DECISIONS

_HASHES = "hashes.json"  # in an archive: {path: SHA-256}
_REPORT = "report"  # is made again, and refers to nothing that lasts
_UNPACKED = ".load-"  # begins the name of a folder for what an archive holds
Note = Callable[[str], None]


def adopt_earlier_work(inputs: tuple[Path, ...], root: Path, contents: str, note: Note) -> None:
    """Continue what an earlier kernel left, where its output is attached: copy what is missing.

    inputs: searched for working folders; root: this competition's working folder
    contents: the digest of its training and test files, as Origin has it
    """
    is_new = not (root / DECISIONS).exists()
    for folder in working_folders(inputs):
        if contents not in _contents_of(folder):
            continue
        if count := merge_work(folder, root, note):
            note(f"continued: {count} finished folders of {folder}")
        if is_new and (root / DECISIONS).exists():  # this kernel has time of its own
            decisions = read_record(root / DECISIONS)
            if decisions is not None:  # else it is set aside when it is read
                write_record(root / DECISIONS, decisions | {"closed": 0.0})


def merge_work(source: Path, target: Path, note: Note) -> int:
    """Copy what a working folder has and another lacks; returns how many finished folders.

    A finished folder is copied whole, its manifest last: what is interrupted is not finished. What
    is damaged or unfinished stays behind, and `note` says so of damage. Runs are named by what
    decides their result, so two machines' fits of one competition add up.
    raises: MachineError where a file cannot be written
    """
    listed, damaged, count = set(), set(), 0
    folders = list(_folders_below(source))
    for folder, names in reversed(folders):  # what is deeper first
        if MANIFEST not in names:
            continue
        here = target / folder.relative_to(source)
        files = _files_of(folder)
        listed.update(folder / name for name in (*files, MANIFEST))
        if (here / MANIFEST).exists():
            continue
        if broken := find_damage(folder):
            note(f"{folder}: {', '.join(broken)} damaged, not copied")
            damaged.add(folder)
            continue
        for name in (*files, MANIFEST):
            write_bytes(here / name, (folder / name).read_bytes())
        count += 1
    for folder, names in folders:  # settings, folds and the like, which no manifest lists
        place = folder.relative_to(source)
        is_unit = len(place.parts) == 3 and place.parts[0] == "runs"
        if folder in damaged or (is_unit and MANIFEST not in names):
            continue
        for name in names:
            if folder / name not in listed and not (target / place / name).exists():
                write_bytes(target / place / name, (folder / name).read_bytes())
    return count


def _files_of(folder: Path) -> list[str]:
    """The files that a folder's manifest lists; none where it cannot be read."""
    manifest = read_record(folder / MANIFEST)
    return list(manifest["files"]) if manifest else []


def save_work(root: Path, path: Path, note: Note, *, has_weights: bool) -> int:
    """Write a competition's working folder into one zip file; returns how many files.

    Without weights its fits still blend, but explain and predict nothing.
    raises: MachineError where another process works in the folder, or the file cannot be written
    """
    lock_folder(root, note)
    temporary, hashes = path.with_name(f".{path.name}.{os.getpid()}.tmp"), {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for folder, names in _folders_below(root):
                for name in names:
                    if name == WEIGHTS and not has_weights:
                        continue
                    content = (folder / name).read_bytes()
                    manifest = read_record(folder / MANIFEST) if name == MANIFEST else None
                    if manifest and not has_weights:
                        manifest["files"].pop(WEIGHTS, None)
                        content = record_text(manifest).encode()
                    place = str((folder / name).relative_to(root))
                    hashes[place] = hashlib.sha256(content).hexdigest()
                    archive.writestr(place, content)
            archive.writestr(_HASHES, json.dumps({"name": root.name, "files": hashes}, indent=1))
        os.replace(temporary, path)
    except OSError as error:
        raise MachineError(f"cannot write {path}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return len(hashes)


def load_work(path: Path, working: Path, note: Note) -> tuple[Path, int]:
    """Add what save_work wrote to the working folder; returns the competition's, and a count.

    raises: InputError where the file is no such archive, a file in it has another hash, or the
        working folder has another competition of the name
    """
    check_writable(working, "Name another folder with --working")
    for left in working.glob(f"{_UNPACKED}*"):  # of a process that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=working, prefix=_UNPACKED) as unpacked:
        folder = Path(unpacked)
        try:
            root = working / _unpack(path, folder)
        except (
            *(OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, zlib.error),
            *(zipfile.BadZipFile, NotImplementedError),
        ) as error:
            what = f"expected an archive that pack.py save wrote, but {error}"
            raise InputError(f"{path}: {what}") from None
        if root.exists() and _contents_of(root).isdisjoint(_contents_of(folder)):
            raise InputError(f"{root} holds another competition: name another folder, --working")
        root.mkdir(exist_ok=True)
        lock_folder(root, note)
        return root, merge_work(folder, root, note)


def _contents_of(folder: Path) -> set[str]:
    """The digests of the training and test files that a working folder has seen."""
    origins = read_record(folder / ORIGINS)
    return set(origins["contents"]) if origins else set()


def _unpack(path: Path, folder: Path) -> str:
    """Unpack an archive into the folder; returns the competition's name."""
    with zipfile.ZipFile(path) as archive:
        facts = json.loads(archive.read(_HASHES))
        name = str(facts["name"])
        if not re.fullmatch(r"[\w-][\w.-]*", name):
            raise ValueError(f"'{name}' is no name of a competition")
        for place, expected in dict(facts["files"]).items():
            _extract(archive, place, expected, folder)
    return name


def _folders_below(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each folder below a working folder with its files' names; hidden ones and the report not."""
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        if Path(folder) == root and _REPORT in inner:
            inner.remove(_REPORT)
        yield Path(folder), sorted(name for name in names if not name.startswith("."))


def _extract(archive: zipfile.ZipFile, place: str, expected: str, folder: Path) -> None:
    """One file of the archive, where it lies below the folder and has its hash."""
    target = folder / place
    if not target.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"'{place}' lies outside")
    content = archive.read(place)
    if hashlib.sha256(content).hexdigest() != expected:
        raise ValueError(f"'{place}' has another hash")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
