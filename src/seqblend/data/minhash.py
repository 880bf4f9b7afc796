"""Near duplicates: MinHash sketches banded to candidates, then exact Jaccard similarities."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from seqblend.core.seeds import rng_for
from seqblend.data.sequences import SequenceSet

_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))  # SplitMix64
_CHUNK = 5_000  # rows whose n-grams are held at once
ALIKE = 0.8  # smallest Jaccard similarity of near duplicates' sets of n-grams
# Hashes in a sketch: a pair of similarity s becomes a candidate with a probability of
# 1 - (1 - s**WIDTH)**BANDS, 0.9998 at 0.8.
BANDS, WIDTH = 16, 4
RARE = 1e-3  # n-grams are so long that a given one is this rare in a row of median length by chance


def number_near(sequences: SequenceSet) -> np.ndarray:
    """int64 [n]: equal numbers for rows linked by pairs whose Jaccard similarity is ALIKE.

    Broder (1997); banding as in Leskovec et al., Mining of Massive Datasets, chapter 3.
    """
    n, order = len(sequences), choose_order(sequences)
    chunks = np.split(np.arange(n), np.arange(_CHUNK, n, _CHUNK))
    sketch = np.concatenate([_sketch(sequences.take(rows), order) for rows in chunks])
    one, other = _candidates(sketch)
    is_near = _jaccard(sequences, order, one, other) >= ALIKE
    pairs = (one[is_near], other[is_near])
    links = sparse.coo_array((np.ones(len(pairs[0]), np.int8), pairs), shape=(n, n))
    return connected_components(links, directed=False)[1].astype(np.int64)


def choose_order(sequences: SequenceSet) -> int:
    """The smallest n >= 3 for which chance n-grams are RARE, from the tokens' entropy.

    DNA, with four letters, needs far longer n-grams than words do.
    """
    counts = np.bincount(sequences.flat()[0])
    p = counts[counts > 0] / counts.sum()
    entropy = max(float(-(p * np.log(p)).sum()), 0.05)
    return max(3, int(np.ceil(np.log(np.median(sequences.lengths) / RARE) / entropy)))


def hash_ngrams(sequences: SequenceSet, order: int) -> tuple[np.ndarray, np.ndarray]:
    """(hashes uint64 [total], offsets int64 [n + 1]) of each row's n-grams, in order.

    A row shorter than `order` is one n-gram, padded.
    """
    tokens, begins = sequences.flat()
    many = np.maximum(np.diff(begins) - order + 1, 1)
    offsets = np.concatenate([[0], np.cumsum(many)])
    at = np.arange(offsets[-1]) + np.repeat(begins[:-1] - offsets[:-1], many)
    padded = np.concatenate([tokens.astype(np.uint64) + np.uint64(1), np.zeros(order, np.uint64)])
    is_short = np.repeat(np.diff(begins) < order, many)
    ends = np.repeat(begins[1:], many)[is_short]
    hashes = np.zeros(len(at), dtype=np.uint64)
    for step in range(order):
        token = padded[at + step]
        token[is_short] *= at[is_short] + step < ends
        hashes = _scramble(hashes * _MIX[0] + token)
    return hashes, offsets


def _scramble(values: np.ndarray) -> np.ndarray:
    """uint64 [n]: each bit depends on all bits."""
    values = (values ^ (values >> np.uint64(30))) * _MIX[1]
    return values ^ (values >> np.uint64(31))


def _sketch(sequences: SequenceSet, order: int) -> np.ndarray:
    """uint32 [n, bands * width]: each row's minimum of as many random hash functions."""
    grams, offsets = hash_ngrams(sequences, order)
    rng = rng_for(0, "minhash")
    factors = rng.integers(0, 2**32, BANDS * WIDTH, dtype=np.uint32) | np.uint32(1)
    low = (grams >> np.uint64(32)).astype(np.uint32)
    shift = (grams & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    sketch = np.empty((len(offsets) - 1, len(factors)), dtype=np.uint32)
    for k, factor in enumerate(factors):
        values = (low ^ (shift * factor)) * factor
        sketch[:, k] = np.minimum.reduceat(values ^ (values >> np.uint32(15)), offsets[:-1])
    return sketch


def _candidates(sketch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(one, other): int64 [p], pairs of rows with an equal band; all are paired with the first."""
    pairs = []
    for band in range(BANDS):
        key = np.zeros(len(sketch), dtype=np.uint64)
        for column in range(band * WIDTH, (band + 1) * WIDTH):
            key = _scramble(key * _MIX[0] + sketch[:, column])
        number, keys = pd.factorize(key)
        first = np.full(len(keys), len(key))
        np.minimum.at(first, number, np.arange(len(key)))
        rows = np.flatnonzero(first[number] != np.arange(len(key)))
        pairs.append(np.stack([first[number[rows]], rows], axis=1))
    distinct = np.unique(np.concatenate(pairs), axis=0)
    return distinct[:, 0], distinct[:, 1]


def _jaccard(sequences: SequenceSet, order: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """float64 [p]: the exact similarity of the rows' sets of n-grams; one and other: int64 [p]."""
    rows, place = np.unique(np.concatenate([one, other]), return_inverse=True)
    if not len(rows):
        return np.zeros(0)
    grams, offsets = hash_ngrams(sequences.take(rows), order)
    columns, known = pd.factorize(grams)
    ones = np.ones(len(grams), np.float32)
    held = sparse.csr_array((ones, columns, offsets), shape=(len(rows), len(known)))
    held.sum_duplicates()
    held.data[:] = 1
    left, right = held[place[: len(one)]], held[place[len(one) :]]
    common = left.multiply(right).sum(axis=1)
    return common / (left.sum(axis=1) + right.sum(axis=1) - common)
