"""The leaderboard: who stands where, with which score, and by how much ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from blend_examples import members

from seqblend.evaluation.leaderboard import (
    Candidate,
    compare_rows,
    rank,
    submitted_row,
)
from seqblend.evaluation.metrics import score, summarise
from seqblend.evaluation.paired import compare_out_of_fold
from seqblend.evaluation.value_metrics import summarise_values

METRICS = ("accuracy", "macro_f1", "log_loss", "auc", "balanced_accuracy", "mcc")
LABELS = np.array([0, 0, 1, 1])
FOLD = np.array([0, 1, 0, 1])


@dataclass(frozen=True)
class Run:
    """What a candidate needs: predictions."""

    oof: np.ndarray


def right_in(*rows, p=0.9):
    """Probabilities of LABELS that are right in these rows alone."""
    of_label = np.where(np.isin(np.arange(4), rows), p, 1 - p)
    return Run(np.stack([np.where(k == LABELS, of_label, 1 - of_label) for k in (0, 1)], axis=1))


THREE, TWO, NONE = right_in(0, 1, 2), right_in(0, 1), Run(np.full((4, 2), np.nan))


def names(rows):
    return [row.name for row in rows]


def test_the_best_comes_first_ties_stay_and_what_has_no_score_is_last():
    candidates = [
        Candidate("none", NONE),
        Candidate("two", TWO),
        Candidate("three", THREE),
        Candidate("also two", right_in(2, 3)),
    ]
    rows = rank("accuracy", LABELS, FOLD, candidates)
    assert names(rows) == ["three", "two", "also two", "none"]
    assert [row.pooled for row in rows] == [0.75, 0.5, 0.5, None]
    assert [len(row.rows) for row in rows] == [4, 4, 4, 0]


def test_less_log_loss_is_better():
    candidates = [
        Candidate("sure and wrong once", THREE),
        Candidate("unsure", right_in(0, 1, 2, 3, p=0.6)),
        Candidate("right", right_in(0, 1, 2, 3)),
    ]
    rows = rank("log_loss", LABELS, FOLD, candidates)
    assert names(rows) == ["right", "unsure", "sure and wrong once"]
    assert rows[0].pooled == pytest.approx(-np.log(0.9))


def test_only_rows_with_a_fold_and_a_prediction_are_scored():
    oof = right_in(0, 1, 2).oof.copy()
    oof[0] = np.nan
    (row,) = rank("accuracy", LABELS, np.array([0, 1, 0, -1]), [Candidate("a", Run(oof))])
    assert row.rows.tolist() == [1, 2]
    assert row.pooled == 1.0


def test_a_blends_own_score_and_interval_stand_and_decide_its_place():
    blend = Candidate("blend", TWO, is_blend=True, score=0.9, interval=(0.8, 0.95))
    rows = rank("accuracy", LABELS, FOLD, [Candidate("three", THREE), blend], resamples=50)
    assert names(rows) == ["blend", "three"]
    assert (rows[0].pooled, rows[0].interval, rows[0].split) == (0.9, (0.8, 0.95), "cross-fitted")
    assert rows[1].split == "out of fold"
    assert rows[1].interval[0] <= 0.75 <= rows[1].interval[1]


def test_the_blend_is_submitted_wherever_it_stands_and_else_the_best_model():
    blend = Candidate("blend", TWO, is_blend=True)
    models = [Candidate("two", TWO), Candidate("three", THREE)]
    assert submitted_row(rank("accuracy", LABELS, FOLD, [blend, *models])).name == "blend"
    assert submitted_row(rank("accuracy", LABELS, FOLD, models)).name == "three"
    assert submitted_row(rank("accuracy", LABELS, FOLD, [Candidate("none", NONE)])) is None


def test_folds_summary_and_interval_come_with_the_bootstrap_and_not_without():
    stack, labels, fold = members(1, 200, 3)
    candidate = Candidate("a", Run(stack[0]), "tuned on these rows")
    (quick,) = rank("macro_f1", labels, fold, [candidate])
    (whole,) = rank("macro_f1", labels, fold, [candidate], resamples=100, summarise=summarise)
    assert (quick.folds, quick.summary, quick.interval, len(quick.draws)) == ([], {}, None, 0)
    assert quick.pooled == whole.pooled
    by_fold = [score("macro_f1", labels[fold == k], stack[0, fold == k]) for k in range(5)]
    assert whole.folds == by_fold
    assert whole.spread == pytest.approx(np.std(by_fold, ddof=1))
    assert whole.summary == summarise(labels, stack[0])
    assert whole.interval == tuple(np.quantile(whole.draws, [0.025, 0.975]))
    assert whole.split == "out of fold, tuned on these rows"


@pytest.mark.parametrize("metric", METRICS)
def test_rows_are_compared_where_both_have_predictions_with_the_draws_that_are_there(metric):
    stack, labels, fold = members(3, 300, 3)
    stack[2, :40] = np.nan
    candidates = [Candidate(name, Run(p)) for name, p in zip("abc", stack, strict=True)]
    rows = {row.name: row for row in rank(metric, labels, fold, candidates, resamples=1000)}
    alike = compare_rows(metric, labels, fold, rows["a"], rows["b"])
    assert alike == compare_out_of_fold(metric, labels, fold, stack[0], stack[1])
    fewer = compare_rows(metric, labels, fold, rows["a"], rows["c"])
    assert fewer == compare_out_of_fold(
        metric, labels[40:], fold[40:], stack[0, 40:], stack[2, 40:]
    )
    assert fewer.n == 260


def test_numbers_and_columns_are_ranked_and_summarised_by_what_is_given():
    rng = np.random.default_rng(0)
    targets, fold = rng.normal(size=(60, 2)), np.arange(60) % 3
    fold[:5] = -1
    near, far = (Run(targets + rng.normal(0, error, (60, 2))) for error in (0.3, 0.6))
    candidates = [Candidate("far", far), Candidate("near", near)]
    rows = rank("mcrmse", targets, fold, candidates, resamples=50, summarise=summarise_values)
    assert names(rows) == ["near", "far"]
    assert rows[0].summary == summarise_values(targets[5:], near.oof[5:])
    assert rows[0].pooled == rows[0].summary["mcrmse"]
    assert len(rows[0].folds) == 3
    assert compare_rows("mcrmse", targets, fold, *rows).mean > 0
    plain = rank("mcrmse", targets, fold, candidates, resamples=50)
    assert [row.summary for row in plain] == [{}, {}]
    assert plain[0].interval == rows[0].interval
