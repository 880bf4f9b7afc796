"""Contributions, bootstraps and weights: three ways to the same figure."""

from __future__ import annotations

import metric_examples as examples
import numpy as np
import pytest
from blend_examples import members

from seqblend.evaluation.bootstrap import bootstrap, score_contributions, weighted_metric
from seqblend.evaluation.metrics import score
from seqblend.evaluation.resampling import standard_error

OLD = ("accuracy", "macro_f1", "log_loss", "auc", "balanced_accuracy", "mcc")
EXACT = [name for name in examples.NAMED if name not in examples.FIRST_ORDER]


def of_repeated_rows(metric, targets, array, weights):
    """float64 [r]: the metric of rows repeated as often as weights float64 [r, n] say."""
    rows = [np.repeat(np.arange(len(targets)), each.astype(int)) for each in weights]
    found = [score(metric, targets[each], array[each]) for each in rows]
    return np.array([np.nan if value is None else value for value in found])


def resampled(n, r, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(r)]).astype(
        float
    )


@pytest.mark.parametrize("metric", EXACT)
@pytest.mark.parametrize("n", [4, 60])
def test_a_row_of_weight_two_counts_as_two_rows(metric, n):
    targets, p, _ = examples.sample(metric, n, seed=n)
    weights = resampled(n, 30)
    with np.errstate(invalid="ignore"):
        found = weighted_metric(metric, targets, p)(weights)
    np.testing.assert_allclose(found, of_repeated_rows(metric, targets, p, weights), atol=1e-12)


@pytest.mark.parametrize("metric", examples.FIRST_ORDER)
def test_first_order_weights_follow_the_repeated_rows(metric):
    targets, p, _ = examples.sample(metric, 800)
    weights = resampled(800, 150)
    found = weighted_metric(metric, targets, p)(weights)
    exact = of_repeated_rows(metric, targets, p, weights)
    assert np.corrcoef(found, exact)[0, 1] > 0.985
    assert np.abs(found - exact).mean() < 0.25 * exact.std()
    assert found.std() == pytest.approx(exact.std(), rel=0.05)
    whole = weighted_metric(metric, targets, p)(np.ones((1, 800)))[0]
    assert whole == pytest.approx(score(metric, targets, p), abs=1e-12)


@pytest.mark.parametrize("metric", ["mean_auc", "mean_average_precision"])
def test_a_resample_without_a_columns_positives_leaves_the_column_out(metric):
    targets = np.array([[1, 0], [1, 1], [0, 0], [0, 1]])
    p = np.array([[0.9, 0.2], [0.3, 0.9], [0.4, 0.3], [0.1, 0.4]])
    both, first = weighted_metric(metric, targets, p)(np.array([[1.0] * 4, [2, 0, 2, 0]]))
    assert both == pytest.approx(score(metric, targets, p))
    alone = weighted_metric(metric, targets[:, :1], p[:, :1])(np.array([[2.0, 0, 2, 0]]))
    assert first == alone[0]


@pytest.mark.parametrize("metric", examples.NAMED)
def test_contributions_give_the_bootstraps_standard_error(metric):
    targets, *both = examples.sample(metric, 1_500)
    parts = [score_contributions(metric, targets, p) for p in both]
    assert parts[0].mean() == pytest.approx(score(metric, targets, both[0]), abs=2e-3)
    drawn = bootstrap(metric, targets, both, 1_000)
    assert standard_error(parts[0]) == pytest.approx(drawn[0].std(), rel=0.1)
    paired = standard_error(parts[0] - parts[1])
    assert paired == pytest.approx((drawn[0] - drawn[1]).std(), rel=0.1)
    assert paired < np.hypot(*(standard_error(part) for part in parts))  # errors are shared


@pytest.mark.parametrize("metric", OLD)
@pytest.mark.parametrize("c", [2, 4])
def test_the_parts_of_rows_give_the_bootstraps_standard_error(metric, c):
    stack, labels, _ = members(2, 1_500, c)
    parts = [score_contributions(metric, labels, p) for p in stack]
    assert parts[0].mean() == pytest.approx(score(metric, labels, stack[0]), abs=2e-3)
    drawn = bootstrap(metric, labels, list(stack), 2_000)
    assert standard_error(parts[0]) == pytest.approx(drawn[0].std(), rel=0.08)
    paired = standard_error(parts[0] - parts[1])
    assert paired == pytest.approx((drawn[0] - drawn[1]).std(), rel=0.08)


@pytest.mark.parametrize("metric", [*OLD, "qwk"])
def test_many_at_once_are_distributed_like_one_at_a_time(metric):
    stack, labels, _ = members(2, 400, 3)
    together = bootstrap(metric, labels, list(stack), 2_000)
    (alone,) = bootstrap(metric, labels, [stack[1]], 2_000)
    shares = [0.025, 0.5, 0.975]
    ends = np.quantile(together[1], shares), np.quantile(alone, shares)
    np.testing.assert_allclose(*ends, atol=0.12 * np.ptp(ends[1]))


@pytest.mark.parametrize("metric", examples.NAMED)
def test_equal_predictions_are_drawn_equal(metric):
    targets, p, _ = examples.sample(metric, 100)
    drawn = bootstrap(metric, targets, [p, p], 50)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert drawn.shape == (2, 50)


@pytest.mark.parametrize(
    ("metric", "targets"),
    [
        *((name, np.zeros(50, np.int64)) for name in ("auc", "mcc", "average_precision", "f1")),
        *((name, np.zeros((50, 2), np.int64)) for name in ("mean_auc", "mean_average_precision")),
        *((name, np.ones((50, 2))) for name in ("pearson", "spearman")),
    ],
)
def test_a_score_that_is_undefined_has_no_parts_and_no_draws(metric, targets):
    stack, _, _ = members(1, 50, 2)
    p = np.tile([0.9, 0.1], (50, 1)) if metric == "f1" else stack[0]
    assert score_contributions(metric, targets, p) is None
    assert np.isnan(bootstrap(metric, targets, [p], 10)).all()


@pytest.mark.parametrize("metric", ["spearman", "average_precision"])
def test_contributions_are_derivatives_by_the_rows_weights(metric):
    """A row added to 4,000 moves the score by its contribution less the score, over n + 1."""
    n = 4_000 if metric == "average_precision" else 400
    targets, p, _ = examples.sample(metric, n)
    parts, whole = score_contributions(metric, targets, p), score(metric, targets, p)
    assert parts.mean() == pytest.approx(whole, abs=1e-12)
    for row in range(0, n, n // 25):
        more = np.append(np.arange(n), row)
        moved = score(metric, targets[more], p[more]) - whole
        assert moved * (n + 1) == pytest.approx(parts[row] - whole, abs=0.03)
