"""Vectors of several sources side by side or averaged, on one scale."""

from __future__ import annotations

import numpy as np

from seqblend.core.errors import FlagError, listing
from seqblend.core.seeds import rng_for
from seqblend.embeddings.matching import Source


def join_sources(
    sources: list[Source], lexicon_size: int, join: str
) -> tuple[np.ndarray, np.ndarray]:
    """(index int32 [lexicon], vectors float32 [v, d]) of every token that one source covers.

    concat: where another source lacks the token, its part is drawn like its other vectors;
    average: the mean of the sources that have it
    raises: FlagError where vectors to be averaged differ in width
    """
    widths = [source.vectors.shape[1] for source in sources]
    if join == "average" and len(set(widths)) > 1:
        named = listing(f"{s.name} {w}" for s, w in zip(sources, widths, strict=True))
        raise FlagError(f"embedding.join=average expects equal widths, got {named}. Take concat")
    tokens = np.unique(np.concatenate([source.tokens for source in sources]))
    index = np.full(lexicon_size, -1, dtype=np.int32)
    index[tokens] = np.arange(len(tokens), dtype=np.int32)
    parts, has = [], np.zeros((len(sources), len(tokens)), dtype=bool)
    for number, source in enumerate(sources):
        rng = rng_for(0, "embedding part", number)
        part = rng.standard_normal((len(tokens), widths[number]), dtype=np.float32)
        rows = index[source.tokens]
        part[rows], has[number, rows] = standardise(source.vectors), True
        parts.append(part)
    if join == "concat":
        return index, np.concatenate(parts, axis=1)
    shares = has / has.sum(axis=0)
    summed = sum(s[:, None] * part for s, part in zip(shares, parts, strict=True))
    return index, summed.astype(np.float32)


def standardise(vectors: np.ndarray) -> np.ndarray:
    """float32 [v, d] less their mean, all numbers over their common standard deviation."""
    if not vectors.size:
        return vectors
    centred = vectors - vectors.mean(axis=0)
    return centred / np.float32(max(float(centred.std()), 1e-12))
