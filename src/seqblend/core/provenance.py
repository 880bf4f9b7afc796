"""The code version of a result: a hash of the sources it ran through, and the git commit."""

from __future__ import annotations

import functools
import hashlib
import subprocess
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
    """The commit checked out where the code lies; empty where that is no checkout, or without git.

    Whoever owns the folder: a container often runs as another user than the one that cloned.
    """
    command = ["git", "-c", "safe.directory=*", "--git-dir", str(repository / ".git")]
    try:
        done = subprocess.run([*command, "rev-parse", "HEAD"], capture_output=True, text=True)
    except (OSError, ValueError):  # no git, or nothing that could be a path
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
