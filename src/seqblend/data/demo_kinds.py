"""Demos by kind, each with its best reachable score: hmm, parity (counting), memory (long rows)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.data.demo import write_demo, write_rows


@dataclass(frozen=True)
class DemoSize:
    """How much of a demo is drawn, and from which seed; `length`: tokens a row, memory alone."""

    seed: int = 1
    train: int = 4_000
    test: int = 1_000
    length: int = 200


@dataclass(frozen=True)
class Parity:
    """Rows whose label is whether an even or odd number of their tokens is marked.

    counts: how many marked tokens a row may have, all equally likely; as many even as odd
    """

    marked: int = 3  # ids 1..marked
    vocabulary: int = 30
    counts: int = 6
    shortest: int = 10
    longest: int = 30
    label_noise: float = 0.02

    classes: ClassVar = ("even", "odd")


@dataclass(frozen=True)
class Memory:
    """Rows whose label is told by their first token alone: its id modulo the number of classes.

    Every token, the first among them, is uniform over the vocabulary: a bag of tokens knows next
    to nothing, and a recurrent net has to carry the class over the whole row (the temporal order
    problems of Hochreiter & Schmidhuber 1997, and Bengio et al. 1994 on why that is hard).
    """

    length: int
    vocabulary: int = 40
    label_noise: float = 0.01

    classes: ClassVar = ("A", "B", "C", "D")


def sample_parity(
    model: Parity, n: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray]:
    """(list of int64 [t], int64 [n]): rows and labels; some labels are drawn anew."""
    rows = []
    for count in rng.permutation(np.arange(n) % model.counts):
        row = rng.integers(
            model.marked + 1, model.vocabulary + 1, rng.integers(model.shortest, model.longest + 1)
        )
        places = rng.choice(len(row), count, replace=False)
        row[places] = rng.integers(1, model.marked + 1, count)
        rows.append(row)
    truth = np.array([(row <= model.marked).sum() % 2 for row in rows])
    return rows, _redraw(truth, len(model.classes), model.label_noise, rng)


def sample_memory(
    model: Memory, n: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray]:
    """(list of int64 [length], int64 [n]): rows and labels; some labels are drawn anew."""
    tokens = rng.integers(1, model.vocabulary + 1, (n, model.length))
    classes = len(model.classes)
    return list(tokens), _redraw(tokens[:, 0] % classes, classes, model.label_noise, rng)


def _redraw(truth: np.ndarray, classes: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """int64 [n]: the labels, this share of them drawn anew from all classes."""
    is_redrawn = rng.random(len(truth)) < share
    return np.where(is_redrawn, rng.integers(0, classes, len(truth)), truth)


def parity_posterior(model: Parity, rows: list[np.ndarray]) -> np.ndarray:
    """float64 [n, 2]: the exact P(label | row)."""
    return _blur([(row <= model.marked).sum() % 2 for row in rows], 2, model.label_noise)


def memory_posterior(model: Memory, rows: list[np.ndarray]) -> np.ndarray:
    """float64 [n, c]: the exact P(label | row)."""
    classes = len(model.classes)
    return _blur([row[0] % classes for row in rows], classes, model.label_noise)


def _blur(truth: list[int], classes: int, noise: float) -> np.ndarray:
    return (1 - noise) * np.eye(classes)[truth] + noise / classes


def _write_hmm(folder: Path, size: DemoSize) -> float:
    return write_demo(folder, seed=size.seed, n_train=size.train, n_test=size.test)


def _write_parity(folder: Path, size: DemoSize) -> float:
    model = Parity()
    rng = rng_for(size.seed, "parity-rows")
    rows, labels = sample_parity(model, size.train + size.test, rng)
    best = parity_posterior(model, rows)
    return write_rows(folder, rows, labels, best, model.classes, size.train)


def _write_memory(folder: Path, size: DemoSize) -> float:
    model = Memory(size.length)
    rng = rng_for(size.seed, "memory-rows")
    rows, labels = sample_memory(model, size.train + size.test, rng)
    best = memory_posterior(model, rows)
    return write_rows(folder, rows, labels, best, model.classes, size.train)


KINDS: dict[str, Callable[[Path, DemoSize], float]] = {
    "hmm": _write_hmm,
    "parity": _write_parity,
    "memory": _write_memory,
}


def write_kind(folder: Path, kind: str, size: DemoSize) -> float:
    """Write the demo of a kind of KINDS; returns the best reachable accuracy."""
    return KINDS[kind](folder, size)
