import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from seqblend.tasks.logistic import LogisticConfig, fit_logistic, predict_logistic


def draw(classes, seed=0, n=80, v=20):
    x = sparse.random(n, v, 0.3, format="csr", random_state=np.random.default_rng(seed))
    return x, np.random.default_rng(seed + 1).integers(0, classes, n)


@pytest.mark.parametrize("classes", [2, 4])
def test_weights_are_those_of_scikit_learn(classes):
    x, labels = draw(classes)
    weights, bias = fit_logistic(x, labels, classes, LogisticConfig(3.0, 1e-9))
    constant = sparse.hstack([x, np.ones((len(labels), 1))]).tocsr()
    oracle = LogisticRegression(C=3.0, tol=1e-10, max_iter=5_000, fit_intercept=False)
    oracle.fit(constant, labels)
    np.testing.assert_allclose(weights, oracle.coef_[:, :-1], atol=1e-5)
    np.testing.assert_allclose(bias, oracle.coef_[:, -1], atol=1e-5)
    p = predict_logistic(x, weights, bias)
    np.testing.assert_allclose(p, oracle.predict_proba(constant), atol=1e-5)


def test_a_weak_penalty_on_separable_rows_ends_with_every_row_right():
    x = sparse.csr_matrix(np.eye(30))
    labels = np.arange(30) % 3
    weights, bias = fit_logistic(x, labels, 3, LogisticConfig(1e6))
    p = predict_logistic(x, weights, bias)
    assert np.isfinite(p).all()
    assert p[np.arange(30), labels].min() > 0.9


def test_rows_without_features_get_the_classes_shares():
    x = sparse.csr_matrix((60, 4))
    labels = np.repeat([0, 1, 2], [30, 20, 10])
    p = predict_logistic(x[:1], *fit_logistic(x, labels, 3, LogisticConfig(1e6, 1e-6)))
    np.testing.assert_allclose(p[0], [1 / 2, 1 / 3, 1 / 6], atol=1e-4)
