import numpy as np
import pytest
from conftest import classes_of, sequence_set, view_of
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel

from seqblend.models import kernel
from seqblend.models.kernel import KernelLogistic, KernelOptions
from seqblend.models.tfidf import TfidfLogistic, TfidfOptions


def draw(n, seed, size=30):
    """Rows of 3 to 8 tokens."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, size, rng.integers(3, 9)).tolist() for _ in range(n)]


def fit(rows, labels, classes=3, **options):
    facts = {"task": classes_of(classes), "view": view_of(30), "seed": 0}
    options = KernelOptions(**options)
    return KernelLogistic.fit(sequence_set(rows), np.array(labels), options=options, **facts)


def scale(kernel_values, gamma):
    """A Gaussian kernel of rows of length 1, moved to be 0 where they have nothing in common."""
    least = np.exp(-2 * gamma)
    return (kernel_values - least) / (1 - least)


@pytest.mark.parametrize("classes", [2, 4])
def test_predictions_are_a_logistic_regression_on_the_kernels_features(classes):
    train, rows, gamma = draw(90, 0), draw(40, 1), 0.7
    labels = np.random.default_rng(2).integers(0, classes, 90)
    setting = {"orders": 1, "gamma": gamma, "strength": 5.0, "tolerance": 1e-7}
    member = fit(train, labels, classes, **setting)
    texts = [[" ".join(f"t{token:02d}" for token in row) for row in part] for part in (train, rows)]
    weigher = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\S+").fit(texts[0])
    seen, later = (weigher.transform(part) for part in texts)
    of_train = scale(rbf_kernel(seen, gamma=gamma), gamma)
    values, vectors = np.linalg.eigh(of_train)
    whiten = vectors / np.sqrt(np.maximum(values, 1e-9))
    features = [
        np.hstack([scale(rbf_kernel(part, seen, gamma=gamma), gamma) @ whiten, np.ones((n, 1))])
        for part, n in ((seen, 90), (later, 40))
    ]
    oracle = LogisticRegression(C=5.0, fit_intercept=False, tol=1e-9, max_iter=5_000)
    expected = oracle.fit(features[0], labels).predict_proba(features[1])
    np.testing.assert_allclose(member.predict(sequence_set(rows)), expected, atol=2e-3)


def test_it_sees_which_items_occur_together_and_a_linear_member_does_not():
    rows = [[0, 1], [2, 3], [0, 3], [2, 1]] * 50
    labels = np.array([0, 0, 1, 1] * 50)
    facts = {"task": classes_of(2), "view": view_of(4), "seed": 0}
    linear = TfidfLogistic.fit(
        sequence_set(rows), labels, options=TfidfOptions(orders=1, has_ends=False), **facts
    )
    right = [
        (member.predict(sequence_set(rows)).argmax(1) == labels).mean()
        for member in (linear, fit(rows, labels, 2, gamma=1.0))
    ]
    assert right[0] <= 0.75
    assert right[1] == 1.0


def test_blocks_do_not_matter(monkeypatch):
    train, labels, rows = draw(60, 0), np.arange(60) % 3, sequence_set(draw(50, 1))
    whole = fit(train, labels).predict(rows)
    monkeypatch.setattr(kernel, "_CHUNK", 60 * 7)
    np.testing.assert_allclose(fit(train, labels).predict(rows), whole, atol=1e-5)


def test_arrays_give_the_same_member_again():
    member, rows = fit(draw(60, 0), np.arange(60) % 3), sequence_set(draw(50, 1))
    again = KernelLogistic.from_arrays(member.arrays(), member.view, member.task)
    assert again.predict(rows).tobytes() == member.predict(rows).tobytes()


def test_of_too_many_rows_some_are_drawn():
    member = fit(draw(60, 0), np.arange(60) % 3, most_rows=25)
    assert member.rows.shape[0] == 25
    assert len(np.unique(member.predict(sequence_set(draw(50, 1))), axis=0)) > 40
