"""Small random samples for tests of metrics: ties, constants, one class, single rows."""

from __future__ import annotations

import math
import warnings

import numpy as np

CLASS_METRICS = (
    *("accuracy", "macro_f1", "log_loss", "auc", "balanced_accuracy", "mcc"),
    *("weighted_f1", "average_precision", "qwk", "map@3", "top@2"),
)
COLUMN_METRICS = (
    *("mean_auc", "mean_log_loss", "mean_average_precision"),
    *("column_macro_f1", "column_micro_f1"),
)
VALUE_METRICS = ("rmse", "mae", "mcrmse", "r2", "pearson", "spearman")
FIRST_ORDER = ("auc", "average_precision", "mean_auc", "mean_average_precision", "spearman")
NAMED = ("f1", *CLASS_METRICS, *COLUMN_METRICS, *VALUE_METRICS)


def classes(seed: int, c: int | None = None):
    """Labels int64 [n] and probabilities float64 [n, c]."""
    rng = np.random.default_rng(seed)
    c, n = c or int(rng.integers(2, 6)), int(rng.integers(1, 31))
    labels = rng.integers(0, rng.integers(1, c + 1), n)
    weights = np.round(rng.dirichlet(np.ones(c), n) + 0.5 * np.eye(c)[labels], seed % 3 + 1) + 0.01
    if seed % 11 == 0:
        weights[:] = weights[0]
    return labels, weights / weights.sum(1, keepdims=True)


def columns(seed: int):
    """Targets int64 [n, q] of 0 and 1, and P(1) float64 [n, q]."""
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(1, 31)), int(rng.integers(1, 5))
    targets = (rng.random(shape) < rng.choice([0.0, 0.2, 0.5, 1.0], shape[1])).astype(np.int64)
    p = np.round(0.3 * targets + 0.7 * rng.random(shape), seed % 3 + 1)
    return targets, np.clip(p[:1].repeat(len(p), 0) if seed % 11 == 0 else p, 0.01, 0.99)


def values(seed: int):
    """Targets and predictions float64 [n, q]."""
    rng = np.random.default_rng(seed)
    shape = int(rng.integers(1, 31)), int(rng.integers(1, 4))
    y = np.round(rng.normal(5, 3, shape), seed % 3)
    x = np.round(y + rng.normal(0, 2, shape), seed % 4)
    if seed % 11 == 0:
        y[:, 0] = 0.5
    if seed % 13 == 0:
        x[:] = 0.3
    return y, y.copy() if seed % 17 == 0 else x


def sample(metric: str, n: int, seed: int = 0):
    """Targets and two sets of predictions of any metric, the first of them better."""
    rng = np.random.default_rng(seed)
    if metric in VALUE_METRICS:
        y = rng.gamma(2.0, 1.0, (n, 2)).round(1)
        return y, y + rng.normal(0, 0.5, (n, 2)).round(1), y + rng.normal(0, 0.8, (n, 2))
    if metric in COLUMN_METRICS:
        p = rng.beta(1, 2, (n, 3))
        targets = (rng.random((n, 3)) < p).astype(np.int64)
        worse = np.clip(p + rng.normal(0, 0.2, p.shape), 0.01, 0.99)
        return targets, p.round(2).clip(0.01, 0.99), worse
    c = 2 if metric == "f1" else 4
    labels = rng.choice(c, n, p=np.arange(c, 0, -1) / np.arange(c + 1).sum())
    logits = rng.normal(size=(n, c)) + 1.5 * np.eye(c)[labels]
    both = (np.exp(each).round(2) + 0.01 for each in (logits, logits + rng.normal(size=(n, c))))
    return labels, *(each / each.sum(1, keepdims=True) for each in both)


def defined(function, *arguments, **settings) -> float | None:
    """What a reference gives; None where it warns that it is undefined, or gives NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
        warnings.filterwarnings("ignore", message="A single label was found")
        warnings.filterwarnings("ignore", message="The number of unique classes")
        try:
            value = float(function(*arguments, **settings))
        except Warning:
            return None
    return None if math.isnan(value) else value


def mean_defined(parts) -> float | None:
    """The mean of those that are not None."""
    known = [part for part in parts if part is not None]
    return float(np.mean(known)) if known else None
