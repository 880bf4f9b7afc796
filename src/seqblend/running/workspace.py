"""Where input, working and submissions are, and what lies where below working/."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqblend.core.errors import FlagError, MachineError, listing
from seqblend.core.locking import lock_folder, release_lock
from seqblend.core.storage import check_writable, read_json, set_aside, sweep, write_json
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


@dataclass(frozen=True)
class Origin:
    """Where a competition comes from: the folder of its files, and their contents' digest."""

    folder: str
    contents: str


class Workspace:
    """The folders of one competition under working/.

    refusal: why this process may only read here, after prepare(); None where it may write
    """

    def __init__(self, working: Path, competition: str) -> None:
        self.root = working / competition
        self.refusal: MachineError | None = None

    @property
    def origins(self) -> Path:
        """Where the competition's files have come from so far."""
        return self.root / "origins.json"

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

    def prepare(self, note: Callable[[str], None] = lambda _: None) -> None:
        """Make the root and lock it; MachineError where it cannot be made, `refusal` where held."""
        check_writable(self.root, "Name another folder with --working")
        try:
            lock_folder(self.root, note)
        except MachineError as error:
            self.refusal = error
            return
        sweep(self.root)


def open_workspace(
    working: Path, name: str, origin: Origin, note: Callable[[str], None], *, is_look: bool = False
) -> Workspace:
    """The competition's folder under working/, locked for this process.

    A folder belongs to a competition whose files had these contents before, or else lay in this
    place before. So a competition that was moved finds its finished runs, and so does one whose
    files were edited, unpacked or converted: runs are named by the rows they read. Any other
    competition of the name gets a folder NAME-DIGEST of its own. Settings of reading
    (data.rows, data.kind, ...) are none of this: the same folder is read again.

    is_look: go on without the lock where another process holds it; workspace.refusal says so
    raises: MachineError that names the process which holds the lock
    """
    while True:
        workspace = _choose_workspace(working, name, origin)
        workspace.prepare(note)
        if _choose_workspace(working, name, origin).root == workspace.root:
            break
        release_lock(workspace.root)  # another competition took the folder before it was locked
    if workspace.refusal is None:
        _record_origin(workspace, origin, note)
    elif not is_look:
        raise workspace.refusal
    if workspace.root.name != name:
        note(f"{working / name} holds another competition; this one's folder is {workspace.root}")
    return workspace


def _choose_workspace(working: Path, name: str, origin: Origin) -> Workspace:
    """The folder that the competition has, or is to have."""
    others = sorted(working.glob(f"{name}-*"))
    named = [path.name for path in others if re.fullmatch(rf"{name}-[0-9a-f]{{8}}", path.name)]
    workspaces = [Workspace(working, each) for each in (name, *named)]
    for key, value in (("contents", origin.contents), ("folders", origin.folder)):
        for workspace in workspaces:
            if value in _read_origins(workspace)[key]:
                return workspace
    is_free = not _read_origins(workspaces[0])["contents"]
    return workspaces[0] if is_free else Workspace(working, f"{name}-{origin.contents[:8]}")


def _read_origins(workspace: Workspace) -> dict[str, list[str]]:
    """`folders` and `contents` that the competition's files have had; empty where none is known."""
    try:
        known = read_json(workspace.origins)
        return {key: [str(value) for value in known[key]] for key in ("folders", "contents")}
    except (OSError, ValueError, KeyError, TypeError):
        return {"folders": [], "contents": []}


def _record_origin(workspace: Workspace, origin: Origin, note: Callable[[str], None]) -> None:
    """Add this origin to those known; `note` is told where the files have changed."""
    known = _read_origins(workspace)
    if not known["contents"] and workspace.origins.exists():
        set_aside(workspace.origins)
        note(f"{workspace.origins} cannot be read: set aside, and begun anew")
    if origin.contents in known["contents"] and origin.folder in known["folders"]:
        return
    if origin.contents not in known["contents"] and known["contents"]:
        note(
            f"{origin.folder}: other training or test files than before. Runs of the earlier rows "
            "stay in the working folder, and count again when those files return"
        )
    contents = list(dict.fromkeys([*known["contents"], origin.contents]))
    folders = list(dict.fromkeys([*known["folders"], origin.folder]))
    write_json(workspace.origins, {"contents": contents, "folders": folders})


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
