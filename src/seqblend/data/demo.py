"""Demo competitions whose best score is known: hidden Markov models, and a first token to keep.

The embedded demo's classes are hidden Markov models that differ in token order alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.core.storage import write_text

BEST = "demo-best.json"  # the best reachable accuracy, beside the demo's files
CLASSES = ("A", "B", "C", "D", "E")
STATES = 6
TOKENS = 100  # that each state emits; no other state emits them
NOISE = 0.006  # share of labels drawn at random


def draw_transitions(seed: int) -> np.ndarray:
    """float64 [c, s, s]: a Markov chain of hidden states per class.

    Doubly stochastic (the mean of two permutations, weight 0.9, the rest uniform), so that in all
    classes every state is equally likely at every position.
    """
    rng = rng_for(seed, "demo-transitions")
    orders = [[rng.permutation(STATES) for _ in range(2)] for _ in CLASSES]
    return 0.9 * np.eye(STATES)[np.array(orders)].mean(axis=1) + 0.1 / STATES


def sample(
    transitions: np.ndarray, n: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray]:
    """n sequences and their labels: (list of int64 [t], int64 [n]); some labels are random."""
    classes, states, _ = transitions.shape
    truth = rng.permutation(np.arange(n) % classes)
    lengths = rng.integers(60, 129, n)
    is_long = rng.random(n) < 0.08
    lengths[is_long] = rng.integers(129, 257, is_long.sum())
    state = np.empty((n, lengths.max()), dtype=np.int64)
    state[:, 0] = rng.integers(0, states, n)
    cumulative = transitions.cumsum(axis=2)
    for t in range(1, state.shape[1]):
        draws = rng.random((n, 1))
        following = (cumulative[truth, state[:, t - 1]] < draws).sum(axis=1)
        state[:, t] = np.minimum(following, states - 1)  # a sum may end just below 1
    tokens = state * TOKENS + rng.integers(0, TOKENS, state.shape)
    is_redrawn = rng.random(n) < NOISE
    labels = np.where(is_redrawn, rng.integers(0, classes, n), truth)
    return [row[:length] + 1 for row, length in zip(tokens, lengths, strict=True)], labels


def posterior(transitions: np.ndarray, sequences: list[np.ndarray]) -> np.ndarray:
    """float64 [n, c]: the exact P(label | sequence), by the forward algorithm (Rabiner 1989).

    A token belongs to one state only, so the forward sum has a single term per step.
    """
    logs = np.log(transitions)
    rows = np.empty((len(sequences), len(transitions)))
    for i, tokens in enumerate(sequences):
        state = (tokens - 1) // TOKENS
        rows[i] = logs[:, state[:-1], state[1:]].sum(axis=1)
    rows = np.exp(rows - rows.max(axis=1, keepdims=True))
    rows /= rows.sum(axis=1, keepdims=True)
    return (1 - NOISE) * rows + NOISE / len(transitions)


@dataclass(frozen=True)
class Memory:
    """The label is the first token's id modulo the number of classes, or random.

    Every token is uniform over the vocabulary: a bag of tokens predicts hardly anything, and a
    recurrent network has to carry the class over the whole row (the temporal order problems of
    Hochreiter & Schmidhuber 1997; Bengio et al. 1994 on why that is hard).
    """

    length: int
    vocabulary: int = 40
    label_noise: float = 0.01
    classes: int = 4


def sample_memory(
    model: Memory, n: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray]:
    """(list of int64 [length], int64 [n]): rows and labels; some labels are random."""
    tokens = rng.integers(1, model.vocabulary + 1, (n, model.length))
    is_redrawn = rng.random(n) < model.label_noise
    random = rng.integers(0, model.classes, n)
    return list(tokens), np.where(is_redrawn, random, tokens[:, 0] % model.classes)


def memory_posterior(model: Memory, rows: list[np.ndarray]) -> np.ndarray:
    """float64 [n, c]: the exact P(label | row)."""
    c, noise = model.classes, model.label_noise
    return (1 - noise) * np.eye(c)[[row[0] % c for row in rows]] + noise / c


def write_demo(folder: Path, *, seed: int = 1, n_train: int = 4_000, n_test: int = 1_000) -> float:
    """Write the demo of hidden Markov models; returns the best reachable accuracy."""
    transitions = draw_transitions(seed)
    rows, labels = sample(transitions, n_train + n_test, rng_for(seed, "demo-rows"))
    return _write_rows(folder, rows, labels, posterior(transitions, rows), n_train)


def write_memory_demo(
    folder: Path, *, seed: int = 1, n_train: int = 4_000, n_test: int = 1_000, length: int = 200
) -> float:
    """Write the memory demo; returns the best reachable accuracy."""
    model = Memory(length)
    rows, labels = sample_memory(model, n_train + n_test, rng_for(seed, "memory-rows"))
    return _write_rows(folder, rows, labels, memory_posterior(model, rows), n_train)


def _write_rows(
    folder: Path, sequences: list[np.ndarray], labels: np.ndarray, best: np.ndarray, n_train: int
) -> float:
    """Write a competition of token ids with known posteriors; rows from n_train on are the test.

    Files: train.json, test.json, sample_submission.csv, solution.csv and, last, demo-best.json.
    sequences: int64 [t] each; labels: int64 [n]; best: float64 [n, c], exact P(label | sequence)
    returns: the best reachable accuracy, the mean of the rows' greatest posteriors
    """
    names = [CLASSES[label] for label in labels]
    train = [
        {"id": i, "sequence": sequences[i].tolist(), "label": names[i]} for i in range(n_train)
    ]
    test_rows = range(n_train, len(sequences))
    test = [{"id": i, "sequence": sequences[i].tolist()} for i in test_rows]
    write_text(folder / "train.json", json.dumps(train))
    write_text(folder / "test.json", json.dumps(test))
    answers = {"sample_submission": [CLASSES[0]] * len(test), "solution": names[n_train:]}
    for name, given in answers.items():
        lines = [f"{i},{label}\n" for i, label in zip(test_rows, given, strict=True)]
        write_text(folder / f"{name}.csv", "".join(["id,label\n", *lines]))
    is_best = best.argmax(1) == labels
    reachable = {
        "train_accuracy": float(np.mean(is_best[:n_train])),
        "test_accuracy": float(np.mean(is_best[n_train:])),
        "expected_accuracy": float(best.max(axis=1).mean()),
    }
    write_text(folder / BEST, json.dumps(reachable, indent=1, sort_keys=True) + "\n")
    return reachable["expected_accuracy"]
