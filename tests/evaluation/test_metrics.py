"""Metrics against scikit-learn, and where they are undefined."""

from __future__ import annotations

import json

import metric_examples as examples
import numpy as np
import pytest
import sklearn.metrics as oracle

from seqblend.core.errors import FlagError
from seqblend.evaluation.column_metrics import summarise_columns
from seqblend.evaluation.metrics import (
    better,
    check_metric,
    confusion_matrix,
    is_of_classes,
    metric_for,
    metric_names,
    predict_classes,
    score,
    sign_of,
    summarise,
)
from seqblend.evaluation.value_metrics import summarise_values

METRICS = ("accuracy", "macro_f1", "log_loss", "auc", "balanced_accuracy", "mcc")


def sample(c: int, n: int = 400, seed: int = 0, decimals: int = 2):
    """Labels and probabilities that know a little, rounded so that ties abound."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(c, n, p=rng.dirichlet(np.full(c, 3.0)))
    logits = rng.normal(size=(n, c)) + 1.2 * np.eye(c)[labels]
    weights = np.round(np.exp(logits), decimals) + 10.0**-decimals
    return labels, weights / weights.sum(1, keepdims=True)


def expected(metric: str, labels: np.ndarray, probabilities: np.ndarray) -> float:
    predicted = probabilities.argmax(1)
    c = probabilities.shape[1]
    return {
        "accuracy": lambda: oracle.accuracy_score(labels, predicted),
        "macro_f1": lambda: oracle.f1_score(labels, predicted, average="macro", zero_division=0),
        "log_loss": lambda: oracle.log_loss(labels, probabilities, labels=range(c)),
        "auc": lambda: oracle.roc_auc_score(
            labels, probabilities[:, 1] if c == 2 else probabilities, multi_class="ovr"
        ),
        "balanced_accuracy": lambda: oracle.balanced_accuracy_score(labels, predicted),
        "mcc": lambda: oracle.matthews_corrcoef(labels, predicted),
    }[metric]()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("c", [2, 3, 7])
def test_every_metric_agrees_with_scikit_learn(metric, c):
    for seed in range(3):
        labels, probabilities = sample(c, seed=seed)
        ours = score(metric, labels, probabilities)
        assert ours == pytest.approx(expected(metric, labels, probabilities), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("acuracy", r"'acuracy'; did you mean 'accuracy'\? Metrics: accuracy, "),
        ("qqq", r"'qqq'\. Metrics: accuracy, .*, map@3, top@3, .*, spearman, FILE\.py:function$"),
        ("map@0", r"'map@0'; did you mean 'map@3'\? Metrics: "),
        ("top@x", r"'top@x'; did you mean 'top@3'\? Metrics: "),
    ],
)
def test_an_unknown_metric_lists_them_all(name, message):
    with pytest.raises(FlagError, match=f"no metric {message}"):
        check_metric(name)


@pytest.mark.parametrize(
    ("kind", "some"),
    [
        ("classes", ("accuracy", "f1", "qwk", "map@K", "top@K")),
        ("columns", ("mean_auc", "column_micro_f1")),
        ("values", ("rmse", "spearman")),
    ],
)
def test_names_are_listed_by_kind_and_each_names_a_metric_of_it(kind, some):
    names = metric_names(kind)
    assert set(some) <= set(names) < set(metric_names())
    for name in names:
        metric = metric_for(name.replace("K", "3"))
        assert (metric.name, metric.kind) == (name.replace("K", "3"), kind)
        assert check_metric(metric.name, kind) == metric.name


def test_a_metric_of_other_targets_lists_those_that_fit():
    with pytest.raises(
        FlagError, match=r"'rmse' is not of these targets\. .* are: mean_auc, mean_l"
    ):
        check_metric("rmse", "columns")


def test_f1_of_three_classes_names_its_siblings():
    assert check_metric("f1", "classes", 2) == "f1"
    with pytest.raises(FlagError, match=r"'f1' is of 2 classes, and there are 3; macro_f1 and wei"):
        check_metric("f1", "classes", 3)


def test_errors_and_losses_are_better_when_lower_and_ranges_are_known():
    lower = {name for name in metric_names() if "@" not in name and sign_of(name) < 0}
    assert lower == {"log_loss", "mean_log_loss", "rmse", "mae", "mcrmse"}
    assert sign_of("map@3") == 1
    ranges = {name: (metric_for(name).lowest, metric_for(name).highest) for name in examples.NAMED}
    assert {name for name, (_, high) in ranges.items() if high == np.inf} == lower
    assert {name for name, (low, _) in ranges.items() if low == -1} == {
        *("mcc", "qwk", "pearson", "spearman")
    }
    assert ranges["r2"] == (-np.inf, 1)
    assert ranges["auc"] == (0, 1)


def test_metrics_of_predicted_classes_do_not_see_how_sure_they_are():
    for name in examples.NAMED:
        targets, p, _ = examples.sample(name, 60)
        if metric_for(name).kind == "classes":
            surer = p**3 / (p**3).sum(1, keepdims=True)
        elif metric_for(name).kind == "columns":
            surer = p**3 / (p**3 + (1 - p) ** 3)
        else:
            surer = 2 * p
        is_same = score(name, targets, surer) == score(name, targets, p)
        ranks = name in ("auc", "mean_auc", "spearman", "pearson", "map@3", "top@2")
        assert is_of_classes(name) == (is_same and not ranks and "precision" not in name), name


def test_a_summary_takes_further_metrics():
    labels, probabilities = sample(5)
    summary = summarise(labels, probabilities, ("qwk", "map@3"))
    assert summary == summarise(labels, probabilities) | {
        name: score(name, labels, probabilities) for name in ("qwk", "map@3")
    }
    assert summarise(labels[:0], probabilities[:0], ("qwk",))["qwk"] is None


def test_columns_and_numbers_are_summarised_by_name():
    targets, p, _ = examples.sample("mean_auc", 50)
    assert summarise_columns(targets, p) == {
        name: score(name, targets, p) for name in examples.COLUMN_METRICS
    }
    y, x, _ = examples.sample("rmse", 50)
    assert summarise_values(y, x) == {name: score(name, y, x) for name in examples.VALUE_METRICS}
    one = summarise_values(y[:, :1], x[:, :1])
    assert set(examples.VALUE_METRICS) - set(one) == {"mcrmse"}
    assert set(summarise_values(y[:0], x[:0]).values()) == {None}


def test_the_summary_agrees_with_scikit_learn():
    labels, probabilities = sample(5)
    summary = summarise(labels, probabilities)
    predicted = probabilities.argmax(1)
    for name, function in (
        ("macro_precision", oracle.precision_score),
        ("macro_recall", oracle.recall_score),
    ):
        value = function(labels, predicted, average="macro", zero_division=0)
        assert summary[name] == pytest.approx(value, abs=1e-12)
    for name in METRICS:
        assert summary[name] == score(name, labels, probabilities)


def test_macro_averages_run_over_classes_that_occur_in_labels_or_predictions():
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 3, 1, 1])  # class 2 never occurs
    summary = summarise(labels, np.eye(4)[predicted])
    for name, function in (
        ("macro_precision", oracle.precision_score),
        ("macro_recall", oracle.recall_score),
        ("macro_f1", oracle.f1_score),
    ):
        value = function(labels, predicted, average="macro", zero_division=0)
        assert summary[name] == pytest.approx(value, abs=1e-12)
    assert summary["macro_precision"] == pytest.approx((1 + 1 + 0) / 3)
    assert summary["balanced_accuracy"] == pytest.approx(0.75)


def test_the_confusion_matrix_has_the_truth_in_its_rows():
    counts = confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 2]), 3)
    np.testing.assert_array_equal(counts, [[1, 0, 1], [0, 1, 0], [0, 0, 1]])
    assert counts.dtype == np.int64


def test_a_tie_goes_to_the_first_class():
    np.testing.assert_array_equal(predict_classes(np.full((2, 2), 0.5)), [0, 0])
    np.testing.assert_array_equal(predict_classes(np.full((2, 4), 0.25)), [0, 0])


def test_auc_counts_a_tie_as_half():
    labels = np.array([0, 0, 1, 1])
    scores = np.array([0.1, 0.5, 0.5, 0.9])
    probabilities = np.stack([1 - scores, scores], 1)
    assert score("auc", labels, probabilities) == pytest.approx(3.5 / 4)


def test_auc_of_many_classes_skips_those_without_both_outcomes():
    labels, probabilities = sample(3)
    padded = np.concatenate([probabilities, np.zeros((len(labels), 1))], 1)
    assert score("auc", labels, padded) == score("auc", labels, probabilities)


def test_log_loss_of_a_certain_error_is_finite():
    labels = np.array([1])
    assert score("log_loss", labels, np.array([[1.0, 0.0]])) == pytest.approx(-np.log(1e-7))


@pytest.mark.fault("N2")
def test_with_one_class_the_undefined_scores_are_none_and_json_takes_the_summary():
    labels, probabilities = np.zeros(5, np.int64), np.tile([0.7, 0.3], (5, 1))
    summary = summarise(labels, probabilities)
    assert summary["auc"] is None
    assert summary["mcc"] is None
    assert summary["accuracy"] == 1.0
    json.dumps(summary, allow_nan=False)


@pytest.mark.parametrize("metric", METRICS)
def test_no_rows_or_a_nan_give_none(metric):
    assert score(metric, np.zeros(0, np.int64), np.zeros((0, 3))) is None
    broken = np.array([[0.5, 0.5], [np.nan, 0.5]])
    assert score(metric, np.array([0, 1]), broken) is None
    assert set(summarise(np.array([0, 1]), broken).values()) == {None}


def test_constant_predictions_have_no_correlation():
    labels = np.array([0, 1, 1])
    assert score("mcc", labels, np.tile([0.9, 0.1], (3, 1))) == 0.0


def test_better_knows_the_direction_and_the_undefined():
    assert better("accuracy", 0.9, 0.8)
    assert not better("accuracy", 0.8, 0.8)
    assert better("log_loss", 0.1, 0.2)
    assert not better("log_loss", 0.2, 0.1)
    assert better("auc", 0.5, None)
    assert not better("auc", None, 0.5)
    assert not better("auc", None, None)
