"""What a blend says of itself holds: noise does not help it, and intervals cover the truth."""

from __future__ import annotations

import numpy as np
import pytest
from blend_examples import members, noise, softmax

from seqblend.blending.choosing import cross_fit, select_blend
from seqblend.blending.crossfit import Fits, fewer_rows
from seqblend.blending.methods import fit_blend
from seqblend.metrics import score
from seqblend.resampling import bootstrap

NAMES = tuple("abc")


def judged(metric: str, seed: int, extra: int, n: int = 500):
    """What 3 members and `extra` of pure noise come to on n rows."""
    stack, labels, fold = members(3, n, 2, seed)
    stack = np.concatenate([stack, noise(extra, n, 2, 1_000 + seed)])
    names = tuple(f"m{j:02d}" for j in range(len(stack)))
    return select_blend(stack, labels, fold, metric, names)


def flattery(metric: str, method: str, seeds: range) -> tuple[list[float], list[float]]:
    """By how much 50 noise members raise a method's in-sample score, and the whole's honest one."""
    rises, honest = [], []
    sign = -1 if metric == "log_loss" else 1
    for seed in seeds:
        few, many = judged(metric, seed, 0), judged(metric, seed, 50)
        scores = [
            next(row["in_sample"] for row in each.table if row["method"] == method)
            for each in (few, many)
        ]
        rises.append(sign * (scores[1] - scores[0]))
        honest.append(sign * (many.cross_fitted - few.cross_fitted))
    return rises, honest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "method", "error"), [("log_loss", "stacking", 0.02), ("accuracy", "greedy", 0.017)]
)
def test_fifty_noise_members_raise_the_in_sample_score_and_not_the_cross_fitted_one(
    metric, method, error
):
    rises, honest = flattery(metric, method, range(20))
    print(f"{metric}: {method} in-sample {np.mean(rises):+.4f}, cross-fitted {np.mean(honest):+.4f}"
          f" ({min(honest):+.4f}..{max(honest):+.4f})")  # fmt: skip
    assert np.mean(rises) > 0.004
    assert abs(np.mean(honest)) < 2 * error
    assert max(honest) < 2 * error


@pytest.mark.parametrize("seed", range(3))
def test_fifty_noise_members_flatter_stacking_and_do_not_help_it_on_other_rows(seed):
    stack, labels, fold = members(3, 500, 2, seed)
    more = np.concatenate([stack, noise(50, 500, 2, seed)])
    in_sample, honest = [], []
    for each in (stack, more):
        names = tuple(map(str, range(len(each))))
        blend = fit_blend("stacking", each, labels, "log_loss", names)
        in_sample.append(score("log_loss", labels, blend.apply(each)))
        blended = cross_fit("stacking", each, labels, fold, "log_loss")
        honest.append(score("log_loss", labels, blended))
    assert in_sample[1] < in_sample[0] - 0.008
    assert honest[1] > honest[0] - 0.008


def covered(metric: str, times: int, n: int, m: int = 3) -> float:
    """The share of simulations whose interval holds the fitted blend's score on 40,000 rows."""
    hits = 0
    shifts = np.linspace(0.7, 1.5, m)[:, None, None]

    def draw(n: int, seed: int):
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, 2, n)
        shared = rng.normal(size=(n, 2)) + 1.5 * np.eye(2)[labels]
        return softmax(shared + rng.normal(size=(m, n, 2)) * shifts), labels

    world, truth = draw(40_000, 10**6)
    for seed in range(times):
        stack, labels = draw(n, seed)
        result = select_blend(stack, labels, np.arange(n) % 5, metric, NAMES[:m])
        true = score(metric, truth, result.blend.apply(world))
        hits += result.whole["low"] <= true <= result.whole["high"]
    return hits / times


def test_what_fewer_rows_cost_is_added_to_the_interval_and_not_to_the_score():
    stack, labels, fold = members(3, 200, 2)
    result, rows = select_blend(stack, labels, fold, "log_loss", NAMES), np.arange(200)
    parts = Fits(stack, labels, "log_loss", NAMES).finished(rows, fold).values()
    term = fewer_rows("log_loss", labels, stack, result.blend, list(parts))
    plain = np.quantile(bootstrap("log_loss", labels, [result.oof]), [0.025, 0.975])
    assert term < -1e-4
    assert [result.whole["low"], result.whole["high"]] == pytest.approx(plain + term, abs=1e-6)
    assert result.cross_fitted == pytest.approx(score("log_loss", labels, result.oof), abs=1e-6)


def test_what_fewer_rows_cost_is_what_the_parts_lack_on_new_rows():
    costs, terms = [], []
    for seed in range(12):
        stack, labels, _ = members(6, 4_000, 2, seed)
        few, part = np.arange(300), np.arange(300) % 5
        fits = Fits(stack, labels, "log_loss", tuple("abcdef"))
        whole = fits.fit("stacking", few)
        parts = [fits.fit("stacking", few[part != k]) for k in range(5)]
        new = [score("log_loss", labels[300:], b.apply(stack[:, 300:])) for b in (whole, *parts)]
        costs.append(new[0] - np.mean(new[1:]))
        terms.append(fewer_rows("log_loss", labels[:300], stack[:, :300], whole, parts))
    assert np.mean(costs) < 0
    assert np.mean(terms) == pytest.approx(np.mean(costs), rel=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "auc"])
def test_the_interval_covers_the_fitted_blends_true_score(metric):
    share = covered(metric, 1_000, 500)
    print(f"{metric}: {share:.3f} of 1,000")
    assert 0.93 <= share <= 0.97


def test_the_interval_covers_the_true_score_most_of_the_time():
    assert covered("accuracy", 40, 300, m=1) >= 0.88
