"""Greedy selection against the published algorithm: the same members, picked by both, timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from seqblend.blending.greedy import greedy_picks, sort_members
from seqblend.blending.incremental import open_sum
from seqblend.seeds import rng_for

STEPS = 25  # picks of either


@dataclass(frozen=True)
class Task:
    """What is to be picked from: `m` members over `n` rows and `c` classes, by a metric."""

    metric: str
    m: int
    n: int
    c: int

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.metric}, {self.n:,} rows x {self.m} members x {self.c} classes"


TASKS = (
    Task("accuracy", 20, 25_000, 2),
    Task("log_loss", 20, 25_000, 2),
    Task("auc", 20, 25_000, 2),
    Task("accuracy", 40, 20_000, 5),
    Task("log_loss", 40, 20_000, 5),
)
COLUMNS = ["task", "published", "seqblend", "times faster", "same picks"]


def make_members(task: Task, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(float32 [m, n, c], labels int64 [n]): members that share some error, and have their own."""
    rng = rng_for(seed, "benchmark members")
    labels = rng.integers(0, task.c, task.n)
    shared = rng.normal(size=(task.n, task.c)) + 1.5 * np.eye(task.c)[labels]
    stack = np.empty((task.m, task.n, task.c), np.float32)
    for member in stack:
        logits = shared + rng.normal(size=shared.shape) * rng.uniform(0.7, 1.5)
        odds = np.exp(logits - logits.max(1, keepdims=True))
        member[:] = odds / odds.sum(1, keepdims=True)
    return stack, labels


def published_picks(
    metric: str, stack: np.ndarray, labels: np.ndarray, steps: int
) -> tuple[list[int], float]:
    """(picks, the score after the last): ensemble selection as Caruana et al. 2004 describe it.

    As AutoGluon runs it: from nothing, every member is averaged in at every step and scored by
    scikit-learn on all rows, the best one stays; log loss breaks ties (its `second_metric`).
    """
    c = stack.shape[2]
    measure, breaker = _sklearn_metric(metric, c), _sklearn_metric("log_loss", c)
    stack = stack / stack.sum(2, keepdims=True, dtype=np.float64)  # it wants sums of 1 in float64
    picks: list[int] = []
    total, value = np.zeros(stack.shape[1:]), 0.0
    for size in range(1, steps + 1):
        values = [measure(labels, (total + member) / size) for member in stack]
        value = max(values)
        tied = [j for j in range(len(stack)) if values[j] == value]
        if len(tied) > 1:
            tied.sort(key=lambda j: -breaker(labels, (total + stack[j]) / size))
        picks.append(tied[0])
        total += stack[picks[-1]]
    return picks, value


def _sklearn_metric(metric: str, c: int) -> Callable[[np.ndarray, np.ndarray], float]:
    """The metric as scikit-learn has it, larger is better."""
    if metric == "accuracy":
        return lambda labels, p: accuracy_score(labels, p.argmax(1))
    if metric == "log_loss":
        return lambda labels, p: -log_loss(labels, p, labels=np.arange(c))
    if metric == "auc" and c == 2:
        return lambda labels, p: roc_auc_score(labels, p[:, 1])
    raise ValueError(f"no published selection by {metric} with {c} classes")


def our_picks(metric: str, stack: np.ndarray, labels: np.ndarray, steps: int) -> list[int]:
    """As many picks of ours, from the best member on."""
    growing = open_sum(metric, stack, labels)
    return greedy_picks(growing, sort_members(growing), start=1, steps=steps)


def compare(task: Task, steps: int = STEPS) -> list[str]:
    """The task's row under COLUMNS."""
    stack, labels = make_members(task)
    seconds = []
    picks = []
    for choose in (lambda *a: published_picks(*a)[0], our_picks):
        began = time.perf_counter()
        picks.append(choose(task.metric, stack, labels, steps))
        seconds.append(time.perf_counter() - began)
    same = "yes" if picks[0] == picks[1] else "NO"
    ratio = seconds[0] / seconds[1]
    return [task.label, f"{seconds[0]:.2f} s", f"{seconds[1]:.2f} s", f"{ratio:.1f}", same]
