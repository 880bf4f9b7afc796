"""The reports of labels, grades and numbers: what is defined is right, the rest is left out."""

import csv
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import sequence_set
from report_examples import make_task_report, read_page
from scipy import stats
from sklearn import metrics as oracle

from seqblend.app.display import leaderboard_rows
from seqblend.diagnosis.cards import MemberCard
from seqblend.diagnosis.mislabelled import check_labels
from seqblend.diagnosis.record import Diagnosis
from seqblend.diagnosis.shakeup import ShakeUp
from seqblend.evaluation.cut_points import apply_cut_points
from seqblend.reporting.facts.breakdowns import score_by_length
from seqblend.reporting.facts.cell_mistakes import tabulate_worst_labels, tabulate_worst_numbers
from seqblend.reporting.facts.columns import measure_label, tabulate_labels, tabulate_numbers
from seqblend.reporting.facts.datacard import describe_targets
from seqblend.reporting.facts.entries import rank_entries
from seqblend.reporting.facts.explanations import Explanation
from seqblend.reporting.facts.leaderboard_table import tabulate
from seqblend.reporting.facts.member_table import correlate_errors, tabulate_members
from seqblend.reporting.facts.mistakes import tabulate_suspects
from seqblend.reporting.facts.records import BlendRecord, ModelRecord, RowTexts
from seqblend.reporting.figures.lengths import draw_residuals
from seqblend.reporting.report import write_report
from seqblend.reporting.sections.errors_section import label_errors, number_errors

TASKS = ("multi_label", "ordinal", "regression")
COMMON = {
    *("index.html", "leaderboard.csv", "loss_comparison.png", "history.csv", "members.csv"),
    "error_correlation.png",
}
OWN = {
    "multi_label": {"columns.csv", "calibration.png", "log_loss_by_length.png"},
    "ordinal": {"cm_nblr.png", "cm_blend.png", "classes.csv", "accuracy_by_length.png"},
    "regression": {
        *("columns.csv", "predictions_0.png", "predictions_1.png"),
        *("residuals_by_length.png", "squared_error_by_length.png"),
    },
}


@pytest.mark.parametrize("name", TASKS)
def test_a_report_has_what_its_task_defines_and_nothing_else(name, tmp_path):
    write_report(make_task_report(name), tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= COMMON | OWN[name]
    assert not any(names & (own - OWN[name]) for own in OWN.values())
    page = read_page(tmp_path)
    assert "undefined" not in page
    assert "nan" not in page.lower().split()
    if name != "ordinal":
        for word in (
            "accuracy",
            "class",
            "Confusion",
            "ECE |" if name == "regression" else "kappa",
        ):
            assert word not in page, word


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("multi_label", ["OOF mean_auc", "mean log loss"]),
        ("ordinal", ["OOF qwk", "accuracy", "log loss"]),
        ("regression", ["OOF rmse"]),
    ],
)
def test_the_terminal_shows_the_scores_that_the_task_has(name, shown):
    data = make_task_report(name)
    columns, rows = leaderboard_rows(data, rank_entries(data))
    assert columns == ["model", *shown, "diff.", "± margin", "epochs", "time"]
    assert len(rows) == 3


def test_epochs_to_a_share_of_the_accuracy_are_of_classes_alone():
    keys = {name: _keys(tabulate_board(make_task_report(name))) for name in TASKS}
    assert "epochs_to_99" in keys["ordinal"]
    assert "epochs_to_99" not in keys["multi_label"] | keys["regression"]
    assert "calibration_error" in keys["ordinal"]
    assert keys["regression"] >= {"rmse", "mae", "mcrmse", "r2", "pearson", "spearman"}


def tabulate_board(data):
    return tabulate(data, rank_entries(data))


def _keys(table):
    return {column.key for column in table.columns}


def test_labels_are_scored_as_scikit_learn_scores_them():
    data = make_task_report("multi_label")
    entries = rank_entries(data)
    table = tabulate_labels(data, entries).frame().set_index(["model", "column"])
    assert len(table) == 9
    for record in data.records:
        for k, column in enumerate(data.task.columns):
            y, p = data.targets[:, k], record.oof[:, k].astype(float)
            row = table.loc[record.name, column]
            assert row["ones"] == y.sum()
            assert row["share"] == pytest.approx(y.mean())
            assert row["auc"] == pytest.approx(oracle.roc_auc_score(y, p))
            assert row["average_precision"] == pytest.approx(oracle.average_precision_score(y, p))
            assert row["f1"] == pytest.approx(oracle.f1_score(y, p > 0.5))
            assert row["log_loss"] == pytest.approx(oracle.log_loss(y, p))


def test_a_label_without_a_row_of_1_has_scores_where_they_are_defined(tmp_path):
    data = make_task_report("multi_label")
    targets = data.targets.copy()
    targets[:, 1] = 0
    write_report(replace(data, targets=targets), tmp_path)
    rows = read_csv(tmp_path / "columns.csv")
    empty = next(row for row in rows if row["model"] == "nblr" and row["column"] == "rude")
    assert (empty["ones"], empty["auc"]) == ("0", "undefined")
    assert float(empty["log_loss"]) > 0


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_calibration_error_of_a_label_is_that_of_its_probability_of_1():
    labels = np.array([0, 1] * 50)
    assert measure_label(labels, np.full(100, 0.7)).error == pytest.approx(0.2, abs=0.05)
    p = np.repeat([0.1, 0.9], 50)
    exact = (np.arange(100) % 10 < np.repeat([1, 9], 50)).astype(int)
    found = measure_label(exact, p)
    assert np.average(found.confidence, weights=found.rows) == pytest.approx(p.mean())
    assert np.average(found.accuracy, weights=found.rows) == pytest.approx(exact.mean())
    assert measure_label(1 - exact, p).error > 0.7


def test_numbers_are_scored_as_scipy_and_scikit_learn_score_them():
    data = make_task_report("regression")
    table = tabulate_numbers(data, rank_entries(data)).frame().set_index(["model", "column"])
    for record in data.records:
        for k, column in enumerate(data.task.columns):
            y, p = data.targets[:, k], record.oof[:, k].astype(float)
            row = table.loc[record.name, column]
            assert row["mean"] == pytest.approx(y.mean())
            assert row["std"] == pytest.approx(y.std())
            assert row["rmse"] == pytest.approx(np.sqrt(oracle.mean_squared_error(y, p)))
            assert row["mae"] == pytest.approx(oracle.mean_absolute_error(y, p))
            assert row["r2"] == pytest.approx(oracle.r2_score(y, p))
            assert row["pearson"] == pytest.approx(stats.pearsonr(y, p)[0])
            assert row["spearman"] == pytest.approx(stats.spearmanr(y, p)[0])


def made_of(data, array):
    """The report with one model alone, whose predictions these are, and its only entry."""
    alone = replace(data, records=[ModelRecord("only", "only-1", array)], blend=None)
    return alone, rank_entries(alone)


def test_the_worst_labels_are_rows_of_highest_loss_with_what_is_wrong_in_them():
    data = make_task_report("multi_label")
    targets = np.zeros((120, 3), dtype=np.int64)
    targets[:60] = 1
    p = np.where(targets == 1, 0.9, 0.1).astype(np.float32)
    p[5] = [0.2, 0.9, 0.4]  # two missed
    p[70] = [0.1, 0.05, 0.99]  # one added, by far
    p[80] = 0.49  # unsure, but right
    data, entries = made_of(replace(data, targets=targets), p)
    table = tabulate_worst_labels(data, entries[0]).frame()
    assert table["row"].tolist() == ["70", "5"]
    assert table["missed"].tolist() == ["", "toxic 0.2000, odd 0.4000"]
    assert table["added"].tolist() == ["odd 0.9900", ""]
    by_hand = -np.log([0.9, 0.95, 0.01]).mean(), -np.log([0.2, 0.9, 0.4]).mean()
    np.testing.assert_allclose(table["loss"], by_hand, rtol=1e-5)
    lead = label_errors(data, entries).lead
    assert lead == "only has a wrong label in 2 of 120 rows (1.7 %); 0.8 % of all labels are wrong."


def test_without_a_wrong_label_there_are_no_worst_rows():
    data = make_task_report("multi_label")
    right = np.where(data.targets == 1, 0.8, 0.2).astype(np.float32)
    data, entries = made_of(data, right)
    assert label_errors(data, entries).blocks == []


def test_the_worst_number_is_that_of_the_column_that_is_farthest_off_in_its_own_scale():
    data = make_task_report("regression")
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(120, 2)) * [100.0, 1.0]
    predicted = targets.copy()
    predicted[3] += [0.0, 40.0]
    predicted[9] -= [45.0, 3.0]  # half a standard deviation, and three
    predicted[20] += [30.0, 0.01]
    data, entries = made_of(replace(data, targets=targets), predicted.astype(np.float32))
    table = tabulate_worst_numbers(data, entries[0]).frame()
    assert table["row"][:3].tolist() == ["9", "3", "20"]
    assert table["column"][:3].tolist() == ["size", "size", "price"]
    np.testing.assert_allclose(table["residual"][:3], [3.0, -40.0, -30.0], rtol=1e-4)
    np.testing.assert_allclose(table["true"][:3], [targets[9, 1], targets[3, 1], targets[20, 0]])
    share = 100 * (45**2 + 9) / (45**2 + 9 + 40**2 + 30**2)
    lead = number_errors(data, entries).lead
    assert lead == f"only: the worst 1 of 120 rows have {share:.1f} % of the squared error."


def test_a_single_number_needs_no_column_of_columns(tmp_path):
    data = make_task_report("regression", ("price",))
    write_report(data, tmp_path)
    assert "column" not in read_csv(tmp_path / "worst_rows.csv")[0]
    assert not (tmp_path / "predictions_1.png").exists()
    assert "MCRMSE" not in read_page(tmp_path)


def test_the_loss_by_length_is_the_mean_of_each_tenth_with_its_interval():
    data = make_task_report("regression", lengths=np.repeat([5, 9], 60))
    found = score_by_length(data, rank_entries(data))
    assert (found.what, found.groups) == ("squared error", ["5", "9"])
    losses = ((data.records[0].oof.astype(float) - data.targets) ** 2).mean(axis=1)
    mean, low, high = found.models["nblr"]
    np.testing.assert_allclose(mean, [losses[:60].mean(), losses[60:].mean()])
    half = 1.96 * losses[:60].std() / np.sqrt(60)
    assert (low[0], high[0]) == pytest.approx((mean[0] - half, mean[0] + half), rel=1e-3)


def test_residuals_by_length_name_the_group_that_is_farthest_off():
    lengths = np.repeat([5, 9], 10)
    residuals = np.where(lengths == 9, 1.5, -0.25)[:, None]
    picture = draw_residuals(lengths, residuals, "in units", "blend")
    assert "farthest from 0 at 9 tokens (+1.5000)" in picture.sentence
    assert "predicted too low" in picture.sentence


@pytest.mark.parametrize("name", ["multi_label", "regression"])
def test_correlated_errors_are_means_over_columns(name):
    data = make_task_report(name)
    entries = [entry for entry in rank_entries(data) if not entry.is_blend]
    errors = [e.record.oof.astype(float) - data.targets for e in entries]
    if name == "multi_label":
        errors = np.abs(errors)
    expected = [
        np.corrcoef(errors[0][:, k], errors[1][:, k])[0, 1] for k in range(len(data.task.columns))
    ]
    assert correlate_errors(data, entries)[0, 1] == pytest.approx(np.mean(expected), abs=1e-6)


def test_members_columns_say_what_is_compared():
    titles = {
        name: [column.title for column in tabulate_members(data, data.blend).columns]
        for name in TASKS
        if (data := make_task_report(name))
    }
    assert titles["ordinal"][-1] == "disagreement"
    assert titles["multi_label"][-1] == titles["regression"][-1] == "1 - correlation"


def test_the_loss_of_members_is_named_on_the_page(tmp_path):
    for name, words in (
        ("multi_label", "log loss of a log-odds blend"),
        ("regression", "squared error of a linear blend"),
    ):
        write_report(make_task_report(name), tmp_path / name)
        assert words in read_page(tmp_path / name)


def test_temperatures_of_columns_are_one_cell_of_the_history(tmp_path):
    write_report(make_task_report("multi_label"), tmp_path)
    assert read_csv(tmp_path / "history.csv")[0]["valid_temperature"] == "1 1 1"


def test_decisions_on_grades_are_shown_with_the_one_that_is_submitted(tmp_path):
    data = make_task_report("ordinal")
    decisions = [("the largest probability", 0.5, False), ("cut points", 0.625, True)]
    write_report(replace(data, blend=replace(data.blend, decisions=decisions)), tmp_path)
    page = read_page(tmp_path)
    assert "grade by | QWK, cross-fitted | submitted" in page
    assert "the largest probability | 0.5000 | " in page
    assert "cut points | 0.6250 | yes" in page
    write_report(data, tmp_path / "without")
    assert "Grade decisions" not in read_page(tmp_path / "without")


def test_the_data_card_describes_the_targets_of_each_task():
    labels = make_task_report("multi_label")
    targets = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1]])
    assert describe_targets(labels.task, targets) == (
        "the most frequent, 'toxic' is 1 in 3 rows; the least, 'rude', in 1; 1 rows have none"
    )
    numbers = make_task_report("regression", ("price",))
    assert describe_targets(numbers.task, np.array([[1.0], [3.0]])) == (
        "'price' has mean 2, standard deviation 1, 1 to 3"
    )
    grades = make_task_report("ordinal")
    assert describe_targets(grades.task, np.array([0, 1, 2, 3])) == "every class has 1 rows"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("multi_label", "blue supports the label, orange contradicts it"),
        ("ordinal", "blue supports the grade, orange contradicts it"),
        ("regression", "blue raises the number, orange lowers it"),
    ],
)
def test_explanations_say_what_the_colours_mean(name, words, tmp_path):
    data = make_task_report(name)
    tokens = np.array([0, 1], dtype=np.int32)
    weights = {"occlusion": np.array([0.5, -0.25], np.float32)}
    explanation = Explanation(
        "nblr", np.array([3]), np.array([1]), np.array([0, 2]), tokens, weights
    )
    texts = RowTexts(
        [f"r{i}" for i in range(120)], sequence_set([[0, 1]] * 120), ["good", "bad"], " "
    )
    write_report(replace(data, explanations=[explanation], texts=texts), tmp_path)
    assert words in read_page(tmp_path)
    title = f"row r3, {data.task.column_name[0]} {data.task.columns[1]}"
    assert title in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_a_task_that_has_no_sections_of_its_own_is_reported_all_the_same(tmp_path, monkeypatch):
    data = make_task_report("regression")
    monkeypatch.setattr(type(data.task), "name", "forecast")
    write_report(data, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= COMMON
    assert "columns.csv" not in names


def test_a_blend_of_labels_without_models_rows_is_left_out(tmp_path):
    data = make_task_report("multi_label")
    nothing = np.full((120, 3), np.nan)
    records = [replace(record, oof=nothing.astype(np.float32)) for record in data.records]
    empty = replace(data, records=records, blend=BlendRecord("mean", nothing, None, None))
    write_report(empty, tmp_path)
    assert "Labels of" not in read_page(tmp_path)


@pytest.mark.parametrize("scale", [1e-6, 1e8])
def test_numbers_of_any_size_have_their_digits_everywhere(scale, tmp_path):
    data = make_task_report("regression", ("price",))
    data = scaled(data, scale)
    write_report(data, tmp_path)
    page, table = read_page(tmp_path), read_csv(tmp_path / "leaderboard.csv")
    entries = rank_entries(data)
    for entry in entries:
        assert f"{entry.pooled:.4e}" in page
        assert float(next(r["rmse"] for r in table if r["model"] == entry.name)) == pytest.approx(
            entry.pooled, rel=1e-8
        )
    assert "expected RMSE" in page
    shown = page + str(leaderboard_rows(data, entries)[1])
    assert not re.search(r"0\.0000(?![0-9])", shown)
    assert not re.search(r"\d{8}\.\d{4}", shown)


def scaled(data, scale):
    """The report with targets and predictions in another unit."""
    records = [replace(r, oof=r.oof.astype(np.float64) * scale, weight=0.5) for r in data.records]
    oof = data.blend.oof * scale
    card = MemberCard("nblr", 0.5, *(scale**2 * k for k in (0.01, 0.002, 0.02)), 0.125)
    return replace(
        data,
        targets=data.targets * scale,
        records=records,
        blend=replace(data.blend, oof=oof, cross_fitted=data.blend.cross_fitted * scale),
        diagnosis=Diagnosis([], [ShakeUp(0.2, 10, 0.03 * scale, 0.06 * scale, None)], [card]),
    )


def test_a_task_without_epochs_has_no_words_on_epochs(tmp_path):
    for name in ("with", "without"):
        data = make_task_report("regression", ("price",))
        if name == "without":
            data = replace(data, records=[replace(r, histories=[{}]) for r in data.records])
        write_report(data, tmp_path / name)
        assert ("thin lines are single units" in read_page(tmp_path / name)) == (name == "with")


def test_a_fact_of_the_submission_that_is_none_has_no_row(tmp_path):
    record = {"path": "submissions/toy.csv", "probabilities": None}
    write_report(make_task_report("regression", submission=record), tmp_path)
    page = read_page(tmp_path)
    assert "path | submissions/toy.csv" in page
    assert "probabilities" not in page


def test_no_grade_that_may_be_wrong_is_predicted_as_it_is_labelled():
    data = make_task_report("ordinal")
    nblr = data.records[0]
    check = check_labels("nblr", data.targets, nblr.oof, [str(i) for i in range(120)])
    decided = apply_cut_points(nblr.oof.astype(float), np.array([0.4, 1.5, 2.6]))
    decided[check.details["positions"]] = np.eye(4)[data.targets[check.details["positions"]]]
    blend = replace(data.blend, oof=decided)
    data = replace(data, blend=blend, diagnosis=Diagnosis([check]))
    table = tabulate_suspects(data, rank_entries(data), check).frame()
    assert len(table) > 5
    assert (table["label"] != table["predicted"]).all()
    expected = [data.task.columns[k] for k in nblr.oof[check.details["positions"]].argmax(1)]
    assert table["predicted"].tolist() == expected
