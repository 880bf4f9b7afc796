"""Initial token embeddings: a competition's table of vectors as a fold uses it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqblend.core.errors import InputError
from seqblend.core.storage import find_damage, read_array
from seqblend.data.sequences import PAD, UNK


@dataclass(frozen=True)
class EmbeddingUse:
    """Which table a run begins with and how: part of the run's name."""

    digest: str
    width: int
    mode: str
    scale: float
    is_self_made: bool = False

    @property
    def scope(self) -> str:
        """What a fold gets through the vectors beyond its training rows."""
        rows = "; vectors made from all rows, test and unlabelled ones included, without labels"
        return "every token of the competition that has a vector" + rows * self.is_self_made


@dataclass(frozen=True)
class Embedding:
    """Vectors of a lexicon, each source's numbers with mean 0 and standard deviation 1.

    index: int32 [lexicon], the token's row in vectors, -1 where it has none
    vectors: float32 [v, d]
    """

    use: EmbeddingUse
    index: np.ndarray
    vectors: np.ndarray

    def extend(self, remap: np.ndarray, size: int) -> tuple[np.ndarray, int]:
        """The vocabulary with every other token that has a vector behind it, and its size.

        A token that only rows outside of training hold is no longer unknown: its vector was there
        before any label was read.
        """
        more = np.flatnonzero((remap == UNK) & (self.index >= 0))
        remap = remap.copy()
        remap[more] = np.arange(size, size + len(more), dtype=np.int32)
        return remap, size + len(more)

    def rows_of(self, remap: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        """float32 [size, d]: a vocabulary's table; tokens without a vector are drawn alike."""
        table = rng.standard_normal((size, self.vectors.shape[1]), dtype=np.float32)
        known = np.flatnonzero((remap > UNK) & (self.index >= 0))
        table[remap[known]] = self.vectors[self.index[known]]
        table *= np.float32(self.use.scale)
        table[PAD] = 0
        return table


def folder_of(data: Path, name: str) -> Path:
    """Where the table of that digest lies in a competition's data folder."""
    return data / "embeddings" / name


def load_embedding(data: Path, use: EmbeddingUse) -> Embedding:
    """The table on disk, memory-mapped."""
    folder = folder_of(data, use.digest)
    vectors = read_array(folder / "vectors.npy", is_mapped=True)
    _check_table(folder)
    return Embedding(use, read_array(folder / "index.npy"), vectors)


@functools.cache
def _check_table(folder: Path) -> None:
    """InputError where a file has another hash than the manifest says; checked once per process."""
    if damaged := find_damage(folder):
        raise InputError(
            f"{folder}: {', '.join(damaged)} damaged since this run began. Type the same command "
            "again: the table is made again"
        )
