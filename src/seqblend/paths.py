"""Where input, working and submissions are, and what lies where below working/."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from seqblend.errors import FlagError, listing
from seqblend.reading.discovery import is_competition
from seqblend.reading.formats import COMPRESSED, DELIMITED_SUFFIXES, JSON_SUFFIXES
from seqblend.store import check_writable, sweep

REPOSITORY = Path(__file__).resolve().parents[2]
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


class Store:
    """The folders of one competition under working/."""

    def __init__(self, working: Path, competition: str) -> None:
        self.root = working / competition

    @property
    def data(self) -> Path:
        """The tokens, ids and labels as read."""
        return self.root / "data"

    @property
    def machine(self) -> Path:
        """Choices that were made once for this folder."""
        return self.root / "machine.json"

    @property
    def explanations(self) -> Path:
        """Which tokens predictions hang on, one file a model."""
        return self.root / "explanations"

    @property
    def report(self) -> Path:
        """index.html, report.md and the pictures."""
        return self.root / "report"

    @property
    def diagnosis(self) -> Path:
        """What the doctor found."""
        return self.root / "diagnosis.json"

    def check(self, name: str) -> Path:
        """What the doctor found in one look at the rows."""
        return self.root / "checks" / f"{name}.json"

    def run(self, name: str) -> Path:
        """One model under one configuration."""
        return self.root / "runs" / name

    def unit(self, run: str, seed: int, fold: int) -> Path:
        """One trained unit of a run."""
        return self.run(run) / f"seed{seed}-fold{fold}"

    def pilot(self, run: str) -> Path:
        """The run's pilot, which chose its epochs."""
        return self.run(run) / "pilot"

    def blend(self, name: str) -> Path:
        """One blend."""
        return self.root / "blends" / name

    def tuned(self, model: str) -> Path:
        """What the tuner found for a model."""
        return self.root / "tuned" / f"{model}.json"

    def study(self, name: str) -> Path:
        """A tuner's journal."""
        return self.root / "studies" / f"{name}.journal"

    def prepare(self) -> None:
        """Make the root before any work starts; MachineError where that cannot be done."""
        check_writable(self.root, "Name another folder with --working")
        sweep(self.root)


def find_places(
    *, repository: Path = REPOSITORY, kaggle: Path = KAGGLE, working: Path | None = None
) -> Places:
    """The folders to use: in a Kaggle kernel everything is written under its working folder."""
    own = repository / "input"
    if (kaggle / "input").is_dir():
        output = kaggle / "working"
        return Places(
            inputs=(own, kaggle / "input"),
            working=working or output / "seqblend",
            submissions=output / "submissions",
            extra_submission=output / "submission.csv",
        )
    return Places((own,), working or repository / "working", repository / "submissions")


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
