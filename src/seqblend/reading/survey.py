"""Lists what a folder holds that may be data: tables, archives of tables, folders of texts."""

from __future__ import annotations

from pathlib import Path

from seqblend.reading.file_roles import is_table, role_of
from seqblend.reading.formats import COMPRESSED, data_members
from seqblend.reading.text_folders import text_files

_DEEPEST = 2  # levels of folders below the competition's in which files are looked for


def is_competition(folder: Path) -> bool:
    """Whether a folder holds a train and a test file, judged by names.

    They lie in the folder, in its only archive, or, beside a sample submission, in folders below.
    """
    if not folder.is_dir():
        return False
    here = data_files(folder)
    roles = {role_of(path) for path in here}
    if {"train", "test"} <= roles:
        return True
    return "sample" in roles and {"train", "test"} <= {role_of(path) for path in survey(folder)}


def survey(folder: Path) -> list[Path]:
    """What may be tables, in name order: files, members of archives, and folders of texts.

    Folders below are looked into where the folder itself has no train or no test file.
    """
    found = data_files(folder)
    level = [folder]
    for _ in range(_DEEPEST):
        if {"train", "test"} <= {role_of(path) for path in found}:
            break
        level = [
            below
            for above in level
            for below in sorted(above.iterdir())
            if below.is_dir()
            and not below.name.startswith((".", "__MACOSX"))
            and below not in found
        ]
        found += [path for below in level for path in data_files(below)]
    return found


def data_files(folder: Path) -> list[Path]:
    """A folder's tables, archives' tables, and folders of texts."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if role_of(path) in ("train", "test") and text_files(path):
                found.append(path)
        elif path.suffix.lower() == ".zip":
            members = [path / name for name in data_members(path)]
            tables = [member for member in members if is_table(member)]
            found += tables if len(tables) > 1 else [path]
        elif is_table(path) or path.suffix.lower() in COMPRESSED:
            found.append(path)
    return found
