"""Explanations of labels and numbers: which column, what its tokens add, and in which words."""

import dataclasses

import numpy as np
import pytest
from conftest import classes_of, sequence_set, view_of
from fit_examples import make_context
from scipy.special import logit

from seqblend.explaining.ngram_contributions import token_contributions, weights_for
from seqblend.explaining.report_rows import choose_rows
from seqblend.explaining.row_explanation import (
    RowExplanation,
    explain_row,
    explained_column,
    extend_lexicon,
)
from seqblend.explaining.row_output import describe, describe_method
from seqblend.tasks.task import task_for
from seqblend.training.contract import Rows
from seqblend.training.members import fit_member

COLUMNS = ("a", "b")
NUMBERS, LABELS = (task_for(name, COLUMNS) for name in ("regression", "multi_label"))
TOKENS = np.array([0, 5, 5, 8, 3, 11], dtype=np.int32)


def fit(name, task, n=120):
    """A member whose first column follows from token 0, and its second from token 1."""
    rng = np.random.default_rng(0)
    holds = rng.random((n, len(task.columns))) < 0.5
    rows = [[*np.flatnonzero(row).tolist(), *rng.integers(3, 12, 5).tolist()] for row in holds]
    targets = (
        holds.astype(np.int64)
        if task.has_probabilities
        else 10 + holds * [5.0, -1.0][: holds.shape[1]]
    )
    context = dataclasses.replace(make_context(name), task=task, view=view_of(12))
    part = Rows(sequence_set(rows), targets)
    return fit_member(part, part, context)


@pytest.mark.parametrize("task", [NUMBERS, LABELS, task_for("regression", ("a",))])
@pytest.mark.parametrize("name", ["nblr", "tfidf"])
def test_shares_and_the_bias_sum_to_the_prediction_of_their_column(name, task):
    model = fit(name, task).model
    p = model.predict(sequence_set([TOKENS.tolist()])).astype(np.float64)[0]
    for k in range(len(task.columns)):
        bias = float(weights_for(model, np.asarray(model.bias)[:, None], k)[0])
        total = token_contributions(model, TOKENS, k).sum() + bias
        assert total == pytest.approx(p[k] if task is not LABELS else logit(p[k]), abs=2e-3)
    assert token_contributions(model, TOKENS, 0).argmax() == 0


@pytest.mark.parametrize("name", ["nblr", "bigru_attention"])
@pytest.mark.parametrize("task", [NUMBERS, LABELS])
def test_a_row_is_explained_by_the_column_that_is_asked_for(name, task):
    member = extend_lexicon(fit(name, task), view_of(13))
    truth = np.array([10.0, 99.0]) if task is NUMBERS else np.array([1, 1])
    plain = explain_row(member, TOKENS, task, empty=12)
    told = explain_row(member, TOKENS, task, empty=12, truth=truth)
    assert plain.target == (0 if task is NUMBERS else int(plain.p.argmax()))
    assert told.target == int(np.abs(truth - told.p).argmax()) == 1
    shorter = [np.delete(TOKENS, i).tolist() for i in range(len(TOKENS))]
    expected = told.p[1] - member.predict(sequence_set(shorter))[:, 1]
    np.testing.assert_allclose(told.weights["occlusion"], expected, atol=1e-5)


def test_of_classes_the_most_likely_one_is_explained_whatever_the_truth():
    assert explained_column(classes_of(3), np.array([0.2, 0.5, 0.3]), np.int64(0)) == 1


def test_the_rows_of_largest_loss_are_explained_with_three_better_ones_among_the_first():
    targets = np.zeros((50, 2))
    p = np.repeat(np.arange(50.0)[:, None], 2, axis=1)
    fold = np.zeros(50, dtype=np.int64)
    fold[49] = -1
    rows = choose_rows(NUMBERS, targets, p, fold)
    assert rows[:3].tolist() == [48, 47, 46]
    assert rows[3:6].tolist() == [2, 9, 16]  # the 19 others at their quantiles
    assert rows[6:].tolist() == list(range(45, 18, -1))


def test_the_facts_are_said_in_words_of_the_task():
    of_numbers = RowExplanation(TOKENS, np.float32([2.5, 7.0]), 0, {})
    assert describe(of_numbers, NUMBERS, np.array([3.25, 7.0])) == (
        "predicted a 2.5000; its true value is 3.25"
    )
    assert describe(of_numbers, NUMBERS, None) == "predicted a 2.5000"
    of_labels = RowExplanation(TOKENS, np.float32([0.25, 0.5]), 1, {})
    assert describe(of_labels, LABELS, np.array([0, 1])) == (
        "predicted b with probability 0.5000; its true value is 1"
    )


def test_what_occlusion_measures_is_said_in_words_of_the_task():
    assert (
        describe_method("occlusion", NUMBERS) == "how much the prediction falls without the token"
    )
    assert "label's probability" in describe_method("occlusion", LABELS)
    assert "class's probability" in describe_method("occlusion", classes_of(2))
