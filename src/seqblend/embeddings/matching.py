"""Vectors for a lexicon: each token under the first of its spellings that has one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqblend.embeddings.spellings import RULES, Spelling, spellings
from seqblend.embeddings.vector_files import read_vectors

_SHOWN_MISSING = 20


@dataclass(frozen=True)
class VectorSource:
    """Vectors of one file, or self-made ones, for tokens of a lexicon.

    tokens: int32 [v], lexicon ids, ascending; vectors: float32 [v, d]
    rules: int8 [v], which of RULES gave each
    lines: how many vectors the file holds
    """

    name: str
    tokens: np.ndarray
    vectors: np.ndarray
    rules: np.ndarray
    lines: int


def match_file(path: Path, lexicon: list[str], tokens: np.ndarray) -> VectorSource:
    """The file's vectors for these tokens of the lexicon: int [k], ascending.

    raises: InputError as read_vectors does
    """
    wanted: set[bytes] = set()
    for token in tokens:
        for _, pieces in spellings(lexicon[token]):
            wanted.update(piece.encode("utf-8", "surrogatepass") for piece in pieces)
    read = read_vectors(path, wanted)
    places = {token.decode(errors="replace"): row for token, row in read.index.items()}
    found = [_find(spellings(lexicon[token]), places) for token in tokens]
    kept = [i for i, hit in enumerate(found) if hit]
    hits = [found[i] for i in kept]
    vectors = np.empty((len(hits), read.values.shape[1]), dtype=np.float32)
    for i, (_, rows) in enumerate(hits):
        vectors[i] = read.values[rows[0]] if len(rows) == 1 else read.values[rows].mean(axis=0)
    rules = np.array([RULES.index(rule) for rule, _ in hits], dtype=np.int8)
    return VectorSource(path.name, tokens[kept].astype(np.int32), vectors, rules, read.lines)


def _find(candidates: Any, places: dict[str, int]) -> tuple[str, list[int]] | None:
    """(rule, rows of the pieces) of the first spelling all of whose pieces are there."""
    spelling: Spelling
    for spelling in candidates:
        rows = [places[piece] for piece in spelling[1] if piece in places]
        if len(rows) == len(spelling[1]):
            return spelling[0], rows
    return None


def describe_coverage(
    source: VectorSource, lexicon: list[str], counts: np.ndarray
) -> dict[str, Any]:
    """What the source covers of the training rows, as JSON.

    counts: int64 [lexicon], how often the training rows hold each token
    """
    is_covered = np.zeros(len(lexicon), dtype=bool)
    is_covered[source.tokens] = True
    types, total = int(np.count_nonzero(counts)), int(counts.sum())
    lacking = np.where(is_covered, 0, counts)
    frequent = np.argsort(-lacking, kind="stable")[:_SHOWN_MISSING]
    rules = []
    for number, rule in enumerate(RULES):
        own = counts[source.tokens[source.rules == number]]
        if own.any():
            gained = {"types": int(np.count_nonzero(own)), "tokens": int(own.sum())}
            rules.append({"rule": rule} | gained)
    return {
        "name": source.name,
        "width": source.vectors.shape[1],
        "lines": source.lines,
        "types": types,
        "tokens": total,
        "types_covered": int(np.count_nonzero(counts[is_covered])),
        "tokens_covered": int(counts[is_covered].sum()),
        "rules": rules,
        "missing": [[lexicon[i], int(lacking[i])] for i in frequent if lacking[i]],
    }
