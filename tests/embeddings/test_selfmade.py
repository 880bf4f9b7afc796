import numpy as np
import pytest
from conftest import sequence_set
from scipy import sparse

from seqblend.core.config import EmbeddingConfig
from seqblend.embeddings import selfmade
from seqblend.embeddings.selfmade import (
    choose_tokens,
    count_pairs,
    count_rows,
    factorise,
    make_vectors,
    positive_information,
    to_length_one,
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
    pairs, of_rows = count_pairs(rows, remap, 9, 5), count_rows(rows, remap, 9)
    monkeypatch.setattr(selfmade, "_CHUNK", chunk)
    np.testing.assert_allclose(count_pairs(rows, remap, 9, 5).toarray(), pairs.toarray(), rtol=1e-5)
    np.testing.assert_array_equal(count_rows(rows, remap, 9).toarray(), of_rows.toarray())


def test_rows_are_counted_as_a_loop_over_tokens_does():
    rows, remap = draw_rows(), np.array([0, 1, 2, -1, 3, 4, 5, -1, 6], dtype=np.int32)
    slow = np.zeros((7, len(rows)))
    for number, row in enumerate(rows):
        for token in row:
            if remap[token] >= 0:
                slow[remap[token], number] += 1
    counted = count_rows(sequence_set(rows), remap, 7)
    np.testing.assert_allclose(counted.toarray(), np.log(1 + slow), rtol=1e-6)


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


def test_information_of_rows_smooths_the_rows():
    counts = np.array([[3, 0, 1, 2], [1, 2, 0, 0], [0, 5, 1, 0.0]])
    contexts = counts.sum(axis=0) ** 0.75
    shares = counts.sum(axis=1) / counts.sum()
    with np.errstate(divide="ignore"):
        exact = np.log(counts / counts.sum() / np.outer(shares, contexts / contexts.sum()))
    made = positive_information(sparse.csr_matrix(counts.astype(np.float32)), 0.75, 1.0)
    np.testing.assert_allclose(made.toarray(), np.maximum(exact, 0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dense", [0, 10**6])
def test_vectors_are_the_leading_singular_directions(monkeypatch, dense):
    monkeypatch.setattr(selfmade, "_DENSE", dense)
    rng = np.random.default_rng(0)
    low = rng.normal(size=(30, 4))
    matrix = (low @ low.T).astype(np.float32)  # of rank 4, symmetric, no negative eigenvalue
    vectors = factorise(sparse.csr_matrix(matrix), 4)
    np.testing.assert_allclose(vectors @ vectors.T, matrix, atol=1e-3)
    sizes = (vectors**2).sum(axis=0)
    assert (np.diff(sizes) < 0).all()


@pytest.mark.parametrize("dense", [0, 10**6])
def test_vectors_of_rows_are_the_left_singular_directions(monkeypatch, dense):
    monkeypatch.setattr(selfmade, "_DENSE", dense)
    matrix = np.random.default_rng(0).poisson(0.7, (12, 30)).astype(np.float32)
    u, s, _ = np.linalg.svd(matrix, full_matrices=False)
    vectors = factorise(sparse.csr_matrix(matrix), 3)
    exact = u[:, :3] * np.sqrt(s[:3])
    np.testing.assert_allclose(vectors @ vectors.T, exact @ exact.T, atol=1e-2)
    upright = factorise(sparse.csr_matrix(np.ascontiguousarray(matrix.T)), 3)
    assert upright.shape == (30, 3)


def test_a_length_that_is_rounding_is_no_direction():
    vectors = np.array([[3, 4], [1e-3, 0], [1e-9, 1e-9], [0, 0]], dtype=np.float32)
    made = to_length_one(vectors)
    np.testing.assert_allclose(made, [[0.6, 0.8], [1, 0], [0, 0], [0, 0]], rtol=1e-6)
    assert not to_length_one(np.zeros((3, 2), np.float32)).any()


def test_half_of_the_numbers_come_from_near_tokens_and_half_from_rows():
    rows = sequence_set(draw_rows())

    def of(context, width):
        config = EmbeddingConfig(width=width, min_count=1, context=context)
        return make_vectors(rows, 9, config)[1]

    both, near = of("both", 5), of("near", 3)
    np.testing.assert_allclose(both[:, :3], near / np.linalg.norm(near, axis=1, keepdims=True))
    np.testing.assert_array_equal(both[:, 3:], of("rows", 2))
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), np.sqrt(2), rtol=1e-5)
    assert np.linalg.norm(near, axis=1).std() > 0.1  # vectors of near tokens keep their lengths


@pytest.mark.parametrize("context", ["near", "rows", "both"])
@pytest.mark.parametrize("rows", [[[0, 1, 2, 3]], [[0, 1, 2, 3]] * 3, draw_rows(3)])
def test_vectors_are_as_wide_as_was_foreseen(context, rows):
    config = EmbeddingConfig(width=5, min_count=1, context=context)
    width = choose_tokens(sequence_set(rows), 9, config)[1]
    vectors = make_vectors(sequence_set(rows), 9, config)[1]
    assert vectors.shape[1] == width
    assert np.isfinite(vectors).all()


def test_rows_tell_what_near_tokens_do_not():
    rng = np.random.default_rng(0)
    far = [20 + i for i in range(8)]  # stands between, out of both windows
    rows = []
    for _ in range(200):
        topic = rng.choice(2) * 2
        rows.append([topic, *rng.permutation(far), topic + 1])
    config = {"width": 2, "min_count": 1, "window": 3}
    tokens, near = make_vectors(sequence_set(rows), 28, EmbeddingConfig(context="near", **config))
    _, of_rows = make_vectors(sequence_set(rows), 28, EmbeddingConfig(context="rows", **config))
    assert tokens[:4].tolist() == [0, 1, 2, 3]
    assert of_rows[0] @ of_rows[1] > 0.95  # the ends of the same rows
    assert of_rows[0] @ of_rows[3] < 0.1
    assert near[0] @ near[1] < of_rows[0] @ of_rows[1]


def test_rows_that_repeat_give_the_same_bytes_each_time():
    rows = sequence_set([[0, 1, 2], [3, 4, 5], [6, 7, 8]] * 9)  # three directions, all alike
    config = EmbeddingConfig(width=8, min_count=1, context="rows")
    made = {make_vectors(rows, 9, config)[1].tobytes() for _ in range(8)}
    assert len(made) == 1


def test_rows_without_information_give_no_direction():
    matrix = sparse.csr_matrix((2000, 1000), dtype=np.float32)
    assert not factorise(matrix, 3).any()


def test_the_same_rows_give_the_same_bytes():
    rows, config = sequence_set(draw_rows()), EmbeddingConfig(width=4, min_count=1, context="both")
    one, other = (make_vectors(rows, 9, config)[1] for _ in range(2))
    assert one.tobytes() == other.tobytes()
    assert one.shape == (9, 4)


def test_tokens_in_like_company_have_like_vectors():
    rng = np.random.default_rng(0)
    rows = [[int(rng.choice([0, 1])), *rng.choice([2, 3, 4], 2)] for _ in range(200)]
    rows += [[5, *rng.choice([6, 7, 8], 2)] for _ in range(200)]
    tokens, vectors = make_vectors(
        sequence_set(rows), 9, EmbeddingConfig(width=3, min_count=1, context="near")
    )
    assert tokens.tolist() == list(range(9))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert unit[0] @ unit[1] > 0.95
    assert unit[0] @ unit[5] < 0.1


def test_rare_tokens_and_those_beyond_the_size_get_no_vector():
    rows = sequence_set([[0, 1, 2, 0, 1, 2, 0, 1], [0, 3, 1]])
    config = EmbeddingConfig(width=1, min_count=2, size=2, context="near")
    assert make_vectors(rows, 5, config)[0].tolist() == [0, 1]
    assert len(make_vectors(rows, 5, EmbeddingConfig(min_count=9))[0]) == 0
