"""Demo competitions of other tasks whose best score is known: tags, numbers and grades.

A row's score is the sum of the weights of a few of its tokens, with the other sign behind a
negation: single tokens tell most of it, and their order the rest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit

from seqblend.core.seeds import rng_for
from seqblend.core.storage import write_text
from seqblend.data.demo import BEST
from seqblend.evaluation.metrics import score

TASK_KINDS = ("tags", "numbers", "grades")
VOCABULARY = 100
INFORMATIVE = 12  # tokens with a weight, the same for all columns
NEGATIONS = 2  # tokens that turn the sign of what follows
_OFTEN = 0.1  # share of a row's places with an informative token, and with a negation
TAGS, GRADES = 6, 5
_RARITY = np.linspace(-0.5, -3.5, TAGS)  # log-odds of each tag at a score of 0
_STEEPNESS = 2.5  # of the tags' probabilities by score
_NOISE = 0.5  # standard deviation of a number around its score, whose own is 1
_CUTS = np.array([-1.4, -0.5, 0.4, 1.3])  # between grades, on a score with noise


@dataclass(frozen=True)
class Scored:
    """Rows and their scores: list of int64 [t], float64 [n, q] of mean 0 and deviation 1."""

    rows: list[np.ndarray]
    scores: np.ndarray


def sample_scored(n: int, q: int, rng: np.random.Generator) -> Scored:
    """n rows of 10 to 30 tokens with q scores each: sums of weights, some with the other sign."""
    lengths = rng.integers(10, 31, n)
    shape = n, int(lengths.max())
    kind = rng.choice(3, shape, p=[1 - 2 * _OFTEN, _OFTEN, _OFTEN])
    first = np.array([INFORMATIVE + NEGATIONS, 0, INFORMATIVE])  # of plain, informative, negation
    size = np.array([VOCABULARY - INFORMATIVE - NEGATIONS, INFORMATIVE, NEGATIONS])
    tokens = first[kind] + rng.integers(0, size[kind])
    is_counted = (kind == 1) & (np.arange(shape[1]) < lengths[:, None])
    sign = np.where(np.roll(kind == 2, 1, axis=1), -1.0, 1.0)
    sign[:, 0] = 1.0
    weights = rng.normal(size=(q, INFORMATIVE))
    scores = np.empty((n, q))
    for j in range(q):
        worth = np.where(is_counted, weights[j][np.minimum(tokens, INFORMATIVE - 1)], 0.0)
        scores[:, j] = _standardise((sign * worth).sum(1))
    rows = [row[:length] + 1 for row, length in zip(tokens, lengths, strict=True)]
    return Scored(rows, scores)


def _standardise(values: np.ndarray) -> np.ndarray:
    """float64 [n] of mean 0 and deviation 1."""
    return (values - values.mean()) / values.std()


def draw_tags(scores: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(int64 [n, q] of 0 and 1, their exact probabilities) of scores float64 [n, q]."""
    p = expit(_RARITY[: scores.shape[1]] + _STEEPNESS * scores)
    return (rng.random(p.shape) < p).astype(np.int64), p


def draw_numbers(scores: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(float64 [n, q], their exact expectations): scores with normal noise."""
    return scores + _NOISE * rng.normal(size=scores.shape), scores


def draw_grades(scores: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(grades int64 [n] from 0, their exact probabilities [n, GRADES]) of scores [n, 1]."""
    below = expit((_CUTS - scores) / (_NOISE * np.sqrt(3) / np.pi))  # logistic noise
    edges = np.hstack([np.zeros((len(scores), 1)), below, np.ones((len(scores), 1))])
    p = np.diff(edges, axis=1)
    grades = (rng.random((len(scores), 1)) > below).sum(1)
    return grades, p


def write_task_demo(
    folder: Path, kind: str, *, seed: int = 1, n_train: int = 5_000, n_test: int = 1_000
) -> tuple[str, float]:
    """Write a competition of tags, numbers or grades; returns (metric, best reachable score).

    kind: `tags` (mean AUC of six columns), `numbers` (RMSE of one) or `grades` (accuracy of five,
        one more than the indices of draw_grades)
    Files: train.json, test.json, sample_submission.csv, solution.csv and, last, demo-best.json.
    """
    rng = rng_for(seed, f"demo-{kind}")
    found = sample_scored(n_train + n_test, TAGS if kind == "tags" else 1, rng)
    if kind == "tags":
        values, best = draw_tags(found.scores, rng)
        names, metric = [f"tag_{j}" for j in range(TAGS)], "mean_auc"
    elif kind == "numbers":
        values, best = draw_numbers(found.scores, rng)
        names, metric = ["value"], "rmse"
    else:
        values, best = draw_grades(found.scores, rng)
        names, metric = ["grade"], "accuracy"  # of the most probable grade
    shown = values[:, None] + 1 if values.ndim == 1 else values
    cells = [dict(zip(names, row, strict=True)) for row in shown.tolist()]
    rows = [{"id": i, "sequence": tokens.tolist()} for i, tokens in enumerate(found.rows)]
    train = [row | own for row, own in zip(rows[:n_train], cells, strict=False)]
    write_text(folder / "train.json", json.dumps(train))
    write_text(folder / "test.json", json.dumps(rows[n_train:]))
    empty = {"tags": 0.5, "numbers": 0.0, "grades": 1}[kind]
    answers = {"sample_submission": [dict.fromkeys(names, empty)] * n_test}
    for name, given in (answers | {"solution": cells[n_train:]}).items():
        lines = [
            f"{row['id']},{','.join(map(str, c.values()))}\n"
            for row, c in zip(rows[n_train:], given, strict=True)
        ]
        write_text(folder / f"{name}.csv", "".join([f"id,{','.join(names)}\n", *lines]))
    reachable = {
        "metric": metric,
        "train": score(metric, values[:n_train], best[:n_train]),
        "test": score(metric, values[n_train:], best[n_train:]),
    }
    write_text(folder / BEST, json.dumps(reachable, indent=1, sort_keys=True) + "\n")
    return metric, float(reachable["train"])
