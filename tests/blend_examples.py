"""Made-up members for the tests of blending: probabilities that share some error."""

from __future__ import annotations

import numpy as np


def members(m: int, n: int, c: int, seed: int = 0, skill: float = 1.5):
    """A stack of members that share some error and have some of their own; labels; 5 folds."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, c, n)
    shared = rng.normal(size=(n, c)) + skill * np.eye(c)[labels]
    logits = shared + rng.normal(size=(m, n, c)) * rng.uniform(0.7, 1.5, (m, 1, 1))
    return softmax(logits), labels, rng.permutation(np.arange(n) % 5)


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(-1, keepdims=True))
    return (exponentials / exponentials.sum(-1, keepdims=True)).astype(np.float32)


def noise(m: int, n: int, c: int, seed: int = 9) -> np.ndarray:
    return softmax(np.random.default_rng(seed).normal(size=(m, n, c)))


def drawn(n: int, c: int = 3, seed: int = 0):
    """Probabilities float64 [n, c], and labels that are drawn with exactly these."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(c), n)
    return p, (rng.random(n)[:, None] > p.cumsum(1)).sum(1)
