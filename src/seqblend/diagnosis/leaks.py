"""Label leaks: how well the id, the row order or the length predicts the target."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from scipy.stats import entropy
from sklearn.tree import DecisionTreeClassifier

from seqblend.core.seeds import rng_for, seed_for
from seqblend.data.sequences import Competition
from seqblend.data.stratify import stratified_group_split
from seqblend.evaluation.check import Check
from seqblend.evaluation.intervals import Estimate
from seqblend.tasks.task import Task

FOLDS = 5
MOST = 20_000  # rows checked
LEAVES = 50  # largest number of leaves of a tree: smaller leaves would fit noise
PRIOR = 1.0  # pseudo-counts of the class frequencies in each leaf, per class
_LIMITS = {
    "id": 0.05,
    "row order": 0.05,
    "length": 0.5,
}  # a length may be informative without a leak
_PERIODS = (2, 3, 4, 5, 7, 10)


def check_leaks(competition: Competition) -> list[Check]:
    """How well each of id, row order and length predicts the target, by a cross-validated tree.

    The target is what folds are stratified by: the label, the combination of labels, or the decile
    of the number.
    """
    n = len(competition.train_ids)
    rows = np.sort(rng_for(0, "leaks").permutation(n)[:MOST])
    lengths = competition.train.lengths
    features = {
        "id": describe_ids([competition.train_ids[row] for row in rows]),
        "row order": describe_order(rows),
        "length": lengths[rows][:, None].astype(np.float64),
    }
    task = competition.task
    strata = task.strata(competition.targets)[rows]
    return [_check(name, measure_leak(x, strata), task) for name, x in features.items()]


def measure_leak(x: np.ndarray, labels: np.ndarray) -> Estimate:
    """The share of the labels' entropy that x explains on held-out rows; 0 is chance.

    x: float64 [n, d], labels: int64 [n]
    A tree's leaves give probabilities; a row's gain is its log-likelihood over that of the other
    folds' class frequencies. The interval is over rows. May be negative.
    """
    c = int(labels.max()) + 1
    parts = min(FOLDS, len(labels))
    fold = stratified_group_split(labels, np.arange(len(labels)), parts, rng_for(0, "leak folds"))
    gains = np.empty(len(labels))
    for k in range(parts):
        train, valid = fold != k, fold == k
        prior = (np.bincount(labels[train], minlength=c) + 0.5) / (train.sum() + 0.5 * c)
        p = _fit_tree(x[train], labels[train], x[valid], prior)
        mine = labels[valid]
        gains[valid] = np.log(p[np.arange(len(mine)), mine] / prior[mine])
    whole = entropy(np.bincount(labels, minlength=c))
    error = gains.std() / np.sqrt(len(gains))
    return Estimate.normal(gains.mean() / whole, error / whole)


def _fit_tree(
    x: np.ndarray, labels: np.ndarray, others: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """float64 [m, c]: class shares of each other row's leaf, smoothed by PRIOR."""
    seed = seed_for(0, "leak tree") % 2**32
    least = max(20, len(x) // LEAVES)
    tree = DecisionTreeClassifier(min_samples_leaf=least, random_state=seed).fit(x, labels)
    leaf, place = tree.apply(x), tree.apply(others)
    counts = np.zeros((tree.tree_.node_count, len(prior)))
    np.add.at(counts, (leaf, labels), 1)
    counts += PRIOR * len(prior) * prior
    return (counts / counts.sum(axis=1, keepdims=True))[place]


def describe_ids(ids: list[str]) -> np.ndarray:
    """float64 [n, d]: the id's length, its numbers (also modulo small periods) and its words.

    `12_7` has the numbers 12 and 7, `neg/3` the word `neg` and the number 3.
    """
    parts = [re.findall(r"\d+|[^\W\d_]+", name) for name in ids]
    most = min(max(map(len, parts), default=0), 6)
    columns = [np.array([len(name) for name in ids], dtype=np.float64)]
    for place in range(most):
        texts = [part[place] if place < len(part) else "" for part in parts]
        numbers = [int(text[-15:]) if text.isdecimal() else -1 for text in texts]
        columns.append(np.array(numbers, dtype=np.float64))
        columns += [columns[-1] % period for period in _PERIODS]
        words = ["" if text.isdecimal() else text for text in texts]
        columns.append(pd.factorize(np.array(words, dtype=object), sort=True)[0].astype(np.float64))
    return np.stack(columns, axis=1)


def describe_order(rows: np.ndarray) -> np.ndarray:
    """float64 [n, d]: the row's position in the file, and that modulo small periods."""
    return np.stack([rows, *(rows % period for period in _PERIODS)], axis=1).astype(np.float64)


def _check(name: str, gain: Estimate, task: Task) -> Check:
    """One possible source of a leak as a check."""
    target = task.strata_name[0]
    is_flagged, means, advice = gain.low > _LIMITS[name], f"the {name} does not predict it", ""
    if is_flagged and name == "length":
        one, many = ("class", "classes") if task.has_classes else ("target", "targets")
        means = f"{many} have lengths of their own"
        advice = f"check whether rows were cut differently by {one}"
    elif is_flagged:
        means = f"the {name} predicts the {target}, which the test rows may not repeat"
        advice = "our models read the sequence alone: do not give this to another model"
    elif gain.low > 0.01:
        means = f"the {name} predicts it slightly, as where topics change with time"
    return Check(
        f"{target} from {name}",
        f"share of the {target}'s entropy that a cross-validated tree explains from the {name}",
        gain.percent(),
        means,
        advice,
        is_flagged,
        estimate=gain,
    )
