"""Embedding and linear layers, and the mask of what is not padding.

A layer keeps `weights` (named and shaped as torch's) and, after backward(), their `gradients`.
backward() belongs to the latest forward().
"""

from __future__ import annotations

import numpy as np

PAD = 0  # the token id of padding: its vector is zero and stays so


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
