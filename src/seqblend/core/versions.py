"""Versions of the required packages, and whether they are supported.

python -m seqblend.core.versions [PACKAGE ...]   # exit code 5 where something is missing
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
from collections.abc import Sequence

OLDEST = {
    "torch": (2, 6),
    "numpy": (1, 26),
    "pandas": (2, 1),
    "scikit-learn": (1, 2),
    "scipy": (1, 11),
    "optuna": (4, 0),
    "rich": (13, 0),
    "matplotlib": (3, 7),
    "jinja2": (3, 0),
}


def package_versions(more: Sequence[str] = ()) -> dict[str, str]:
    """Versions of Python and of the packages a result depends on; `missing` where there is none."""
    found = {"python": platform.python_version()}
    for name in (*OLDEST, *more):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


def unsupported(versions: dict[str, str]) -> list[str]:
    """What is missing or too old, one phrase each."""
    problems = []
    if sys.version_info < (3, 11):  # noqa: UP036  run.sh asks any interpreter
        problems.append(f"Python 3.11 or later (here {versions['python']})")
    for name, oldest in OLDEST.items():
        numbers = tuple(map(int, re.findall(r"\d+", versions[name])[:2]))
        if numbers < oldest:
            wanted = ".".join(map(str, oldest))
            problems.append(f"{name} {wanted} or later (here {versions[name]})")
    others = [name for name in versions if name not in OLDEST and versions[name] == "missing"]
    problems += [f"{name} (here missing)" for name in others]
    return problems


def main(more: Sequence[str] = ()) -> int:
    """0 where everything, and `more`, is there, else 5 after naming what is not."""
    problems = unsupported(package_versions(more))
    if problems:
        sys.stderr.write(f"error: {sys.executable} needs {'; '.join(problems)}\n")
    return 5 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
