import numpy as np
from conftest import classes_of, sequence_set, view_of
from scipy import sparse

from seqblend.models.tfidf import TfidfLogistic, TfidfOptions
from seqblend.models.weighting import fit_idf, to_presence, to_tfidf

COUNTS = sparse.csr_matrix(np.array([[2, 1, 0], [0, 1, 0]], dtype=np.float32))


def test_idf_counts_the_rows_that_hold_an_ngram():
    np.testing.assert_allclose(fit_idf(COUNTS), np.log([3 / 2, 3 / 3, 3 / 1]) + 1, rtol=1e-6)


def test_tfidf_is_that_of_a_calculation_by_hand():
    first = np.array([(1 + np.log(2)) * (1 + np.log(1.5)), 1.0, 0.0])
    expected = [first / np.linalg.norm(first), [0, 1, 0]]
    np.testing.assert_allclose(to_tfidf(COUNTS, fit_idf(COUNTS)).toarray(), expected, rtol=1e-6)


def test_a_row_without_known_ngrams_stays_empty():
    empty = sparse.csr_matrix((1, 3), dtype=np.float32)
    assert to_tfidf(empty, np.ones(3, dtype=np.float32)).toarray().tolist() == [[0, 0, 0]]


def test_presence_leaves_the_counts_as_they_are():
    assert to_presence(COUNTS).toarray().tolist() == [[1, 1, 0], [0, 1, 0]]
    assert COUNTS[0, 0] == 2


def test_pairs_weigh_as_much_as_the_decay_says():
    view = view_of(3)
    rows, labels = sequence_set([[0, 1], [1, 2]] * 4), np.array([0, 1] * 4)
    options = TfidfOptions(decay=0.25, has_ends=False)
    member = TfidfLogistic.fit(rows, labels, task=classes_of(2), view=view, options=options, seed=0)
    rare, common = np.log(9 / 5) + 1, 1.0
    expected = [rare, common, rare, 0.25 * rare, 0.25 * rare]  # 0, 1, 2, (0, 1), (1, 2)
    np.testing.assert_allclose(member.idf, expected, rtol=1e-6)


def test_a_member_comes_back_from_the_names_its_arrays_are_stored_under():
    arrays = {
        "keys1": np.array([0, 1]),
        "lexicon_size": np.array(2),
        "min_count": np.array(1),
        "marks": np.zeros(0, np.int64),
        "values": np.zeros(0, np.int64),
        "has_ends": np.array(False),
        "idf": np.ones(2, np.float32),
        "weights": np.array([[-2, 2]], np.float32),
        "bias": np.zeros(1),
    }
    member = TfidfLogistic.from_arrays(arrays, view_of(2), classes_of(2))
    expected = 1 / (1 + np.exp([2, -2, 0]))  # of class 1; the last row has both n-grams
    p = member.predict(sequence_set([[0], [1, 1], [0, 1]]))
    np.testing.assert_allclose(p[:, 1], expected, rtol=1e-6)
    assert member.arrays().keys() == arrays.keys()
