import itertools
from collections import Counter

import numpy as np
from conftest import sequence_set
from sklearn.feature_extraction.text import CountVectorizer

from seqblend.models.ngrams import count_ngrams, fit_ngrams, share_by_tokens


def draw_rows(n, seed, vocabulary=7):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, vocabulary, rng.integers(1, 12)).tolist() for _ in range(n)]


def as_text(rows):
    return [" ".join(f"t{token}" for token in row) for row in rows]


def test_counts_equal_those_of_scikit_learn():
    train, other = draw_rows(40, 0), draw_rows(30, 1)
    oracle = CountVectorizer(ngram_range=(1, 3), token_pattern=r"\S+")
    expected = oracle.fit_transform(as_text(train))
    index, counts = fit_ngrams(sequence_set(train), 7, orders=3, min_count=1)
    assert index.width == expected.shape[1]
    again = count_ngrams(index, sequence_set(other))
    for ours, theirs in ((counts, expected), (again, oracle.transform(as_text(other)))):
        for row in range(ours.shape[0]):
            assert sorted(ours[row].data.tolist()) == sorted(theirs[row].data.tolist())


def test_the_matrix_of_the_training_rows_is_that_of_counting_them_again():
    train = sequence_set(draw_rows(50, 2))
    index, counts = fit_ngrams(train, 7, orders=3, min_count=2)
    assert (count_ngrams(index, train) != counts).nnz == 0


def test_ngrams_below_the_least_count_are_left_out():
    rows = draw_rows(30, 3)
    index, counts = fit_ngrams(sequence_set(rows), 7, orders=2, min_count=3)
    tally = Counter(token for row in rows for token in row)
    tally.update(pair for row in rows for pair in itertools.pairwise(row))
    assert index.width == sum(count >= 3 for count in tally.values())
    assert counts.sum() == sum(count for count in tally.values() if count >= 3)


def test_no_ngram_runs_from_one_row_into_the_next():
    index, counts = fit_ngrams(sequence_set([[0, 1], [2, 3]]), 4, orders=3, min_count=1)
    assert [len(keys) for keys in index.keys] == [4, 2, 0]
    assert counts.toarray().sum(axis=1).tolist() == [3.0, 3.0]


def test_ends_of_rows_are_part_of_longer_ngrams_and_nothing_by_themselves():
    rows = [[0, 1], [1], [1, 1, 0]]
    index, counts = fit_ngrams(sequence_set(rows), 2, orders=3, min_count=1, has_ends=True)
    spelt = [(2, *row, 2) for row in rows]
    grams = sorted({row[i : i + n] for row in spelt for n in (1, 2, 3) for i in range(len(row))})
    expected = {
        gram: [sum(row[i : i + len(gram)] == gram for i in range(len(row))) for row in spelt]
        for gram in grams
    }
    found = sorted(map(tuple, counts.toarray().T.astype(int).tolist()))
    expected[(2,)] = [0, 0, 0]
    of_length = [gram for gram in grams if len(gram) <= 3]
    whole = {g: c for g, c in expected.items() if g in of_length}
    assert found == sorted(map(tuple, whole.values()))
    assert (count_ngrams(index, sequence_set(rows)) != counts).nnz == 0


def test_a_new_token_is_never_taken_for_an_end():
    index, _ = fit_ngrams(sequence_set([[0, 1], [1, 0]]), 2, orders=2, min_count=1, has_ends=True)
    with_new = count_ngrams(index, sequence_set([[0, 2, 1]])).toarray()
    alone = count_ngrams(index, sequence_set([[0], [1]])).toarray()
    assert with_new.sum() == 4  # 0 and 1, (end, 0) and (1, end)
    assert alone.sum() == 6  # also (0, end) and (end, 1)


def test_amounts_of_ngrams_at_an_end_belong_to_the_rows_tokens():
    index, counts = fit_ngrams(sequence_set([[0, 1, 1]]), 2, orders=2, min_count=1, has_ends=True)
    each = np.arange(1.0, counts.shape[1] + 1)
    shares = share_by_tokens(index, np.array([0, 1, 1], np.int32), each)
    np.testing.assert_allclose(shares.sum(), (counts.toarray()[0] * each).sum())
    assert len(shares) == 3
