"""Intervals of blends cover the true score, whatever the task is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, softmax

from seqblend.blending.selection import select_blend
from seqblend.evaluation.metrics import score
from seqblend.tasks.task import Task, task_for

ROWS, MEMBERS, WORLD = 500, 3, 40_000
COLUMNS = ("a", "b", "c")


def draw_world(task: Task, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(stack float32 [3, n, 3], targets): members share some error and have some of their own."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n, 3))
    if task.has_classes:  # grades that follow one number
        signal = 2.0 * np.arange(-1, 2) * signal[:, :1] - np.abs(np.arange(-1, 2))
    error = 0.5 * rng.normal(size=(n, 3))
    own = np.array([0.5, 0.8, 1.1])[:, None, None] * rng.normal(size=(MEMBERS, n, 3))
    known = signal + error + own
    if not task.has_probabilities:
        targets = 5 + signal + rng.normal(size=signal.shape)
        return (5 + known).astype(np.float32), targets
    if task.has_classes:
        drawn = rng.random((n, 1)) > softmax(1.5 * signal, axis=1).cumsum(axis=1)
        return softmax(known, axis=2).astype(np.float32), drawn.sum(axis=1)
    targets = rng.random(signal.shape) < expit(2 * signal - np.array([0.0, 1.0, 2.0]))
    return expit(known).astype(np.float32), targets.astype(np.int64)


def share_covered(task: Task, metric: str, times: int) -> float:
    """How often the interval of a blend of 500 rows has its score on 40,000 others."""
    world, truth = draw_world(task, WORLD, 10**6)
    covered = []
    for seed in range(times):
        stack, targets = draw_world(task, ROWS, seed)
        result = select_blend(stack, targets, np.arange(ROWS) % 5, metric, COLUMNS, task)
        true = score(metric, truth, result.blend.apply(world))
        covered.append(result.nested["low"] <= true <= result.nested["high"])
    return float(np.mean(covered))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("multi_label", "mean_auc"),
        ("multi_label", "mean_log_loss"),
        ("regression", "rmse"),
        ("regression", "pearson"),
        ("ordinal", "qwk"),
    ],
)
def test_intervals_cover_the_true_score(name, metric):
    covered = share_covered(task_for(name, COLUMNS), metric, 200)
    print(f"\n{name} {metric}: {covered:.3f} of 200 intervals")
    assert 0.90 <= covered <= 0.985  # 95 % +- 2.6 times the error of 200 draws, some below
