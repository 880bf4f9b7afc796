"""The folders of this process, and the competition in them: where it is and what it is called."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from seqblend.core.errors import FlagError, listing
from seqblend.data.demo import BEST, write_demo
from seqblend.reading.discovery import is_competition
from seqblend.reading.formats import COMPRESSED, DELIMITED_SUFFIXES, JSON_SUFFIXES

REPOSITORY = Path(__file__).resolve().parents[3]
KAGGLE = Path("/kaggle")


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
        if not top.is_dir():
            continue
        for folder, names, _ in os.walk(top, followlinks=True):
            names[:] = sorted(name for name in names if not name.startswith("."))
            if is_competition(Path(folder)):
                found.append(Path(folder))
                names.clear()
    return found


def choose_competition(data: Path | None, inputs: tuple[Path, ...]) -> Path | None:
    """The folder given, else the only competition in the inputs, else None (the demo).

    raises: FlagError where --data is no folder, several competitions are found, or the first of
        the inputs holds tables in which no competition is recognised
    """
    if data is not None:
        if not data.is_dir():
            raise FlagError(f"--data expects a folder with train and test files, got {data}")
        return data.resolve()
    found = find_competitions(inputs)
    if len(found) > 1:
        raise FlagError(
            f"{len(found)} competitions found: {listing(map(str, found))}. Choose one with --data"
        )
    if not found and (files := _tables_in(inputs[0])):
        raise FlagError(
            f"no competition recognised in {inputs[0]}, which holds {listing(files, 5)}; expected "
            "train and test files. Name them so (an archive has to be unpacked), or name their "
            "folder with --data"
        )
    return found[0].resolve() if found else None


def _tables_in(folder: Path) -> list[str]:
    """Names of files below a folder that may be tables or archives of them."""
    known = {*DELIMITED_SUFFIXES, *JSON_SUFFIXES, *COMPRESSED}
    files = sorted(folder.rglob("*")) if folder.is_dir() else []
    return [path.name for path in files if path.is_file() and path.suffix.lower() in known]


def prepare_demo(working: Path) -> Path:
    """The folder of the embedded demo, written on first use."""
    folder = working / "demo" / "input"
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
