import resource

import numpy as np
import pytest
from conftest import classes_of, sequence_set, view_of

from seqblend.data.sequences import COLUMN_MARK, View
from seqblend.models.nblr import NbLogistic, NbLogisticOptions
from seqblend.models.ngrams import ColumnTokens, fit_ngrams
from seqblend.models.registry import entry_for


def fit(rows, labels, *, classes=2, size=6, **options):
    return NbLogistic.fit(
        sequence_set(rows),
        np.array(labels),
        task=classes_of(classes),
        view=view_of(size),
        options=NbLogisticOptions(**{"min_count": 1, **options}),
        seed=0,
    )


def test_order_is_told_by_pairs_and_not_by_single_tokens():
    rows = [[0, 1], [1, 0]] * 20
    labels = [0, 1] * 20
    pairs = fit(rows, labels, orders=2).predict(sequence_set([[0, 1], [1, 0]]))
    singles = fit(rows, labels, orders=1, strength=1.0).predict(sequence_set([[0, 1], [1, 0]]))
    assert pairs.argmax(1).tolist() == [0, 1]
    np.testing.assert_allclose(singles, 0.5, atol=1e-3)


RARE = np.log(3 / 2) + 1  # idf of what one of two rows holds
FIRST, SECOND = np.hypot((1 + np.log(2)) * RARE, 1), np.hypot(1, RARE)  # lengths of tf-idf rows


@pytest.mark.parametrize(
    ("counts", "positive", "negative"),
    [
        ("binary", [1, 1, 0], [0, 1, 1]),
        ("tfidf", [(1 + np.log(2)) * RARE / FIRST, 1 / FIRST, 0], [0, 1 / SECOND, RARE / SECOND]),
    ],
)
def test_the_log_count_ratio_is_the_papers(counts, positive, negative):
    """r = log((p / |p|) / (q / |q|)), with p and q the smoothed sums of each class's values."""
    rows, labels = [[0, 0, 1], [1, 2]], [1, 0]
    member = fit(
        rows, labels, size=3, orders=1, counts=counts, smoothing=1.0, strength=1e-4, has_ends=False
    )
    p, q = np.array(positive) + 1, np.array(negative) + 1
    ratio = np.log((p / p.sum()) / (q / q.sum()))
    # C so small leaves the first gradient step, C / 2 * (sum of a class's features - the other's);
    # features are values times the ratio, and so are the weights that the member keeps
    expected = 0.5e-4 * (np.array(positive) - np.array(negative)) * ratio**2
    np.testing.assert_allclose(member.weights[0], expected, rtol=1e-2, atol=1e-8)


def test_a_class_without_rows_gets_a_small_probability():
    member = fit([[0], [1], [0], [1]], [0, 1, 0, 1], classes=3)
    p = member.predict(sequence_set([[0], [1], [5]]))
    assert (p[:, 2] < 0.2).all()
    assert p[:2].argmax(1).tolist() == [0, 1]


def test_rows_of_unknown_tokens_get_the_bias_alone():
    member = fit([[0], [1]] * 10, [0, 1] * 10)
    p = member.predict(sequence_set([[4, 5], [5]]))
    np.testing.assert_allclose(p[0], p[1])
    np.testing.assert_allclose(p[0], 0.5, atol=0.05)


def test_many_classes_raise_the_least_count_until_the_weights_fit():
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, 6, 12).tolist() for _ in range(60)]
    labels = (np.arange(60) % 5).tolist()
    member = fit(rows, labels, classes=5, most_weights=200)
    assert member.weights.size <= 200
    assert member.index.min_count > 1
    assert fit(rows, labels, classes=5, min_count=member.index.min_count - 1).weights.size > 200


@pytest.mark.fault("L5")
@pytest.mark.slow
def test_a_thousand_classes_stay_within_memory():
    rng = np.random.default_rng(0)
    labels = np.arange(5_000) % 1_000
    rows = [[int(k), *rng.integers(1_000, 3_000, 40).tolist()] for k in labels]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    member = fit(rows, labels, classes=1_000, size=3_000, min_count=2)
    p = member.predict(sequence_set(rows[:200]))
    assert np.mean(p.argmax(1) == labels[:200]) > 0.9
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_500_000  # kilobytes


def test_features_that_every_row_has_are_weighed_as_they_were_fitted():
    rng = np.random.default_rng(0)  # long rows over two tokens: every n-gram is in every row
    labels = (np.arange(40) % 2).tolist()
    rows = [rng.choice(2, 400, p=[0.4, 0.6] if k else [0.6, 0.4]).tolist() for k in labels]
    member = fit(rows, labels, size=2, orders=2, has_ends=False)
    assert (member.idf == 1).all()
    again = NbLogistic.from_arrays(member.arrays(), view_of(6), classes_of(2))
    for one in (member, again):
        assert np.mean(one.predict(sequence_set(rows)).argmax(1) == labels) > 0.9


def _two_columns(rows):
    """A view of rows (first column's words, second column's words), and its rows."""
    names = sorted({word for row in rows for part in row for word in part})
    lexicon = [
        f"{COLUMN_MARK}a{COLUMN_MARK}",
        f"{COLUMN_MARK}b{COLUMN_MARK}",
        f"{COLUMN_MARK}site=x",
        *names,
    ]
    at = {token: i for i, token in enumerate(lexicon)}
    ids = [[2, 0, *(at[w] for w in one), 1, *(at[w] for w in two)] for one, two in rows]
    return View("words", sequence_set(ids), lexicon)


def test_a_word_counts_for_its_column_too():
    rng = np.random.default_rng(0)
    words = ["red", "blue", "grey", "pink"]
    rows = [[list(rng.choice(words[1:], 3)) for _ in range(2)] for _ in range(200)]
    labels = rng.integers(0, 2, 200)
    for row, label in zip(rows, labels, strict=True):
        row[label][rng.integers(3)] = "red"  # the label is the column that has it
    view = _two_columns(rows)
    for name in ("nblr", "tfidf"):
        entry = entry_for(name)
        options = entry.options()
        model = entry.build.fit(
            view.sequences.take(np.arange(150)),
            labels[:150],
            task=classes_of(2),
            view=view,
            options=options,
            seed=0,
        )
        p = model.predict(view.sequences.take(np.arange(150, 200)))
        assert (p.argmax(1) == labels[150:]).mean() > 0.9
        again = type(model).from_arrays(model.arrays(), view, model.task)
        np.testing.assert_array_equal(again.predict(view.sequences), model.predict(view.sequences))


def test_a_value_of_another_column_is_part_of_no_longer_ngram():
    view = _two_columns([(["red", "blue"], ["red"]), (["red", "blue"], ["red"])])
    index, counts = fit_ngrams(view.sequences, len(view.lexicon), 2, 1, named=ColumnTokens.of(view))
    pairs = [
        (int(index.keys[0][key // index.size]), int(key % index.size)) for key in index.keys[1]
    ]
    assert 2 in index.keys[0]
    assert all(2 not in pair for pair in pairs)
    assert counts.shape == (2, index.width)
