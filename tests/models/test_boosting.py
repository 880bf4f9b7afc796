import numpy as np
import pytest
from conftest import classes_of, sequence_set, view_of
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from seqblend.data.sequences import SequenceSet
from seqblend.models.boosted_trees import BoostedTrees, BoostingConfig, fit_trees
from seqblend.models.boosting import Boosting, BoostingOptions, RowFacts
from seqblend.models.positions_boosting import PlacedBoosting, PlacedBoostingOptions
from seqblend.tasks.multi_label import MultiLabel
from seqblend.tasks.regression import Regression

CONFIG = BoostingConfig(20, 0.1, 7, 5, 1.0, 0.5, 1_000)
SAME = {"learning_rate": 0.1, "max_iter": 20, "max_leaf_nodes": 7, "min_samples_leaf": 5}
SAME |= {"l2_regularization": 1.0, "max_features": 0.5, "early_stopping": False, "random_state": 3}


@pytest.fixture
def x():
    """Whole and other numbers, float32 [400, 6]."""
    rng = np.random.default_rng(0)
    return np.hstack([rng.normal(size=(400, 3)), rng.integers(0, 4, (400, 3))]).astype(np.float32)


def classify(x):
    return HistGradientBoostingClassifier(**SAME), np.digitize(x[:, 0] * x[:, 3], [-0.5, 0.5])


def test_stored_trees_predict_as_scikit_learn_does(x):
    model, labels = classify(x)
    values = (x[:, :2] * x[:, 3:5]).astype(np.float64)
    others = (x + np.float32(0.25)).copy()
    many = fit_trees(x, labels, classes_of(3), CONFIG, 3)
    expected = model.fit(x, labels).predict_proba(others)
    found = classes_of(3).answer_linear(many.scores(others))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    two = fit_trees(x, (labels == 1).astype(int), classes_of(2), CONFIG, 3)
    expected = model.fit(x, labels == 1).predict_proba(others)
    np.testing.assert_allclose(classes_of(2).answer_linear(two.scores(others)), expected)
    numbers = fit_trees(x, values, Regression(("a", "b")), CONFIG, 3)
    each = [HistGradientBoostingRegressor(**SAME).fit(x, y).predict(others) for y in values.T]
    np.testing.assert_allclose(numbers.scores(others), np.stack(each, 1))
    again = BoostedTrees.from_arrays(numbers.arrays())
    assert again.scores(others).tobytes() == numbers.scores(others).tobytes()


def test_labels_have_an_ensemble_each_and_a_constant_one_its_log_odds(x):
    _, labels = classify(x)
    targets = np.stack([labels == 1, np.zeros(400)], axis=1).astype(np.int64)
    task = MultiLabel(("a", "b"))
    trees = fit_trees(x, targets, task, CONFIG, 0)
    one = fit_trees(x, targets[:, 0], classes_of(2), CONFIG, 0)
    scores = trees.scores(x)
    np.testing.assert_array_equal(scores[:, :1], one.scores(x))
    np.testing.assert_allclose(scores[:, 1], np.log(0.5 / 400.5))


@pytest.mark.parametrize("present", [(0, 1, 2), (1, 3), (2,)])
def test_a_class_without_rows_stays_improbable(x, present):
    labels = np.array(present)[np.digitize(x[:, 0], [-0.5, 0.5]) % len(present)]
    trees = fit_trees(x, labels, classes_of(4), CONFIG, 0)
    p = classes_of(4).answer_linear(trees.scores(x))
    absent = [k for k in range(4) if k not in present]
    assert p[:, absent].max() < 1e-4
    assert np.mean(p.argmax(1) == labels) > 0.95


def test_many_classes_get_fewer_rounds(x):
    config = BoostingConfig(20, 0.1, 7, 5, 1.0, 0.5, trees=30)
    trees = fit_trees(x, np.arange(400) % 4, classes_of(4), config, 0)
    assert len(trees.roots) == 40  # 30 // (4 - 1) rounds of 4 trees


def test_facts_of_a_row_are_counts_sizes_and_ends():
    rows = sequence_set([[1, 1, 2], [2, 1], [1], [2, 1, 1, 2]])
    options = BoostingOptions(orders=1, counted=2, ends=1)
    facts = RowFacts.fit(rows, 4, options)
    expected = [  # count of 1, of 2; length, distinct, share; begins with 1; ends with 1
        [2, 1, 3, 2, 2 / 3, 1, 0],
        [1, 1, 2, 2, 1, 0, 1],
        [1, 0, 1, 1, 1, 1, 1],
        [2, 2, 4, 2, 0.5, 0, 0],
    ]
    np.testing.assert_allclose(facts.of(rows), expected)
    unknown = facts.of(sequence_set([[7, 1]]))
    np.testing.assert_allclose(unknown, [[1, 0, 2, 2, 1, 0, 1]])


def fit(kind, options, rows, labels):
    facts = {"task": classes_of(2), "view": view_of(6), "options": options, "seed": 0}
    return kind.fit(sequence_set(rows), labels, **facts)


def test_one_thing_given_another_is_learnt():
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 4, rng.integers(1, 30)).tolist() for _ in range(800)]
    long = np.array([len(row) > 15 for row in rows])
    labels = (long ^ np.array([row[-1] == 0 for row in rows])).astype(np.int64)
    member = fit(Boosting, BoostingOptions(), rows[:600], labels[:600])
    p = member.predict(sequence_set(rows[600:]))
    assert np.mean(p.argmax(1) == labels[600:]) > 0.95
    again = Boosting.from_arrays(member.arrays(), view_of(6), classes_of(2))
    assert again.predict(sequence_set(rows[600:])).tobytes() == p.tobytes()


def test_one_position_given_another_far_from_it_is_learnt():
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 3, (900, 20))
    labels = (rows[:, 2] == rows[:, 17]).astype(np.int64)
    options = PlacedBoostingOptions(feature_share=1.0)
    member = fit(PlacedBoosting, options, rows[:700].tolist(), labels[:700])
    p = member.predict(sequence_set(rows[700:].tolist()))
    assert np.mean(p.argmax(1) == labels[700:]) > 0.9


def test_it_reads_summaries_of_real_valued_steps():
    rng = np.random.default_rng(0)
    rows = sequence_set([[0]] * 120)
    steps = [rng.normal(size=(rng.integers(5, 9), 1)).astype(np.float32) for _ in range(120)]
    labels = np.array([int(row.max() > 1.5) for row in steps])
    rows = SequenceSet(rows.tokens, rows.starts, rows.lengths, SequenceSet.from_rows(steps))
    facts = {"task": classes_of(2), "view": view_of(2, rows), "seed": 0}
    options = BoostingOptions(min_count=1, least_rows=5, feature_share=1.0)
    member = Boosting.fit(rows, labels, options=options, **facts)
    p = member.predict(rows)
    assert (p.argmax(1) == labels).all()
    again = Boosting.from_arrays(member.arrays(), facts["view"], facts["task"])
    assert again.predict(rows).tobytes() == p.tobytes()
