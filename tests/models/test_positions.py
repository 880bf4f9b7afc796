import numpy as np
import pytest
from conftest import classes_of, sequence_set, view_of
from sklearn.linear_model import LogisticRegression

from seqblend.core.errors import FlagError
from seqblend.explaining.ngram_contributions import token_contributions
from seqblend.models.model_groups import choose_models
from seqblend.models.positions import PositionLogistic, PositionOptions, why_not_aligned


def draw(n, seed=0):
    """Rows of 8 tokens of 4; the class is whether place 2 holds token 1."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 4, (n, 8))
    return rows, (rows[:, 2] == 1).astype(np.int64)


def fit(rows, labels, **options):
    rows = sequence_set(rows.tolist())
    options = PositionOptions(**options)
    facts = {"task": classes_of(2), "view": view_of(4), "options": options, "seed": 0}
    return PositionLogistic.fit(rows, labels, **facts)


def test_single_tokens_by_position_are_a_one_hot_regression():
    rows, labels = draw(300)
    labels ^= np.random.default_rng(1).random(300) < 0.1
    member = fit(rows, labels, orders=1, min_count=1, strength=0.3, tolerance=1e-6)
    one_hot = np.eye(4)[rows].reshape(300, -1)
    ones = np.ones((300, 1))  # the bias is penalised, as the weight of a constant
    oracle = LogisticRegression(C=0.3, fit_intercept=False, tol=1e-8, max_iter=2_000)
    expected = oracle.fit(np.hstack([one_hot, ones]), labels).predict_proba(
        np.hstack([one_hot, ones])
    )
    np.testing.assert_allclose(member.predict(sequence_set(rows.tolist())), expected, atol=1e-3)


def test_the_place_of_a_token_decides_and_a_moved_one_does_not():
    rows, labels = draw(400)
    member = fit(rows, labels, strength=0.1)
    others, truth = draw(200, 1)
    assert np.mean(member.predict(sequence_set(others.tolist())).argmax(1) == truth) > 0.95
    moved = member.predict(sequence_set([[1, 1, 0, 1, 1, 1, 1, 1], [0, 0, 1, 0, 0, 0, 0, 0]]))
    assert moved.argmax(1).tolist() == [0, 1]


def test_pairs_that_start_at_a_position_count():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 2, (600, 6))
    labels = (rows[:, 3] == rows[:, 4]).astype(np.int64)  # no single token tells
    pairs, singles = (fit(rows, labels, orders=n, strength=1.0) for n in (2, 1))
    right = [
        np.mean(m.predict(sequence_set(rows.tolist())).argmax(1) == labels)
        for m in (pairs, singles)
    ]
    assert right[0] > 0.95 > 0.7 > right[1]


def test_rows_that_are_longer_or_hold_new_tokens_are_read():
    member = fit(*draw(100))
    long = sequence_set([[0, 1, 1] * 400, [9, 0, 1, 77]])
    assert np.isfinite(member.predict(long)).all()
    known = sequence_set([[9, 0, 1], [77, 0, 1]])
    assert len(np.unique(member.predict(known), axis=0)) == 1
    again = PositionLogistic.from_arrays(member.arrays(), member.view, member.task)
    assert again.predict(long).tobytes() == member.predict(long).tobytes()


def test_shares_and_the_bias_sum_to_the_log_odds():
    rows, labels = draw(300)
    member = fit(rows, labels)
    shares = token_contributions(member, rows[0].astype(np.int32), 1)
    p = member.predict(sequence_set(rows[:1].tolist()))[0].astype(float)
    assert shares.sum() + member.bias[0] == pytest.approx(np.log(p[1] / p[0]), abs=1e-4)
    assert np.abs(shares).argmax() == 2


def test_only_aligned_rows_suit():
    aligned = view_of(4, sequence_set([[0, 1, 2]] * 19 + [[0, 1]]))
    mixed = view_of(4, sequence_set([[0, 1, 2]] * 8 + [[0, 1]] * 2))
    single = view_of(4, sequence_set([[0]] * 10))
    assert why_not_aligned(aligned) == ""
    assert why_not_aligned(single)
    assert "positions" in choose_models(["all"], ["ids"], "single_label", view=mixed)[1]
    with pytest.raises(FlagError, match="positions reads rows of one length, and 80% of the rows"):
        choose_models(["positions"], ["ids"], "single_label", view=mixed)
