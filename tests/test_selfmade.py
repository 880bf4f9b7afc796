import numpy as np
import pytest
from conftest import sequence_set
from scipy import sparse

from seqblend.config import EmbeddingConfig
from seqblend.embeddings import selfmade
from seqblend.embeddings.selfmade import (
    count_pairs,
    factorise,
    make_vectors,
    positive_information,
)


def draw_rows(n=40, size=9, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, size, rng.integers(1, 12)).tolist() for _ in range(n)]


def count_slowly(rows, remap, size, window):
    total = np.zeros((size, size))
    for row in rows:
        for i, left in enumerate(row):
            for k, right in enumerate(row[i + 1 : i + 1 + window], 1):
                a, b = remap[left], remap[right]
                if a >= 0 and b >= 0:
                    total[a, b] += (window - k + 1) / window
                    total[b, a] += (window - k + 1) / window
    return total


def test_pairs_of_one_row_count_by_distance():
    pairs = count_pairs(sequence_set([[0, 1, 2], [2]]), np.arange(3, dtype=np.int32), 3, 2)
    np.testing.assert_array_equal(pairs.toarray(), [[0, 1, 0.5], [1, 0, 1], [0.5, 1, 0]])


@pytest.mark.parametrize("window", [1, 3, 50])
def test_counting_agrees_with_two_loops_over_tokens(window):
    rows, remap = draw_rows(), np.array([0, 1, 2, -1, 3, 4, 5, -1, 6], dtype=np.int32)
    fast = count_pairs(sequence_set(rows), remap, 7, window).toarray()
    np.testing.assert_allclose(fast, count_slowly(rows, remap, 7, window), rtol=1e-5)


@pytest.mark.parametrize("chunk", [1, 5, 30])
def test_chunks_change_no_count(monkeypatch, chunk):
    rows, remap = sequence_set(draw_rows()), np.arange(9, dtype=np.int32)
    whole = count_pairs(rows, remap, 9, 5).toarray()
    monkeypatch.setattr(selfmade, "_CHUNK", chunk)
    np.testing.assert_allclose(count_pairs(rows, remap, 9, 5).toarray(), whole, rtol=1e-5)


def test_information_is_positive_smoothed_and_shifted():
    pairs = np.array([[0, 4, 1], [4, 2, 0], [1, 0, 0.0]])
    counts = pairs.sum(axis=1)
    context = counts**0.75 / (counts**0.75).sum()
    with np.errstate(divide="ignore"):
        exact = np.log(pairs / pairs.sum() / np.outer(counts / pairs.sum(), context))
    given = sparse.csr_matrix(pairs.astype(np.float32))
    for shift in (1.5, 1.0):
        made = positive_information(given, 0.75, shift)
        np.testing.assert_allclose(
            made.toarray(), np.maximum(exact - np.log(shift), 0), rtol=1e-5, atol=1e-6
        )
    np.testing.assert_array_equal(given.toarray(), pairs)


def test_vectors_are_the_leading_singular_directions():
    rng = np.random.default_rng(0)
    low = rng.normal(size=(30, 4))
    matrix = (low @ low.T).astype(np.float32)  # of rank 4, symmetric, no negative eigenvalue
    vectors = factorise(sparse.csr_matrix(matrix), 4)
    np.testing.assert_allclose(vectors @ vectors.T, matrix, atol=1e-3)
    sizes = (vectors**2).sum(axis=0)
    assert (np.diff(sizes) < 0).all()


def test_the_same_rows_give_the_same_bytes():
    rows, config = sequence_set(draw_rows()), EmbeddingConfig(width=4, min_count=1)
    one, other = (make_vectors(rows, 9, config)[1] for _ in range(2))
    assert one.tobytes() == other.tobytes()
    assert one.shape == (9, 4)


def test_tokens_in_like_company_have_like_vectors():
    rng = np.random.default_rng(0)
    rows = [[int(rng.choice([0, 1])), *rng.choice([2, 3, 4], 2)] for _ in range(200)]
    rows += [[5, *rng.choice([6, 7, 8], 2)] for _ in range(200)]
    tokens, vectors = make_vectors(sequence_set(rows), 9, EmbeddingConfig(width=3, min_count=1))
    assert tokens.tolist() == list(range(9))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > 0.95
    assert unit[0] @ unit[5] < 0.1


def test_rare_tokens_and_those_beyond_the_size_get_no_vector():
    rows = sequence_set([[0, 1, 2, 0, 1, 2, 0, 1], [0, 3, 1]])
    config = EmbeddingConfig(width=1, min_count=2, size=2)
    assert make_vectors(rows, 5, config)[0].tolist() == [0, 1]
    assert len(make_vectors(rows, 5, EmbeddingConfig(min_count=9))[0]) == 0
