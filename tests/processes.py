"""Start the scripts as a user or a Kaggle kernel does, in their own process or in this one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from conftest import REPOSITORY

SMALL = [
    "--folds",
    "2",
    "--workers",
    "1",
    "--models",
    "nblr,bilstm",
    "--set",
    "train.epochs=2",
    "--set",
    "options.hidden=8",
    "--set",
    "options.width=8",
    "--set",
    "train.precision=float32",
]
_KERNEL = """
import sys, pathlib
from seqblend.app.cli import run_script
import run
kaggle = pathlib.Path(sys.argv.pop(1))
sys.exit(run_script(lambda argv: run.main(argv, kaggle)))
"""


def start_script(
    home: Path, name: str, *flags: object, **environment: str
) -> subprocess.CompletedProcess:
    """One script of the repository at `home`, run to its end from another folder."""
    return subprocess.run(
        [sys.executable, str(home / "src" / name), *map(str, flags)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=600,
        check=False,
        cwd=home.parent,
    )


def start_kernel(
    kaggle: Path, *flags: object, code: Path = REPOSITORY / "src", **environment: str
) -> subprocess.Popen:
    """The whole way in a kernel whose folders lie below `kaggle`, as a process of its own."""
    (kaggle / "input").mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", _KERNEL, str(kaggle), *map(str, flags)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(code)} | environment,
    )


def run_kernel(kaggle: Path, *flags: object) -> int:
    """The same in this process, which has imported torch already; returns the exit code."""
    import run  # a script, not a package: found through .pytest.ini's pythonpath
    from seqblend.app.cli import run_script

    (kaggle / "input").mkdir(parents=True, exist_ok=True)
    return run_script(lambda argv: run.main(argv, kaggle), [str(flag) for flag in flags])


def probabilities(kaggle: Path) -> dict[str, bytes]:
    """Probabilities, weights and the submission, which must not depend on a fault, by path."""
    found = [*kaggle.glob("working/seqblend/tiny/runs/**/*.np[yz]")]
    found.append(kaggle / "working" / "submission.csv")
    return {str(path.relative_to(kaggle)): path.read_bytes() for path in found}


@contextlib.contextmanager
def obeying_permissions() -> Iterator[None]:
    """Let this thread obey the modes of files meanwhile, even where it is root's."""
    library = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this thread: from capability.h
    before, fewer = ((ctypes.c_uint32 * 6)() for _ in range(2))
    library.capget(header, before)
    fewer[:] = before
    fewer[0] &= ~0b1110  # effective: DAC_OVERRIDE, DAC_READ_SEARCH and FOWNER
    assert library.capset(header, fewer) == 0
    try:
        yield
    finally:
        assert library.capset(header, before) == 0


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in text.split()]


def is_running(process: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
