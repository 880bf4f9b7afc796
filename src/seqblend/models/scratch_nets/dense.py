"""Embedding, dropout, linear layer and loss, and the mask of what is not padding.

A layer keeps `weights` (named and shaped as torch's) and, after backward(), their `gradients`.
backward() belongs to the latest forward().
"""

from __future__ import annotations

import numpy as np

PAD = 0  # the token id of padding: its vector is zero and stays so
UNK = 1  # the token id of what is unknown


def mask_of(lengths: np.ndarray, t: int) -> np.ndarray:
    """bool [b, t]: True where there is a token. lengths: int64 [b]."""
    return np.arange(t) < lengths[:, None]


class EmbeddingLayer:
    """A table with one row a token: x = E[token]."""

    def __init__(self, size: int, width: int, dtype: type = np.float32) -> None:
        self.weights = {"weight": np.zeros((size, width), dtype)}
        self.gradients: dict[str, np.ndarray] = {}

    def forward(self, tokens: np.ndarray) -> np.ndarray:
        """tokens: int64 [b, t] -> [b, t, d]."""
        self._tokens = tokens
        return self.weights["weight"][tokens]

    def backward(self, by_output: np.ndarray) -> None:
        """by_output: [b, t, d]. A token's row gets the sum over the places where it stands."""
        gradient = np.zeros_like(self.weights["weight"])
        np.add.at(gradient, self._tokens, by_output)
        gradient[PAD] = 0
        self.gradients = {"weight": gradient}


def drop_words(tokens: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """int64 [b, t]: this share of the known tokens turned into UNK; padding stays."""
    return np.where((rng.random(tokens.shape) < share) & (tokens > UNK), UNK, tokens)


class FeatureDropout:
    """Whole features of a row are zero, the same ones at every step; the others grow to make up.

    Gal & Ghahramani 2016: a mask that changed with time would be averaged away by the recurrence.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self._mask: np.ndarray | float = 1.0

    def forward(self, x: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """x: [b, t, d] -> [b, t, d]. Without `rng` (prediction) nothing is dropped."""
        self._mask = 1.0
        if rng is not None and self.share:
            keep = 1 - self.share
            self._mask = (rng.random((len(x), 1, x.shape[2])) < keep).astype(x.dtype) / keep
        return x * self._mask

    def backward(self, by_output: np.ndarray) -> np.ndarray:
        """by_output: [b, t, d] -> the gradient of x, [b, t, d]."""
        return by_output * self._mask


class Linear:
    """y = x W' + b."""

    def __init__(self, inputs: int, outputs: int, dtype: type = np.float32) -> None:
        self.weights = {
            "weight": np.zeros((outputs, inputs), dtype),
            "bias": np.zeros(outputs, dtype),
        }
        self.gradients: dict[str, np.ndarray] = {}

    def forward(self, x: np.ndarray) -> np.ndarray:
        """x: [b, inputs] -> [b, outputs]."""
        self._x = x
        return x @ self.weights["weight"].T + self.weights["bias"]

    def backward(self, by_output: np.ndarray) -> np.ndarray:
        """by_output: [b, outputs] -> the gradient of x, [b, inputs]."""
        self.gradients = {"weight": by_output.T @ self._x, "bias": by_output.sum(0)}
        return by_output @ self.weights["weight"]


def softmax(logits: np.ndarray) -> np.ndarray:
    """float [b, c], rows sum to 1. The row's maximum is taken off first: no overflow."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """(the mean of -log p[label] over the rows, its gradient by the logits [b, c], simply p - y).

    logits: float [b, c], labels: int64 [b]. With p = softmax(z): dL/dz_j = (p_j - [j = label]) / b.
    """
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(logs)
    gradient[rows, labels] -= 1
    return float(-logs[rows, labels].mean()), gradient / len(labels)
