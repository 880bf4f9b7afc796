"""What a competition's working folder has finished: copied into another one, or kept in a file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from seqblend.core.errors import InputError, MachineError
from seqblend.core.storage import MANIFEST, check_writable, find_damage, read_json
from seqblend.running.inputs import ORIGINS, working_folders

_HASHES = "hashes.json"  # in an archive: {path: SHA-256}
_REPORT = "report"  # is made again, and refers to nothing that lasts
_WEIGHTS = "weights.npz"
Note = Callable[[str], None]


def adopt_earlier_work(inputs: tuple[Path, ...], root: Path, contents: str, note: Note) -> None:
    """Continue what an earlier kernel left, where its output is attached: copy what is missing.

    inputs: searched for working folders; root: this competition's working folder
    contents: the digest of its training and test files, as Origin has it
    """
    for folder in working_folders(inputs):
        try:
            known = read_json(folder / ORIGINS)["contents"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if contents in known and (count := merge_work(folder, root, note)):
            note(f"continued: {count} finished folders of {folder}")


def merge_work(source: Path, target: Path, note: Note) -> int:
    """Copy what a working folder has and another lacks; returns how many finished folders.

    A finished folder is copied whole, its manifest last: what is interrupted is not finished. What
    is damaged stays behind, and `note` says so. Runs are named by what decides their result, so two
    machines' fits of one competition add up.
    """
    count = 0
    for folder, names in reversed(list(_folders_below(source))):  # what a manifest lists first
        here = target / folder.relative_to(source)
        is_finished = MANIFEST in names and not (here / MANIFEST).exists()
        if is_finished and (damaged := find_damage(folder)):
            note(f"{folder}: {', '.join(damaged)} damaged, not copied")
            continue
        listed = set(read_json(folder / MANIFEST)["files"]) if MANIFEST in names else set()
        for name in sorted(names, key=lambda name: name == MANIFEST):
            is_wanted = is_finished if name in listed else not (here / name).exists()
            if is_wanted:
                _copy(folder / name, here / name)
        count += is_finished
    return count


def save_work(root: Path, path: Path, *, has_weights: bool) -> int:
    """Write a competition's working folder into one zip file; returns how many files.

    Without weights its fits still blend, but explain and predict nothing.
    """
    temporary, hashes = path.with_name(f".{path.name}.{os.getpid()}.tmp"), {}
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for folder, names in _folders_below(root):
                for name in names:
                    if name == _WEIGHTS and not has_weights:
                        continue
                    content = (folder / name).read_bytes()
                    if name == MANIFEST and not has_weights:
                        content = _without_weights(content)
                    place = str((folder / name).relative_to(root))
                    hashes[place] = hashlib.sha256(content).hexdigest()
                    archive.writestr(place, content)
            archive.writestr(_HASHES, json.dumps({"name": root.name, "files": hashes}, indent=1))
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise MachineError(f"cannot write {path}: {error.strerror}") from error
    return len(hashes)


def load_work(path: Path, working: Path, note: Note) -> tuple[Path, int]:
    """Add what save_work wrote to the working folder; returns the competition's, and a count.

    raises: InputError where the file is no such archive, or a file in it has another hash
    """
    check_writable(working, "Name another folder with --working")
    try:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read(_HASHES))
            name, hashes = str(facts["name"]), dict(facts["files"])
            with tempfile.TemporaryDirectory(dir=working, prefix=".load-") as folder:
                for place, expected in hashes.items():
                    _extract(archive, place, expected, Path(folder))
                root = working / Path(name).name
                return root, merge_work(Path(folder), root, note)
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, NotImplementedError) as e:
        raise InputError(f"{path}: expected an archive that pack.py save wrote, but {e}") from None


def _folders_below(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each folder below a working folder with its files' names; hidden ones and the report not."""
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        if Path(folder) == root and _REPORT in inner:
            inner.remove(_REPORT)
        yield Path(folder), sorted(name for name in names if not name.startswith("."))


def _copy(source: Path, target: Path) -> None:
    """Copy a file in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.copyfile(source, temporary)  # not its mode: the source may be read-only
    os.replace(temporary, target)


def _without_weights(manifest: bytes) -> bytes:
    """A manifest that does not list weights."""
    facts = json.loads(manifest)
    facts["files"].pop(_WEIGHTS, None)
    return (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode()


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
