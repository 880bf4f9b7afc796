"""The code version of a result: a hash of the sources it ran through."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


@functools.cache
def code_digest(modules: Iterable[str]) -> str:
    """8 hex digits over the text of the package's modules, such as ("batching", "models/layers").

    modules: a tuple; changing a report or a reader does not rename a trained unit
    """
    text = hashlib.sha256()
    for module in modules:
        text.update((PACKAGE / f"{module}.py").read_bytes())
    return text.hexdigest()[:8]
