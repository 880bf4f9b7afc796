"""Small competitions of every task: what is inferred, and what is refused with which advice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from seqblend.core.config import DataConfig
from seqblend.core.errors import FlagError, InputError
from seqblend.core.findings import Finding
from seqblend.data.sequences import Competition
from seqblend.reading.cache import load_competition, save_competition
from seqblend.reading.discovery import find_files
from seqblend.reading.number_columns import why_measured
from seqblend.reading.reader import read_competition
from seqblend.tasks.task import task_for

N = 40
WORDS = ["sun", "moon", "rain", "snow", "wind", "fog", "hail", "dust"]
JIGSAW = {"toxic": [1, 0, 1, 0] * 10, "threat": [1, 0, 0, 0] * 10, "insult": [1, 1, 0, 0] * 10}
HALVES = {"score": [1, 1.5, 2, 5.5, 6, 3.5, 4, 2.5] * 5}


def prose(rows: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, 5)) for _ in range(rows)]


def made(folder: Path, targets: dict[str, list], sample: dict[str, object] | None = None) -> Path:
    """A folder with these columns in train; sample: column -> value of every row."""
    sample = dict.fromkeys(targets, 0) if sample is None else sample
    pd.DataFrame({"id": range(N), "text": prose(N, 0)} | targets).to_csv(
        folder / "train.csv", index=False
    )
    pd.DataFrame({"id": [90, 91], "text": prose(2, 1)}).to_csv(folder / "test.csv", index=False)
    if sample:
        pd.DataFrame({"id": [90, 91]} | {k: [v, v] for k, v in sample.items()}).to_csv(
            folder / "sample_submission.csv", index=False
        )
    return folder


def read(folder: Path, metric: str = "", **data: object) -> Competition:
    settings = DataConfig(**data)
    return read_competition(find_files(folder, settings), settings, metric=metric, name="made")


def about(competition: Competition, what: str) -> Finding:
    return next(finding for finding in competition.findings if finding.what == what)


def test_columns_of_0_and_1_that_do_not_exclude_each_other_are_several_labels(tmp_path):
    sample = {"insult": 0.5, "toxic": 0.5, "threat": 0.5}
    found = read(made(tmp_path, JIGSAW, sample))
    assert (found.task.name, found.metric) == ("multi_label", "mean_auc")
    assert found.classes == ("insult", "toxic", "threat")
    assert found.targets.dtype == np.int64
    np.testing.assert_array_equal(found.targets.T, [JIGSAW[name] for name in found.classes])
    assert (found.form.kind, found.form.columns) == ("values", found.classes)
    assert found.form.classes == (0, 1, 2)
    assert not found.form.is_binary
    assert read(tmp_path, "column_macro_f1").form.is_binary


def test_one_1_in_each_row_is_a_label_unless_the_metric_is_of_columns(tmp_path):
    one_hot = {"a": [1, 0, 0, 0] * 10, "b": [0, 1, 0, 1] * 10, "c": [0, 0, 1, 0] * 10}
    folder = made(tmp_path, one_hot, dict.fromkeys(one_hot, 0.3))
    assert (read(folder).task.name, read(folder).metric) == ("single_label", "log_loss")
    assert read(folder, "mean_log_loss").task.name == "multi_label"
    assert read(folder, task="multi_label").targets.shape == (N, 3)
    assert read(folder, "mcrmse").targets.dtype == np.float64


def test_truth_values_are_0_and_1_in_columns(tmp_path):
    truths = {name: [bool(value) for value in values] for name, values in JIGSAW.items()}
    found = read(made(tmp_path, truths, dict.fromkeys(truths, 0.5)))
    assert found.task.name == "multi_label"
    np.testing.assert_array_equal(found.targets.T, list(JIGSAW.values()))


def test_numbers_in_several_columns_are_a_regression(tmp_path):
    targets = {"content": [0.25 * i - 3 for i in range(N)], "wording": [i % 7 for i in range(N)]}
    found = read(made(tmp_path, targets))
    assert (found.task.name, found.metric) == ("regression", "mcrmse")
    assert found.targets.dtype == np.float64
    np.testing.assert_array_equal(found.targets.T, list(targets.values()))
    assert about(found, "metric").why == "a guess; others: --metric spearman, --metric mae"


@pytest.mark.parametrize(
    ("values", "metric", "sample", "task"),
    [
        (HALVES["score"], "", 1.0, "regression"),
        (["0.00", "0.25", "0.50", "1.00"] * 10, "", 0, "regression"),
        (["0", "0.25", "0.5", "1"] * 10, "", 0, "regression"),
        ([7 * i for i in range(N)], "", 0, "regression"),
        ([1, 2, 3, 4] * 10, "", 2.75, "regression"),
        ([1, 2, 3, 4] * 10, "", 2, "single_label"),
        ([1, 2, 3, 4] * 10, "rmse", 2, "regression"),
        ([1, 2, 3, 4] * 10, "spearman", 2, "regression"),
        ([1, 2, 3, 4] * 10, "qwk", 2, "ordinal"),
        ([0, 1] * 20, "", 0.5, "single_label"),
        ([0, 1] * 20, "f1", 0, "single_label"),
        (["0.25", "0.5"] * 20, "accuracy", "0.5", "single_label"),
        (["3.1", "3.9", "3.10"] * 13 + ["3.1"], "", "3.1", "single_label"),
        (["1.0", "2.0"] * 20, "", 1, "single_label"),
        (["007", "012"] * 20, "", "007", "single_label"),
    ],
)
def test_one_column_is_read_by_its_values_and_the_metric(tmp_path, values, metric, sample, task):
    found = read(made(tmp_path, {"score": values}, {"score": sample}), metric)
    assert found.task.name == task
    if task == "regression":
        assert found.classes == ("score",)
        np.testing.assert_array_equal(found.targets[:, 0], np.array(values, dtype=float))
        assert (found.form.kind, found.form.classes) == ("values", (0,))


def test_the_task_may_be_named(tmp_path):
    folder = made(tmp_path, HALVES)
    classes = ("1.0", "1.5", "2.0", "2.5", "3.5", "4.0", "5.5", "6.0")
    assert read(folder, task="single_label").classes == classes
    assert read(folder, task="single_label", target="score").metric == "accuracy"
    assert read(folder, target="score").task.name == "regression"
    graded = read(folder, task="ordinal")
    assert (graded.task.name, graded.metric, graded.classes) == ("ordinal", "qwk", classes)
    with pytest.raises(FlagError, match="no task 'regresion'; did you mean 'regression'"):
        read(folder, task="regresion")


def test_grades_are_in_the_order_of_their_numbers_and_one_number_is_one_grade(tmp_path):
    found = read(made(tmp_path, {"score": ["10", "9", "9.0", "2.5"] * 10}, {"score": 2}), "qwk")
    assert found.classes == ("2.5", "9", "10")
    assert found.targets[:4].tolist() == [2, 1, 1, 0]
    assert (found.form.kind, found.metric) == ("labels", "qwk")


def test_columns_of_targets_may_be_named(tmp_path):
    folder = made(tmp_path, JIGSAW, {"toxic": 0.5, "threat": 0.25, "insult": 0.5})
    two = read(folder, target="toxic,insult")
    assert (two.classes, two.form.columns) == (("toxic", "insult"), ("toxic", "insult"))
    assert two.form.copied == {"threat": ["0.25", "0.25"]}
    alone = made(tmp_path, JIGSAW, {})
    (alone / "sample_submission.csv").unlink()
    assert read(alone, target="toxic,insult").form.names == ("id", "toxic", "insult")
    with pytest.raises(FlagError, match=r"has no column 'toxik'; did you mean 'toxic'"):
        read(folder, target="toxik,insult")


@pytest.mark.parametrize(
    ("targets", "metric", "message"),
    [
        (JIGSAW | {"toxic": [1, "", 0, ""] * 10}, "", r"'toxic': 20 values are missing, .* line 3"),
        ({"y": [0.5, np.nan] * 20}, "", r"column 'y': 20 values are missing, the first \(''\)"),
        ({"y": [0.5, "inf"] * 20}, "", r"column 'y': 20 values are missing, the first \('inf'\)"),
        ({"y": [1, "x", 2, 3] * 10}, "rmse", r"10 values are no numbers, the first \('x'\) .* 3\."),
        ({"y": ["good", "bad"] * 20}, "qwk", r"have to be numbers, 40 are none \(bad, good\)"),
        ({"y": [2.5] * N}, "", "every value is 2.5; expected at least two"),
        (JIGSAW | {"b": ["hm"] * N}, "", r"column 'b': 40 values are no numbers"),
    ],
)
def test_what_is_no_target_is_named_with_count_and_first_row(tmp_path, targets, metric, message):
    folder = made(tmp_path, targets)
    with pytest.raises(InputError, match=message):
        read(folder, metric)


def test_columns_that_were_said_to_be_0_and_1_have_to_be(tmp_path):
    folder = made(tmp_path, JIGSAW | {"toxic": [1, 2, 0, -1] * 10})
    with pytest.raises(InputError, match=r"'toxic': 20 values are neither 0 nor 1, .*\('2'\)"):
        read(folder, task="multi_label")
    with pytest.raises(InputError, match="or take a metric of numbers such as --metric mcrmse"):
        read(folder, "mean_auc")
    assert read(folder, "mcrmse").task.name == "regression"


def test_what_is_asked_for_fits_several_columns_where_it_is_named(tmp_path):
    """The metric that the refusal names is defined, and no task of one column is offered."""
    folder = made(tmp_path, JIGSAW)
    for metric in ("auc", "mcc"):
        with pytest.raises(FlagError) as refused:
            read(folder, metric)
        assert "data.task" not in str(refused.value)
    assert read(folder, "mean_auc").task.name == "multi_label"
    one = made(tmp_path, {"y": [0, 1] * 20})
    with pytest.raises(FlagError, match=r"name such a task with --set data\.task"):
        read(one, "mean_auc")


def test_top_k_of_fewer_than_all_classes_is_a_metric(tmp_path):
    assert read(made(tmp_path, {"y": [1, 2, 3, 4] * 10}), "top@3").metric == "top@3"


def test_many_whole_numbers_are_a_quantity_where_most_are_rare(tmp_path):
    rare = [*range(100, 121), 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7]
    found = read(made(tmp_path, {"y": rare}))
    assert found.task.name == "regression"
    assert about(found, "task").why == "22 different numbers in 40 rows"
    rows = [[k] * 2 for k in range(12)] + [[k] * 6 for k in range(12, 23)]
    assert why_measured([str(k) for part in rows for k in part], []) == (
        "23 different whole numbers, 12 of them in under 5 rows"
    )
    often = [[k] * 2 for k in range(11)] + [[k] * 6 for k in range(11, 46)]
    assert why_measured([str(k) for part in often for k in part], []) == ""
    few = [[k] * 2 for k in range(19)] + [[19] * 100]
    assert why_measured([str(k) for part in few for k in part], []) == ""
    names = [f"{k:03}" for part in rows for k in part]
    assert why_measured(names, []) == ""


def test_many_whole_numbers_that_are_classes_name_rmse(tmp_path):
    ids = tuple(str(k) for k in range(3, 49))
    assert task_for("single_label", ids).other_metrics == ("macro_f1", "rmse")
    assert task_for("single_label", (*ids, "x")).other_metrics == ("macro_f1", "log_loss")


def test_grades_that_are_not_equally_spaced_are_warned_of(tmp_path):
    found = read(made(tmp_path, {"y": [1, 2, 3, 5] * 10}, {"y": 1}), "qwk")
    assert found.warnings == [
        "grades are not equally spaced (3, 5): kappa counts steps between those that occur"
    ]
    for even in ([2, 4, 6, 8], [0.1, 0.2, 0.3, 0.4]):
        spaced = read(made(tmp_path, {"y": even * 10}, {"y": even[0]}), "qwk")
        assert not any("spaced" in warning for warning in spaced.warnings)


@pytest.mark.parametrize(
    ("targets", "metric", "message"),
    [
        (JIGSAW, "accuracy", r"task is multi_label .* 'accuracy' is not defined; it has mean_auc"),
        (JIGSAW, "log_loss", "not defined: for several labels take --metric mean_log_loss; it has"),
        (JIGSAW, "auc", "for several labels take --metric mean_auc; it has"),
        (JIGSAW, "average_precision", "for several labels take --metric mean_average_precision;"),
        (JIGSAW, "f1", "for several labels take --metric column_macro_f1;"),
        (JIGSAW, "macro_f1", "for several labels take --metric column_macro_f1;"),
        (JIGSAW, "mcc", r"mcc is for one label in each row \(single_label\); [^:]*$"),
        ({"y": [1, 2, 3, 4] * 10}, "top@9", "top@9 counts every label as right: .* 4 cl.* top@3"),
        ({"y": [1, 2, 3, 4] * 10}, "top@4", "there are 4 classes. Take top@3 or less"),
        ({"y": [0, 1] * 20}, "mean_auc", r"for several train columns of 0 and 1 \(multi_label\)"),
        ({"y": ["a", "b"] * 20}, "mean_auc", r"task is single_label \(a, b\), for which"),
        ({"y": ["a", "b", "c", "a"] * 10}, "f1", "f1 is of two classes, the labels have 3. Take"),
        ({"y": [0, 1] * 20}, "best", r"'best' is not defined; it has accuracy, .*top@K$"),
    ],
)
def test_a_metric_of_another_task_says_what_it_would_need(tmp_path, targets, metric, message):
    folder = made(tmp_path, targets)
    with pytest.raises(FlagError, match=message):
        read(folder, metric)


def test_a_metric_of_another_task_than_the_one_named_is_refused(tmp_path):
    folder = made(tmp_path, {"y": [1, 2, 3, 4] * 10})
    for task, metric in (("single_label", "qwk"), ("ordinal", "rmse"), ("regression", "accuracy")):
        with pytest.raises(FlagError, match=f"task is {task} .* '{metric}' is not defined"):
            read(folder, metric, task=task)


@pytest.mark.parametrize(
    ("targets", "sample", "metric", "others"),
    [
        ({"y": [1, 2, 3, 4] * 10}, None, "accuracy", "qwk rmse"),
        ({"y": [0, 1, 2, 5] * 10}, None, "accuracy", "qwk rmse"),
        ({"y": ["1.0", "3.0", "21"] * 13 + ["21"]}, {"y": 1}, "accuracy", "qwk rmse"),
        ({"y": [1, 3, 22, 3] * 10}, None, "accuracy", "macro_f1 log_loss"),
        ({"y": ["01", "02", "03", "04"] * 10}, {"y": "01"}, "accuracy", "macro_f1 log_loss"),
        ({"y": ["a", "b", "c", "d"] * 10}, {"y": "a"}, "accuracy", "macro_f1 log_loss"),
        ({"y": [0, 1] * 20}, None, "accuracy", "f1 auc"),
        ({"y": [0, 1] * 20}, {"y": 0.5}, "auc", "log_loss average_precision"),
        (JIGSAW, None, "mean_auc", "mean_log_loss column_macro_f1"),
        (HALVES, None, "rmse", "pearson mae"),
        (HALVES | {"b": [0.5, 2.5] * 20}, None, "mcrmse", "spearman mae"),
    ],
)
def test_a_guessed_metric_names_the_likeliest_others(tmp_path, targets, sample, metric, others):
    found = read(made(tmp_path, targets, sample))
    said = about(found, "metric")
    assert (found.metric, said.is_guess) == (metric, True)
    assert said.why == "a guess; others: " + ", ".join(f"--metric {o}" for o in others.split())
    given = read(tmp_path, others.split()[0])
    assert not about(given, "metric").is_guess
    assert given.metric == others.split()[0]


def test_a_column_for_each_class_decides_the_metric(tmp_path):
    folder = made(tmp_path, {"y": ["a", "b"] * 20}, {"a": 0.5, "b": 0.5})
    assert (read(folder).metric, about(read(folder), "metric").is_guess) == ("log_loss", False)


@pytest.mark.parametrize(
    ("metric", "kind"),
    [("f1", "labels"), ("mcc", "labels"), ("average_precision", "probability")],
)
def test_the_metric_tells_whether_zeros_are_labels_or_probabilities(tmp_path, metric, kind):
    form = read(made(tmp_path, {"y": [0, 1] * 20}), metric).form
    assert (form.kind, form.is_ambiguous) == (kind, False)


def test_several_guesses_in_a_cell_are_ranked(tmp_path):
    labels = {"y": ["a-1", "b:2", "c", "c"] * 10}
    found = read(made(tmp_path, labels, {"y": "c a-1"}))
    assert (found.form.kind, found.form.guesses, found.metric) == ("ranked", 2, "map@2")
    assert found.classes == ("a-1", "b:2", "c")
    assert not about(found, "metric").is_guess
    single = made(tmp_path, labels, {"y": "c"})
    assert read(single).form.kind == "labels"
    assert (read(single, "map@2").form.kind, read(single, "map@2").form.guesses) == ("ranked", 2)
    assert read(single, "map@5").form.guesses == 3  # there are no more classes


def test_guesses_of_classes_with_spaces_are_refused(tmp_path):
    labels = {"y": ["New York", "Rome", "Oslo", "Rome"] * 10}
    for sample, metric in (("Rome New York Oslo", ""), ("Rome", "map@3")):
        with pytest.raises(InputError, match=r"the class 'New York' contains one. Replace the sp"):
            read(made(tmp_path, labels, {"y": sample}), metric)
    assert read(made(tmp_path, labels, {"y": "New York"})).form.kind == "labels"


def test_a_metric_in_a_file_of_ones_own_leaves_the_task_to_the_files(tmp_path):
    own = "metric.py:gain"
    assert read(made(tmp_path, HALVES), own).task.name == "regression"
    assert read(made(tmp_path, JIGSAW), own).task.name == "multi_label"
    found = read(made(tmp_path, {"y": [0, 1] * 20}), own)
    assert (found.metric, found.task.name) == (own, "single_label")
    assert found.form.is_ambiguous  # labels or probabilities: the name does not tell


@pytest.mark.parametrize(
    ("targets", "metric"), [(JIGSAW, ""), (HALVES, ""), ({"y": [1, 2, 3, 4] * 10}, "qwk")]
)
def test_every_task_comes_back_from_the_cache(tmp_path, targets, metric):
    fresh = read(made(tmp_path, targets), metric)
    save_competition(tmp_path / "data", fresh, "key")
    stored = load_competition(tmp_path / "data")
    assert (stored.task, stored.form, stored.findings) == (fresh.task, fresh.form, fresh.findings)
    assert stored.targets.dtype == fresh.targets.dtype
    np.testing.assert_array_equal(stored.targets, fresh.targets)


def test_a_subset_keeps_the_shares_of_the_strata(tmp_path):
    folder = made(tmp_path, {"y": [0.5] * 30 + [2.5] * 10})
    assert sorted(read(folder, rows=8).targets[:, 0]) == [0.5] * 6 + [2.5] * 2
    several = {"a": [0, 1, 1, 0] * 10, "b": [1, 0, 1, 0] * 10}
    part = read(made(tmp_path, several), rows=8)
    assert len(part.train_ids) == 8
    whole = np.array(list(several.values())).T
    np.testing.assert_array_equal(part.targets, whole[[int(i) for i in part.train_ids]])
