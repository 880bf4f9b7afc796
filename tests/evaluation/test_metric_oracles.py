"""Every metric against scikit-learn's or scipy's, and None where those are undefined."""

from __future__ import annotations

import metric_examples as examples
import numpy as np
import pytest
import sklearn.metrics as oracle
from metric_examples import defined, mean_defined
from scipy.stats import pearsonr, spearmanr

from seqblend.evaluation.metrics import score


def one_against_rest(function, labels, p):
    """The mean over classes; of two classes the second's."""
    which = [1] if p.shape[1] == 2 else range(p.shape[1])
    return mean_defined(defined(function, labels == k, p[:, k]) for k in which)


def each_column(function, targets, array):
    return mean_defined(defined(function, *pair) for pair in zip(targets.T, array.T, strict=True))


def correlation(function, targets, array):
    if len(targets) < 2:
        return None
    return each_column(lambda y, x: function(y, x).statistic, targets, array)


def precision_at(labels, p, k):
    """Kaggle's apk with one right answer: 1 / its place among the first k guesses."""
    guesses = np.argsort(-p, axis=1, kind="stable")[:, :k].tolist()
    pairs = zip(guesses, labels, strict=True)
    return np.mean([1 / (1 + row.index(y)) if y in row else 0 for row, y in pairs])


def top_k(labels, p, k):
    """scikit-learn ranks the higher column first on ties: columns are turned round."""
    c = p.shape[1]
    if c == 2:
        return None if k > 1 else oracle.accuracy_score(labels, p[:, 1] > p[:, 0])
    turned = c - 1 - labels
    return defined(oracle.top_k_accuracy_score, turned, p[:, ::-1], k=k, labels=range(c))


def f_score(average):
    return lambda y, p: defined(oracle.f1_score, y, p.argmax(1), average=average)


OF_CLASSES = {
    "accuracy": lambda y, p: oracle.accuracy_score(y, p.argmax(1)),
    "balanced_accuracy": lambda y, p: defined(oracle.balanced_accuracy_score, y, p.argmax(1)),
    "macro_f1": f_score("macro"),
    "weighted_f1": f_score("weighted"),
    "mcc": lambda y, p: (
        defined(oracle.matthews_corrcoef, y, p.argmax(1)) if np.ptp(y) else None
    ),  # scikit-learn says 0
    "log_loss": lambda y, p: oracle.log_loss(y, p, labels=range(p.shape[1])),
    "auc": lambda y, p: one_against_rest(oracle.roc_auc_score, y, p),
    "average_precision": lambda y, p: one_against_rest(oracle.average_precision_score, y, p),
    "qwk": lambda y, p: defined(
        oracle.cohen_kappa_score, y, p.argmax(1), labels=range(p.shape[1]), weights="quadratic"
    ),
    "map@1": lambda y, p: precision_at(y, p, 1),
    "map@3": lambda y, p: precision_at(y, p, 3),
    "top@1": lambda y, p: top_k(y, p, 1),
    "top@2": lambda y, p: top_k(y, p, 2),
    "top@4": lambda y, p: top_k(y, p, 4),
}
OF_COLUMNS = {
    "mean_auc": lambda y, p: each_column(oracle.roc_auc_score, y, p),
    "mean_log_loss": lambda y, p: np.mean(
        [oracle.log_loss(y[:, j], p[:, j], labels=[0, 1]) for j in range(y.shape[1])]
    ),
    "mean_average_precision": lambda y, p: each_column(oracle.average_precision_score, y, p),
    "column_macro_f1": lambda y, p: each_column(oracle.f1_score, y, p > 0.5),
    "column_micro_f1": lambda y, p: defined(oracle.f1_score, y.ravel(), (p > 0.5).ravel()),
}
OF_VALUES = {
    "rmse": lambda y, x: oracle.mean_squared_error(y.ravel(), x.ravel()) ** 0.5,
    "mcrmse": lambda y, x: np.mean(
        oracle.mean_squared_error(y, x, multioutput="raw_values") ** 0.5
    ),
    "mae": oracle.mean_absolute_error,
    "r2": lambda y, x: defined(oracle.r2_score, y, x),
    "pearson": lambda y, x: correlation(pearsonr, y, x),
    "spearman": lambda y, x: correlation(spearmanr, y, x),
}


def check(metric, function, draw, seeds):
    """Equal to the reference for each seed; says how often that is undefined."""
    undefined = 0
    for seed in seeds:
        targets, array = draw(seed)
        expected = function(targets, array)
        undefined += expected is None
        found = score(metric, targets, array)
        message = f"seed {seed}: {found}, expected {expected}"
        assert (found is None) == (expected is None), message
        assert found is None or found == pytest.approx(expected, abs=1e-12), message
    return undefined


KINDS = [
    *((name, function, examples.classes) for name, function in OF_CLASSES.items()),
    ("f1", f_score("binary"), lambda seed: examples.classes(seed, 2)),
    *((name, function, examples.columns) for name, function in OF_COLUMNS.items()),
    *((name, function, examples.values) for name, function in OF_VALUES.items()),
]


@pytest.mark.parametrize(("metric", "function", "draw"), KINDS, ids=[kind[0] for kind in KINDS])
def test_every_metric_is_the_references_on_small_samples(metric, function, draw):
    check(metric, function, draw, range(60))


@pytest.mark.slow
@pytest.mark.parametrize(("metric", "function", "draw"), KINDS, ids=[kind[0] for kind in KINDS])
def test_every_metric_is_the_references_on_1000_samples(metric, function, draw):
    print(f"{metric}: {check(metric, function, draw, range(1_000))} of 1,000 undefined")


@pytest.mark.fault("N2")
@pytest.mark.parametrize(
    ("metric", "targets", "array"),
    [
        ("average_precision", [0, 0], [[0.6, 0.4], [0.3, 0.7]]),
        ("f1", [0, 0], [[0.6, 0.4], [0.7, 0.3]]),
        ("f1", [0, 1, 2], np.eye(3)),
        ("qwk", [1, 1], [[0.0, 1.0, 0.0]] * 2),
        ("top@3", [0, 1], np.eye(3)[:2]),
        ("mean_auc", [[1], [1]], [[0.2], [0.8]]),
        ("mean_average_precision", [[0], [0]], [[0.2], [0.8]]),
        ("column_macro_f1", [[0], [0]], [[0.2], [0.3]]),
        ("column_micro_f1", [[0], [0]], [[0.2], [0.3]]),
        ("r2", [[1.0]], [[1.0]]),
        ("pearson", [[0.1], [0.1], [0.1]], [[1.0], [2.0], [3.0]]),
        ("pearson", [[1.0], [2.0]], [[0.1], [0.1]]),
        ("spearman", [[2.0], [2.0]], [[1.0], [2.0]]),
    ],
)
def test_what_is_undefined_is_none(metric, targets, array):
    assert score(metric, np.array(targets), np.array(array, dtype=np.float64)) is None


def test_a_column_or_class_where_a_mean_is_undefined_is_left_out():
    targets = np.array([[0, 1, 0], [1, 1, 0], [1, 1, 0]])
    p = np.array([[0.6, 0.5, 0.1], [0.7, 0.5, 0.1], [0.4, 0.5, 0.1]])
    assert score("mean_auc", targets, p) == 0.5
    assert score("mean_average_precision", targets, p) == pytest.approx(
        np.mean([(1 + 2 / 3) / 2, 1])
    )
    assert score("column_macro_f1", targets, p) == pytest.approx(np.mean([0.5, 0.0]))


def test_half_is_no_label_and_no_log_loss_is_infinite():
    assert score("column_micro_f1", np.array([[1]]), np.array([[0.5]])) == 0.0
    certain = score("mean_log_loss", np.array([[1, 0]]), np.array([[0.0, 1.0]], np.float32))
    assert certain == pytest.approx(-np.log(1e-7))


def test_the_class_in_the_lower_column_is_guessed_first_on_ties():
    p = np.full((3, 3), 1 / 3)
    assert score("map@3", np.arange(3), p) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert score("map@2", np.arange(3), p) == pytest.approx((1 + 1 / 2) / 3)
    assert score("top@2", np.arange(3), p) == pytest.approx(2 / 3)


def test_grades_count_by_their_place_among_all_even_where_some_do_not_occur():
    """Observed squares 0 + 1 + 1; expected (13 + 5 + 10) / 3, of all pairs."""
    predicted = np.eye(4)[[0, 3, 2]]
    assert score("qwk", np.array([0, 2, 3]), predicted) == pytest.approx(1 - 2 / (28 / 3))
    assert score("qwk", np.array([0, 3]), np.eye(4)[[3, 0]]) == -1.0


def test_a_constant_target_that_is_no_binary_fraction_explains_nothing():
    """scikit-learn's mean of three times 0.1 is not 0.1, and its R2 is -1e34."""
    targets = np.full((3, 1), 0.1)
    assert score("r2", targets, targets + 0.5) == 0.0
    assert score("r2", targets, targets) == 1.0
