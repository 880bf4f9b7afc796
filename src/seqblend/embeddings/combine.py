"""Vectors of several sources side by side, on one scale."""

from __future__ import annotations

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.embeddings.matching import VectorSource


def join_sources(sources: list[VectorSource], lexicon_size: int) -> tuple[np.ndarray, np.ndarray]:
    """(index int32 [lexicon], vectors float32 [v, d]) of every token that some source covers.

    Where a source lacks the token, its part is drawn from a standard normal distribution.
    """
    tokens = np.unique(np.concatenate([source.tokens for source in sources]))
    index = np.full(lexicon_size, -1, dtype=np.int32)
    index[tokens] = np.arange(len(tokens), dtype=np.int32)
    parts = []
    for number, source in enumerate(sources):
        rng = rng_for(0, "embedding part", number)
        part = rng.standard_normal((len(tokens), source.vectors.shape[1]), dtype=np.float32)
        part[index[source.tokens]] = standardise(source.vectors)
        parts.append(part)
    return index, np.concatenate(parts, axis=1)


def standardise(vectors: np.ndarray) -> np.ndarray:
    """float32 [v, d] centred by column, divided by one common standard deviation."""
    if not vectors.size:
        return vectors
    centred = vectors - vectors.mean(axis=0)
    return centred / np.float32(max(float(centred.std()), 1e-12))
