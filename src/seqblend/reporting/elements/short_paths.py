"""Paths without the folders of one machine: a report is passed on."""

from __future__ import annotations

import os
import re

_ABSOLUTE = re.compile(r"(?<![\w.~/<])/[^\s/'\"<>]+(?:/[^\s/'\"<>]+)*")


def shorten_paths(text: str) -> str:
    """The text with the last folder and the file's name in place of each absolute path.

    >>> shorten_paths("see /home/me/submissions/toy.csv")
    'see submissions/toy.csv'
    """
    return _ABSOLUTE.sub(lambda path: "/".join(path[0].split("/")[-2:]).lstrip("/"), text)


def relative_paths(command: str) -> str:
    """The command with paths from the current folder, from which it can be run as it is."""
    return _ABSOLUTE.sub(lambda path: os.path.relpath(path[0]), command)
