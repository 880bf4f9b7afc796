"""Signals while a script imports its packages, before cli.run_script: one line, not a traceback.

Every script imports it first. It acts at import, but only in a process that runs a script.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

_SCRIPTS = Path(__file__).resolve().parents[2]


def _stop(number: int, _frame: FrameType | None) -> None:
    """End the process at once: nothing has begun yet, or all is done."""
    os.write(2, f"error: stopped by {signal.Signals(number).name}\n".encode())
    os._exit(128 + number)


def runs_script() -> bool:
    """Whether this process runs one of the scripts, and is not one that such a process started."""
    path = getattr(sys.modules["__main__"], "__file__", None) or ""
    return Path(path).resolve().parent == _SCRIPTS


if runs_script():
    for _number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(_number, _stop)
