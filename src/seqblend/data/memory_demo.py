"""The memory demo: long rows whose first token alone determines the label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.data.demo import write_rows

CLASSES = ("A", "B", "C", "D")


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


def sample_memory(
    model: Memory, n: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], np.ndarray]:
    """(list of int64 [length], int64 [n]): rows and labels; some labels are random."""
    tokens = rng.integers(1, model.vocabulary + 1, (n, model.length))
    is_redrawn = rng.random(n) < model.label_noise
    random = rng.integers(0, len(CLASSES), n)
    return list(tokens), np.where(is_redrawn, random, tokens[:, 0] % len(CLASSES))


def memory_posterior(model: Memory, rows: list[np.ndarray]) -> np.ndarray:
    """float64 [n, c]: the exact P(label | row)."""
    c, noise = len(CLASSES), model.label_noise
    return (1 - noise) * np.eye(c)[[row[0] % c for row in rows]] + noise / c


def write_memory_demo(
    folder: Path, *, seed: int = 1, n_train: int = 4_000, n_test: int = 1_000, length: int = 200
) -> float:
    """Write the files of `demo.write_rows`; returns the best reachable accuracy."""
    model = Memory(length)
    rows, labels = sample_memory(model, n_train + n_test, rng_for(seed, "memory-rows"))
    return write_rows(folder, rows, labels, memory_posterior(model, rows), CLASSES, n_train)
