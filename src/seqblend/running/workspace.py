"""The layout of a competition's folder under working/, and the choice of that folder."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqblend.core.errors import MachineError
from seqblend.core.locking import lock_folder, release_lock
from seqblend.core.storage import check_writable, read_record, sweep, write_record
from seqblend.running.inputs import ORIGINS

DECISIONS = "portfolio.json"  # in a competition's working folder


@dataclass(frozen=True)
class Origin:
    """Where a competition comes from: the folder of its files, and their contents' digest."""

    folder: str
    contents: str


class Workspace:
    """The folders and files of one competition under working/.

    refusal: why this process may only read here, after prepare(); None where it may write
    """

    def __init__(self, working: Path, competition: str) -> None:
        self.root = root = working / competition
        self.refusal: MachineError | None = None
        self.origins = root / ORIGINS  # where the competition's files have come from so far
        self.data = root / "data"  # the tokens, ids and labels as read
        self.tuned_models = root / "tuned"  # what the tuner found, one file for each model
        self.runs = root / "runs"  # a folder for each run, in it one for each unit
        self.blends = root / "blends"
        self.submitted = root / "submitted.json"  # the blend that was submitted last
        self.decisions = root / DECISIONS  # which members were chosen, in what order
        self.machine = root / "machine.json"  # choices that were made once for this folder
        self.explanations = root / "explanations"  # token importances, one file for each model
        self.report = root / "report"  # index.html and the pictures
        self.diagnosis = root / "diagnosis.json"

    def check(self, name: str) -> Path:
        """What one of the doctor's checks of the rows found."""
        return self.root / "checks" / f"{name}.json"

    def run(self, name: str) -> Path:
        """One model under one configuration."""
        return self.runs / name

    def tuned(self, model: str) -> Path:
        """What the tuner found for a model."""
        return self.tuned_models / f"{model}.json"

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
    working: Path,
    name: str,
    origin: Origin,
    note: Callable[[str], None],
    *,
    is_read_only: bool = False,
) -> Workspace:
    """The competition's folder under working/, locked for this process.

    A folder belongs to a competition whose files had these contents before, or else lay in this
    place before. So a competition that was moved finds its finished runs, and so does one whose
    files were edited, unpacked or converted: runs are named by the rows they read. Any other
    competition of the name gets a folder NAME-DIGEST of its own. Settings of reading
    (data.rows, data.kind, ...) are none of this: the same folder is read again.

    is_read_only: go on without the lock where another process holds it; workspace.refusal says so
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
    elif not is_read_only:
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


def _read_origins(
    workspace: Workspace, note: Callable[[str], None] | None = None
) -> dict[str, list[str]]:
    """`folders` and `contents` that the competition's files have had; empty where none is known."""
    return read_record(workspace.origins, note) or {"folders": [], "contents": []}


def _record_origin(workspace: Workspace, origin: Origin, note: Callable[[str], None]) -> None:
    """Add this origin to those known; `note` is told where the files have changed."""
    known = _read_origins(workspace, note)
    if origin.contents in known["contents"] and origin.folder in known["folders"]:
        return
    if origin.contents not in known["contents"] and known["contents"]:
        note(
            f"{origin.folder}: other training or test files than before. Runs of the earlier rows "
            "stay in the working folder, and count again when those files return"
        )
    contents = list(dict.fromkeys([*known["contents"], origin.contents]))
    folders = list(dict.fromkeys([*known["folders"], origin.folder]))
    write_record(workspace.origins, {"contents": contents, "folders": folders})
