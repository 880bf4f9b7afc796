"""Folds on disk, named by a digest of their content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from seqblend.core.config import digest
from seqblend.core.errors import InputError
from seqblend.core.storage import holds_array, read_array, set_aside, write_array
from seqblend.data.folds import Folds


def folds_digest(fold: np.ndarray) -> str:
    """16 hex digits: the digest of folds int64 [n]."""
    return hashlib.sha256(np.ascontiguousarray(fold, dtype="<i8").tobytes()).hexdigest()[:16]


def folds_name(fold: np.ndarray, keys: np.ndarray) -> str:
    """16 hex digits: the digest of folds and their keys, int64 [n] each."""
    return digest(folds_digest(fold), folds_digest(keys))


def write_folds(
    folder: Path, folds: Folds, name: str, note: Callable[[str], None] = lambda _: None
) -> None:
    """Write folds-NAME.npy and keys-NAME.npy; the name is folds_name() of them.

    A file that holds anything else under that name is set aside as *.corrupt, and `note` says so.
    """
    for kind, array in (("folds", folds.fold), ("keys", folds.keys)):
        path = folder / f"{kind}-{name}.npy"
        if holds_array(path, array):
            continue
        if path.exists():
            set_aside(path)
            note(f"{path.name} does not match the digest in its name; set aside, and made again")
        write_array(path, array, "folds")


def read_folds(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(fold, keys): int64 [n] each. InputError where their digest is not the name."""
    fold, keys = (read_array(folder / f"{kind}-{name}.npy") for kind in ("folds", "keys"))
    if folds_name(fold, keys) != name:
        raise InputError(
            f"{folder}: expected the folds with the digest {name}, found others under that name. "
            "Type the same command again: they are made again"
        )
    return fold, keys
