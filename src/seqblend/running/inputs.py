"""The folders of this process, and the competition in them: where it is and what it is called."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seqblend.core.errors import FlagError, listing
from seqblend.data.demo import BEST, write_demo
from seqblend.reading.survey import is_competition

REPOSITORY = Path(__file__).resolve().parents[3]
KAGGLE = Path("/kaggle")
_MOST_FILES = 1_000  # in a folder that may hold token vectors
ORIGINS = "origins.json"  # in a competition's working folder
_FIRST = "competitions"  # where Kaggle may mount the competition, below its input folder


@dataclass(frozen=True)
class Places:
    """The folders of this process.

    extra_submission: a further file that gets the submission, where the host wants one
    """

    inputs: tuple[Path, ...]
    working: Path
    submissions: Path
    extra_submission: Path | None = None


def find_places(
    *, repository: Path = REPOSITORY, kaggle: Path = KAGGLE, working: Path | None = None
) -> Places:
    """The folders to use: in a Kaggle kernel everything is written under its working folder."""
    inputs = repository / "input"
    if (kaggle / "input").is_dir():
        output = kaggle / "working"
        return Places(
            inputs=(inputs, kaggle / "input"),
            working=working or output / "seqblend",
            submissions=output / "submissions",
            extra_submission=output / "submission.csv",
        )
    return Places((inputs,), working or repository / "working", repository / "submissions")


def find_competitions(inputs: tuple[Path, ...]) -> list[Path]:
    """The folders at or below the inputs that hold a train and a test file."""
    found = []
    for top in inputs:
        for folder, names, files in _folders_below(top):
            if ORIGINS in files:  # an earlier kernel's work
                names.clear()
            elif is_competition(folder):
                found.append(folder)
                names.clear()
    return found


def _folders_below(top: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """os.walk in name order, without hidden folders; each folder once, whatever links lead there.

    A link to a folder around the top is not followed. The names of folders can be cleared, so that
    nothing below is visited.
    """
    seen = set(map(str, top.resolve().parents))
    for folder, names, files in os.walk(top, followlinks=True):
        place = os.path.realpath(folder)
        names[:] = sorted(name for name in names if not name.startswith("."))
        if place in seen:
            names.clear()
            continue
        seen.add(place)
        yield Path(folder), names, files


def working_folders(tops: Iterable[Path]) -> Iterator[Path]:
    """The working folders of competitions at or below these folders, each once."""
    seen = set()
    for top in tops:
        for folder, names, files in _folders_below(top):
            if ORIGINS in files:
                names.clear()
                if folder.resolve() not in seen:
                    seen.add(folder.resolve())
                    yield folder


def choose_competition(data: Path | None, inputs: tuple[Path, ...]) -> Path | None:
    """The folder given, else the only competition in the inputs, else None (the demo).

    In a kernel, competitions go before data sets that are attached beside them.
    raises: FlagError where --data is no folder, several competitions are found, or the inputs hold
        files in which no competition is recognised
    """
    if data is not None:
        if not data.is_dir():
            raise FlagError(f"--data expects a folder with train and test files, got {data}")
        return data.resolve()
    found = find_competitions(inputs)
    attached = [path for path in found for top in inputs if path.is_relative_to(top / _FIRST)]
    found = attached or found
    if len(found) > 1:
        raise FlagError(
            f"{len(found)} competitions found: {listing(map(str, found))}. Choose one with --data"
        )
    if not found and (files := _data_below(inputs)):
        folders = listing(map(str, dict.fromkeys(path.parent for path in files)), 4)
        raise FlagError(
            f"no competition recognised in {folders}, which holds "
            f"{listing((path.name for path in files), 5)}; expected train and test files. Name "
            "them so (an archive has to be unpacked), or name their folder with --data and each "
            "file with --set data.train=FILE and --set data.test=FILE"
        )
    return found[0].resolve() if found else None


def attached_folders(inputs: tuple[Path, ...]) -> list[Path]:
    """The folders in which token vectors may lie: the inputs, and in a kernel all below Kaggle's.

    Folders of competitions, of many files and of this project's copies are left out.
    """
    found = list(inputs)
    for top in inputs[1:]:
        for folder, names, files in _walk(top):
            if len(files) > _MOST_FILES or is_competition(folder):
                names.clear()
                continue
            found.append(folder)
    return list(dict.fromkeys(found))


def _data_below(inputs: tuple[Path, ...]) -> list[Path]:
    """The files below the inputs, in name order; copies of this project are left out."""
    files = []
    for top in inputs:
        for folder, _, own in _walk(top):
            files += [folder / name for name in sorted(own) if not name.startswith(".")]
    return files


def _walk(top: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """The folders below, without copies of this project, and its work."""
    for folder, names, files in _folders_below(top):
        if {"run.sh", "src"} <= {*names, *files} or ORIGINS in files:
            names.clear()
            continue
        yield folder, names, files


def demo_folder(working: Path) -> Path:
    """Where the embedded demo's files are."""
    return working / "demo" / "input"


def prepare_demo(working: Path) -> Path:
    """The folder of the embedded demo, written on first use."""
    folder = demo_folder(working)
    if not (folder / BEST).exists():  # written last
        write_demo(folder)
    return folder


def name_competition(folder: Path, places: Places) -> str:
    """A competition's name: its folder's, or its parent's where the folder is just an input."""
    generic = {"input", "data", "raw", *(place.name for place in places.inputs)}
    for candidate in (folder, *folder.parents):
        if candidate.name.lower() not in generic and candidate.name:
            is_own_root = any(candidate == place.parent for place in places.inputs)
            name = "competition" if is_own_root else candidate.name
            return re.sub(r"[^\w.-]+", "-", name) or "competition"
    return "competition"
