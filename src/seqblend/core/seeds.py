"""Independent random generators: one per seed, purpose and place."""

from __future__ import annotations

import hashlib

import numpy as np


def seed_for(seed: int, purpose: str, *places: int) -> int:
    """A 63-bit seed from (seed, purpose, places): a new consumer never shifts an old one."""
    text = "/".join([str(seed), purpose, *map(str, places)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def rng_for(seed: int, purpose: str, *places: int) -> np.random.Generator:
    """A NumPy generator for one purpose, such as `rng_for(0, "batches", fold)`."""
    return np.random.default_rng(seed_for(seed, purpose, *places))
