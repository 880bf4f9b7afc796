"""Competitions with known test labels: members of several variances, fitted on 5 folds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

FOLDS, MEMBERS, WORLD = 5, 3, 20_000

Draw = Callable[[int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Competition:
    """labels int64 [n], fold int64 [n], oof float32 [m, n, c] of 300 to 5,000 rows.

    tests: float32 [k, m, 20,000, c], each fold's fits on rows labelled `answers`; the first n_test
        (200 to 20,000) are the test set
    """

    labels: np.ndarray
    fold: np.ndarray
    oof: np.ndarray
    tests: np.ndarray
    answers: np.ndarray
    n_test: int


def draw_competition(seed: int) -> Competition:
    """One of many: 2 or 5 classes, points or counts of tokens, three kinds of members."""
    rng = np.random.default_rng([seed, 77])
    n, c = int(np.exp(rng.uniform(*np.log([300, 5000])))), int(rng.choice([2, 5]))
    is_counts = bool(rng.choice([False, True]))
    n_test = int(np.exp(rng.uniform(*np.log([200, WORLD]))))
    draw = _token_counts(rng, c) if is_counts else _points(rng, c)
    (x, labels), (world, answers) = draw(n), draw(WORLD)
    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, labels)
    fold, oof = np.empty(n, int), np.zeros((MEMBERS, n, c), np.float32)
    tests = np.zeros((FOLDS, MEMBERS, WORLD, c), np.float32)
    learners = _draw_learners(rng, is_counts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few iterations, on purpose
        for k, (train, valid) in enumerate(splits):
            fold[valid] = k
            for j, learner in enumerate(learners):
                learner.fit(x[train], labels[train])
                oof[j, valid] = _clip(learner.predict_proba(x[valid]))
                tests[k, j] = _clip(learner.predict_proba(world))
    return Competition(labels, fold, oof, tests, answers, n_test)


def _points(rng: np.random.Generator, c: int) -> Draw:
    """Normal clouds, 1 to 3 a class, with up to 10 % of the labels drawn anew."""
    d, modes = int(rng.integers(4, 21)), int(rng.integers(1, 4))
    centres = rng.normal(size=(c, modes, d)) * rng.uniform(0.5, 1.1)
    share, noise = rng.dirichlet(np.full(c, 8.0)), rng.uniform(0, 0.1)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.choice(c, n, p=share)
        x = centres[labels, rng.integers(0, modes, n)] + rng.normal(size=(n, d))
        return x, np.where(rng.random(n) < noise, rng.choice(c, n, p=share), labels)

    return draw


def _token_counts(rng: np.random.Generator, c: int) -> Draw:
    """Rows of 8 to 40 tokens: counts of 100 to 300 words, whose shares differ by class."""
    words = int(rng.integers(100, 300))
    common = rng.dirichlet(np.full(words, 0.5))
    topics = [0.7 * common + 0.3 * rng.dirichlet(np.full(words, 0.1)) for _ in range(c)]
    share, length = rng.dirichlet(np.full(c, 8.0)), int(rng.integers(8, 40))

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.choice(c, n, p=share)
        counts = [rng.multinomial(length, topics[label]) for label in labels]
        return np.array(counts, np.float64), labels

    return draw


def _draw_learners(rng: np.random.Generator, is_counts: bool) -> list:
    """Three different ones, each with settings of its own."""
    make = [
        lambda: LogisticRegression(C=float(10 ** rng.uniform(-1, 2)), max_iter=200),
        lambda: DecisionTreeClassifier(
            min_samples_leaf=int(rng.integers(3, 20)),
            max_depth=int(rng.integers(3, 12)),
            random_state=0,
        ),
        lambda: RandomForestClassifier(
            int(rng.integers(5, 40)), min_samples_leaf=2, random_state=0
        ),
        lambda: KNeighborsClassifier(int(rng.integers(5, 40))),
        lambda: MLPClassifier(
            (int(rng.integers(8, 40)),), max_iter=int(rng.integers(30, 100)), random_state=0
        ),
        MultinomialNB if is_counts else GaussianNB,
    ]
    return [make[j]() for j in rng.choice(len(make), MEMBERS, replace=False)]


def _clip(p: np.ndarray) -> np.ndarray:
    """float32 [n, c]: at least 1e-7, of sum 1."""
    p = np.maximum(p, 1e-7)
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
