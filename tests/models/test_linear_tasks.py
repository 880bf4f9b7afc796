"""Linear members of other tasks against scikit-learn on the same n-grams."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import sequence_set, view_of
from sklearn.linear_model import LogisticRegression, Ridge

from seqblend.core.seeds import rng_for
from seqblend.data.demo_tasks import VOCABULARY, draw_numbers, draw_tags, sample_scored
from seqblend.evaluation.metrics import score
from seqblend.models.tfidf import TfidfLogistic, TfidfOptions
from seqblend.tasks.task import task_for

TRAIN, VALID = np.arange(1_200), np.arange(1_200, 2_000)
OPTIONS = TfidfOptions(strength=20.0, tolerance=1e-4)


def fit(name: str, targets: np.ndarray, rows):
    """(predictions of the member on the later rows, its features of earlier and later rows)."""
    task = task_for(name, [f"y{j}" for j in range(targets.shape[1])])
    member = TfidfLogistic.fit(
        rows.take(TRAIN),
        targets[TRAIN],
        task=task,
        view=view_of(VOCABULARY + 1),
        options=OPTIONS,
        seed=0,
    )
    seen, later = (member.weigh(member.count(rows.take(part))) for part in (TRAIN, VALID))
    return member.predict(rows.take(VALID)), seen, later


def draw(q: int):
    found = sample_scored(2_000, q, rng_for(5, "linear tasks"))
    return sequence_set([row.tolist() for row in found.rows]), found.scores


def test_columns_are_scikit_learns_logistic_regressions():
    rows, scores = draw(3)
    targets, _ = draw_tags(scores, rng_for(6, "tags"))
    ours, seen, later = fit("multi_label", targets, rows)
    theirs = np.stack(
        [
            LogisticRegression(C=OPTIONS.strength, max_iter=2_000)
            .fit(seen, y[TRAIN])
            .predict_proba(later)[:, 1]
            for y in targets.T
        ],
        axis=1,
    )
    for metric in ("mean_auc", "mean_log_loss"):
        values = [score(metric, targets[VALID], p) for p in (ours, theirs)]
        assert values[0] == pytest.approx(values[1], abs=0.002)


def test_numbers_are_those_of_scikit_learns_ridge_regression():
    rows, scores = draw(2)
    targets, _ = draw_numbers(scores, rng_for(6, "numbers"))
    ours, seen, later = fit("regression", targets, rows)
    theirs = Ridge(alpha=200 / OPTIONS.strength, solver="lsqr", tol=1e-8)
    theirs = theirs.fit(seen, targets[TRAIN]).predict(later)
    np.testing.assert_allclose(ours, theirs, atol=5e-3)
    values = [score("rmse", targets[VALID], p) for p in (ours, theirs)]
    assert values[0] == pytest.approx(values[1], abs=0.002)
