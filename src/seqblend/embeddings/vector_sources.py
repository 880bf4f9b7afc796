"""Vectors for a lexicon from files and from the rows: looked up, described, put side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.embeddings.vector_files import read_vectors

_SHOWN_MISSING = 20


@dataclass(frozen=True)
class VectorSource:
    """Vectors of one file, or self-made ones, for tokens of a lexicon.

    tokens: int32 [v], lexicon ids, ascending; vectors: float32 [v, d]
    lines: how many vectors the file holds
    """

    name: str
    tokens: np.ndarray
    vectors: np.ndarray
    lines: int


def match_file(path: Path, lexicon: list[str], tokens: np.ndarray) -> VectorSource:
    """The file's vectors for these tokens of the lexicon: int [k], ascending.

    A token that the file lacks gets the vector of its lower case.
    raises: InputError as read_vectors does
    """
    spelt = [(lexicon[token], lexicon[token].lower()) for token in tokens]
    read = read_vectors(path, {word for pair in spelt for word in pair})
    rows = np.array([read.index.get(word, read.index.get(lower, -1)) for word, lower in spelt])
    is_known = rows >= 0
    kept = tokens[is_known].astype(np.int32)
    return VectorSource(path.name, kept, read.values[rows[is_known]], read.lines)


def describe_coverage(
    source: VectorSource, lexicon: list[str], counts: np.ndarray
) -> dict[str, Any]:
    """What the source covers of the training rows, as JSON.

    counts: int64 [lexicon], how often the training rows hold each token
    """
    is_covered = np.zeros(len(lexicon), dtype=bool)
    is_covered[source.tokens] = True
    lacking = np.where(is_covered, 0, counts)
    frequent = np.argsort(-lacking, kind="stable")[:_SHOWN_MISSING]
    return {
        "name": source.name,
        "width": source.vectors.shape[1],
        "lines": source.lines,
        "types": int(np.count_nonzero(counts)),
        "tokens": int(counts.sum()),
        "types_covered": int(np.count_nonzero(counts[is_covered])),
        "tokens_covered": int(counts[is_covered].sum()),
        "missing": [[lexicon[i], int(lacking[i])] for i in frequent if lacking[i]],
    }


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
