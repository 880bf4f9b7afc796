"""Vectors from the sequences themselves: positive pointwise mutual information and a truncated SVD.

Levy, Goldberg & Dagan 2015, "Improving Distributional Similarity with Lessons Learned from Word
Embeddings": a window whose weights fall with distance, contexts smoothed by a power of 0.75,
shifted PPMI, U S^0.5 of its SVD. The tokens near a token tell what it is like; the rows that
hold it (Deerwester 1990) what it is about. No labels are read, so every row may take part.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from seqblend.core.config import EmbeddingConfig
from seqblend.core.seeds import rng_for
from seqblend.data.sequences import SequenceSet

SECONDS_PER_TOKEN = 3e-6  # on one core: reviews 1.7e-6 to 2.5e-6, tokens in no order 7e-6
_DENSE = 1_000_000  # cells up to which a matrix is factorised whole: few rows have few directions,
# and where those end ARPACK goes on by chance
_CHUNK = 2_000_000  # tokens whose pairs are counted at a time: about 0.3 GB at a window of 5


def make_vectors(
    sequences: SequenceSet, lexicon_size: int, config: EmbeddingConfig
) -> tuple[np.ndarray, np.ndarray]:
    """(lexicon ids int32 [v] ascending, their vectors float32 [v, d]) from all of these rows.

    Vectors of near tokens keep their lengths; those of rows get length one, and so do both halves
    where both are used. config.context: near, rows or both (see auto.py)
    The same rows give the same bytes on one machine; rows in another order the same counts.
    """
    known, width = choose_tokens(sequences, lexicon_size, config)
    if width < 1:
        return np.empty(0, dtype=np.int32), np.empty((0, 0), dtype=np.float32)
    remap = np.full(lexicon_size, -1, dtype=np.int32)
    remap[known] = np.arange(len(known), dtype=np.int32)
    halves = {"near": (width, 0), "both": (width - width // 2, width // 2), "rows": (0, width)}
    of_near, of_rows = halves[config.context]
    parts = []
    if of_near:
        pairs = count_pairs(sequences, remap, len(known), config.window)
        parts.append(_factors(pairs, of_near, config))
    if of_rows:
        part = _factors(count_rows(sequences, remap, len(known)), of_rows, config)
        parts = [to_length_one(part) for part in (*parts, part)]
    return known.astype(np.int32), np.concatenate(parts, axis=1)


def choose_tokens(
    sequences: SequenceSet, lexicon_size: int, config: EmbeddingConfig
) -> tuple[np.ndarray, int]:
    """Lexicon ids int64 [v] of the tokens that get a vector, ascending, and the vectors' width."""
    counts = np.bincount(sequences.flat()[0], minlength=lexicon_size)
    known = np.flatnonzero(counts >= config.min_count)
    known = np.sort(known[np.argsort(-counts[known], kind="stable")][: config.size])
    most = min(config.width, len(known) - 1)
    if config.context != "near":  # a matrix of n rows has no more than n directions
        most = min(most, (len(sequences) - 1) * (2 if config.context == "both" else 1))
    return known, max(most, 0)


def _factors(counts: sparse.csr_matrix, width: int, config: EmbeddingConfig) -> np.ndarray:
    """float32 [v, width] from how often a token has which context."""
    return factorise(positive_information(counts, config.smoothing, config.shift), width)


def to_length_one(vectors: np.ndarray) -> np.ndarray:
    """Every vector over its length; what is zero but for rounding becomes zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    least = max(1e-6 * float(lengths.max(initial=0)), 1e-30)
    return np.where(lengths > least, vectors / np.maximum(lengths, least), 0).astype(np.float32)


def count_pairs(
    sequences: SequenceSet, remap: np.ndarray, size: int, window: int
) -> sparse.csr_matrix:
    """float32 [v, v], symmetric: how often two tokens occur near each other in a row.

    remap: int32 [lexicon], -1 for tokens that are left out, which still take up their place
    A pair at distance k counts (window - k + 1) / window, the mean of word2vec's drawn windows.
    """
    total = sparse.csr_matrix((size, size), dtype=np.float32)
    for begin, end in _chunks(sequences):
        rows = sequences.take(slice(begin, end))
        tokens = remap[rows.flat()[0]]
        row = np.repeat(np.arange(len(rows), dtype=np.int32), rows.lengths)
        for k in range(1, min(window, len(tokens) - 1) + 1):
            is_pair = (row[k:] == row[:-k]) & (tokens[k:] >= 0) & (tokens[:-k] >= 0)
            left, right = tokens[:-k][is_pair], tokens[k:][is_pair]
            weights = np.full(len(left), (window - k + 1) / window, dtype=np.float32)
            total = total + sparse.csr_matrix((weights, (left, right)), shape=(size, size))
    return (total + total.T).tocsr()


def count_rows(sequences: SequenceSet, remap: np.ndarray, size: int) -> sparse.csr_matrix:
    """float32 [v, n]: log(1 + count of a token in a row).

    remap: int32 [lexicon], -1 for tokens that are left out
    """
    parts = []
    for begin, end in _chunks(sequences):
        tokens, offsets = sequences.take(slice(begin, end)).flat()
        tokens = remap[tokens]
        kept = np.concatenate([[0], np.cumsum(tokens >= 0)])[offsets]
        tokens = tokens[tokens >= 0]
        ones = np.ones(len(tokens), dtype=np.float32)
        part = sparse.csr_matrix((ones, tokens, kept), shape=(end - begin, size))
        part.sum_duplicates()
        part.data = np.log1p(part.data)
        parts.append(part)
    return sparse.vstack(parts).T.tocsr()


def _chunks(sequences: SequenceSet) -> list[tuple[int, int]]:
    """[begin, end) of rows that hold about _CHUNK tokens together, a longer row by itself."""
    ends = np.cumsum(sequences.lengths)
    cuts = np.searchsorted(ends, np.arange(_CHUNK, ends[-1], _CHUNK), side="right")
    bounds = np.unique([0, *cuts, len(ends)]).tolist()
    return list(itertools.pairwise(bounds))


def positive_information(
    counts: sparse.csr_matrix, smoothing: float, shift: float
) -> sparse.csr_matrix:
    """float32 [v, n]: max(log(p(a, b) / (p(a) p'(b))) - log(shift), 0), p' ~ count^smoothing.

    counts: float32 [v, n] of tokens a and their contexts b
    """
    tokens = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    contexts = np.asarray(counts.sum(axis=0), dtype=np.float64).ravel() ** smoothing
    own = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    expected = tokens[own] * contexts[counts.indices] / max(contexts.sum(), 1e-12)
    values = np.maximum(np.log(counts.data / expected) - np.log(shift), 0).astype(np.float32)
    keep = values > 0
    ends = np.concatenate([[0], np.cumsum(keep)])[counts.indptr]
    return sparse.csr_matrix((values[keep], counts.indices[keep], ends), shape=counts.shape)


def factorise(matrix: sparse.csr_matrix, width: int) -> np.ndarray:
    """float32 [v, d]: U S^0.5 of the truncated SVD, widest direction first, signs resolved."""
    if not matrix.nnz:
        return np.zeros((matrix.shape[0], width), dtype=np.float32)
    if math.prod(matrix.shape) <= _DENSE:
        u, s, _ = np.linalg.svd(matrix.toarray().astype(np.float64), full_matrices=False)
    else:
        start = rng_for(0, "embedding svd").standard_normal(min(matrix.shape)).astype(np.float32)
        u, s, _ = svds(matrix, k=width, v0=start, tol=1e-3, solver="arpack")
    order = np.argsort(-s, kind="stable")[:width]
    u, s = u[:, order], s[order]
    signs = np.sign(u[np.abs(u).argmax(axis=0), np.arange(width)])
    return (u * signs * np.sqrt(s)).astype(np.float32)
