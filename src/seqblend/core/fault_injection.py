"""Faults for tests: FAULT=<point>:<action>[:<n>] fails at the n-th visit of a named point.

Points: data.read, cache.write, folds.write, epoch.end, weights.write, weights.rename, oof.write,
trial.report, blend.write, submission.write.
"""

from __future__ import annotations

import errno
import os
import signal

_visits: dict[str, int] = {}


def visit(point: str) -> None:
    """Do what FAULT asks for at this point; nothing without it.

    actions: kill9, term, raise, enospc
    """
    wanted = os.environ.get("FAULT")
    if not wanted:
        return
    name, action, count = [*wanted.split(":"), "1"][:3]
    if name != point:
        return
    _visits[point] = _visits.get(point, 0) + 1
    if _visits[point] != int(count):
        return
    if action == "kill9":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "term":
        os.kill(os.getppid() if point == "epoch.end" else os.getpid(), signal.SIGTERM)
    elif action == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    else:
        raise RuntimeError(f"fault injected at {point}")
