"""The code version of a result: a hash of the sources it ran through, and the git commit."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


@functools.cache
def code_digest(modules: Iterable[str]) -> str:
    """8 hex digits over the text of the package's modules, such as ("data/folds", "reading/").

    modules: a tuple; a folder, with its slash, stands for the files in it. Changing a report or a
        reader does not rename a trained unit.
    """
    text = hashlib.sha256()
    for module in modules:
        is_folder = module.endswith("/")
        files = sorted((PACKAGE / module).glob("*.py")) if is_folder else [PACKAGE / f"{module}.py"]
        for file in files:
            text.update(file.read_bytes())
    return text.hexdigest()[:8]


@functools.cache
def git_commit(repository: Path = PACKAGE.parents[1]) -> str:
    """The commit checked out where the code lies; empty where that is no checkout.

    Read from git's own files (gitrepository-layout(5)): neither git nor its opinion of the
    folder's owner is needed, and nothing is started or written.
    """
    try:
        folder = repository / ".git"
        if folder.is_file():  # a worktree
            folder = repository / folder.read_text("utf-8").partition("gitdir:")[2].strip()
        common = folder / "commondir"
        shared = folder / common.read_text("utf-8").strip() if common.is_file() else folder
        head = (folder / "HEAD").read_text("utf-8").strip()
        if head.startswith("ref:"):
            head = _resolve(shared, head.removeprefix("ref:").strip())
    except (OSError, ValueError):  # ValueError: no UTF-8, or no path
        return ""
    return head if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", head) else ""


def _resolve(folder: Path, name: str) -> str:
    """What a reference such as refs/heads/main points to; empty where there is none yet."""
    if (folder / name).is_file():
        return (folder / name).read_text("utf-8").strip()
    packed = folder / "packed-refs"
    lines = packed.read_text("utf-8").splitlines() if packed.is_file() else []
    return next((line.split()[0] for line in lines if line.split()[1:] == [name]), "")
