"""Gradient-boosted trees on a dense matrix, for every task, stored as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from seqblend.tasks.task import Task

_NEVER = -16.0  # the score of a class without a training row


@dataclass(frozen=True)
class BoostingConfig:
    """scikit-learn's settings of HistGradientBoosting.

    trees: most of all in one ensemble; of c classes each round adds c trees
    """

    rounds: int
    rate: float
    leaves: int
    least_rows: int
    penalty: float
    feature_share: float
    trees: int


@dataclass(frozen=True)
class BoostedTrees:
    """Scores that are sums of trees' leaves.

    features, left, right: int [m], thresholds, values: float64 [m], the nodes of all trees: a
        row goes left where its feature is at most the threshold; a leaf leads to itself
    roots, columns: int [r], each tree's first node, and the score that it adds to
    baseline: float64 [p]
    """

    features: np.ndarray
    thresholds: np.ndarray
    values: np.ndarray
    left: np.ndarray
    right: np.ndarray
    roots: np.ndarray
    columns: np.ndarray
    baseline: np.ndarray

    def scores(self, x: np.ndarray) -> np.ndarray:
        """Float64 [n, p], as Task.answer_linear takes them, of features float [n, d]."""
        scores = np.tile(self.baseline, (len(x), 1))
        rows = np.arange(len(x))
        for root, column in zip(self.roots, self.columns, strict=True):
            node = np.full(len(x), root)
            while True:
                goes_left = x[rows, self.features[node]] <= self.thresholds[node]
                ahead = np.where(goes_left, self.left[node], self.right[node])
                if np.array_equal(ahead, node):
                    break
                node = ahead
            scores[:, column] += self.values[node]
        return scores

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that from_arrays needs."""
        return {f"trees/{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> BoostedTrees:
        """The trees that gave these arrays, found among others."""
        return cls(**{field.name: arrays[f"trees/{field.name}"] for field in fields(cls)})


def fit_trees(
    x: np.ndarray, targets: np.ndarray, task: Task, config: BoostingConfig, seed: int
) -> BoostedTrees:
    """Trees for the task's targets: one ensemble of three or more classes, else one a column.

    x: float32 [n, d]; targets: as the task has them
    """
    if task.has_classes and len(task.columns) > 2:
        return _pack([_fit(x, targets, len(task.columns), config, seed)])
    columns = [targets == 1] if task.has_classes else targets.T
    size = 2 if task.has_probabilities else 0
    return _pack([_fit(x, column, size, config, seed) for column in columns])


# Each round's trees with the score that each adds to, and the baseline of every score.
_Ensemble = tuple[list[tuple[int, np.ndarray]], np.ndarray]


def _fit(
    x: np.ndarray, y: np.ndarray, classes: int, config: BoostingConfig, seed: int
) -> _Ensemble:
    """The ensemble of y [n]: of so many classes, with one score for two; of numbers where 0."""
    found = np.unique(y)
    if len(found) == 1:
        return [], _constant_scores(y, classes)
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    # scikit-learn before 1.4 has no share of features: every split sees all of them.
    share = {"max_features": config.feature_share} if "max_features" in vars(kind()) else {}
    model = kind(
        learning_rate=config.rate,
        max_iter=max(min(config.rounds, config.trees // max(classes - 1, 1)), 1),
        max_leaf_nodes=config.leaves,
        min_samples_leaf=config.least_rows,
        l2_regularization=config.penalty,
        early_stopping=False,
        random_state=seed,
        **share,
    ).fit(x, y)
    own = model._baseline_prediction.ravel()  # scikit-learn gives no public access to the trees
    scores, baseline = np.zeros(1, dtype=int), own
    if classes > 2:
        scores = found[-len(own) :]
        baseline = _constant_scores(y, classes)
        baseline[scores] = own
    trees = [
        (int(score), tree.nodes)
        for each in model._predictors
        for score, tree in zip(scores, each, strict=True)
    ]
    return trees, baseline


def _constant_scores(y: np.ndarray, classes: int) -> np.ndarray:
    """float64 [p] without trees: the number, the log-odds of 1, or which classes have a row."""
    if classes > 2:
        return np.where(np.isin(np.arange(classes), y), 0.0, _NEVER)
    if classes == 2:
        return np.log([(np.sum(y) + 0.5) / (len(y) - np.sum(y) + 0.5)])
    return np.array([y[0]], dtype=np.float64)


def _pack(ensembles: list[_Ensemble]) -> BoostedTrees:
    """The ensembles' trees in one table of nodes; the scores of one follow those of another."""
    baselines = [baseline for _, baseline in ensembles]
    firsts = np.cumsum([0, *map(len, baselines)])
    trees = [
        (first + score, nodes)
        for first, (own, _) in zip(firsts, ensembles, strict=False)
        for score, nodes in own
    ]
    roots = np.cumsum([0, *(len(nodes) for _, nodes in trees)])
    tables = [_read_nodes(nodes, root) for root, (_, nodes) in zip(roots, trees, strict=False)]
    names = ("features", "thresholds", "values", "left", "right")
    nodes = {name: np.concatenate([t[name] for t in tables] or [np.zeros(0)]) for name in names}
    columns = np.array([score for score, _ in trees], dtype=np.int32)
    return BoostedTrees(
        **nodes, roots=roots[:-1], columns=columns, baseline=np.concatenate(baselines)
    )


def _read_nodes(nodes: np.ndarray, root: int) -> dict[str, np.ndarray]:
    """A tree's nodes as arrays; children are counted from the first node of the first tree."""
    is_leaf, itself = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
    children = {name: np.where(is_leaf, itself, nodes[name]) + root for name in ("left", "right")}
    return children | {
        "features": np.where(is_leaf, 0, nodes["feature_idx"]).astype(np.int32),
        "thresholds": np.where(is_leaf, np.inf, nodes["num_threshold"]),
        "values": nodes["value"].astype(np.float64),
    }
