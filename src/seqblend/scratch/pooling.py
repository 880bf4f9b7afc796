"""From a row's states to one vector: its last state, their mean or their maximum, padding aside.

backward() gives every state its share of the gradient: all of it, one part in n, or what it won.
"""

from __future__ import annotations

import numpy as np

from seqblend.scratch.attention import Attention
from seqblend.scratch.layers import mask_of


class LastPool:
    """The state after a row's last token."""

    def __init__(self) -> None:
        self.weights: dict[str, np.ndarray] = {}
        self.gradients: dict[str, np.ndarray] = {}

    def forward(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """x: [b, t, d], lengths: int64 [b] -> [b, d]."""
        self._shape, self._place = x.shape, (np.arange(len(x)), lengths - 1)
        return x[self._place]

    def backward(self, by_output: np.ndarray) -> np.ndarray:
        """by_output: [b, d] -> the gradient of x, [b, t, d]."""
        by_x = np.zeros(self._shape, by_output.dtype)
        by_x[self._place] = by_output
        return by_x


class MeanPool:
    """The mean of a row's states."""

    def __init__(self) -> None:
        self.weights: dict[str, np.ndarray] = {}
        self.gradients: dict[str, np.ndarray] = {}

    def forward(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """x: [b, t, d], lengths: int64 [b] -> [b, d]."""
        self._shares = (mask_of(lengths, x.shape[1]) / lengths[:, None]).astype(x.dtype)
        return np.matmul(self._shares[:, None], x)[:, 0]

    def backward(self, by_output: np.ndarray) -> np.ndarray:
        """by_output: [b, d] -> the gradient of x, [b, t, d]."""
        return self._shares[:, :, None] * by_output[:, None]


class MaxPool:
    """The greatest value of each feature over a row; the first step that has it gets it all."""

    def __init__(self) -> None:
        self.weights: dict[str, np.ndarray] = {}
        self.gradients: dict[str, np.ndarray] = {}

    def forward(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """x: [b, t, d], lengths: int64 [b] -> [b, d]."""
        masked = np.where(mask_of(lengths, x.shape[1])[:, :, None], x, -np.inf)
        self._shape, self._winners = x.shape, masked.argmax(axis=1)[:, None]  # [b, 1, d]
        return np.take_along_axis(x, self._winners, axis=1)[:, 0]

    def backward(self, by_output: np.ndarray) -> np.ndarray:
        """by_output: [b, d] -> the gradient of x, [b, t, d]."""
        by_x = np.zeros(self._shape, by_output.dtype)
        np.put_along_axis(by_x, self._winners, by_output[:, None], axis=1)
        return by_x


POOLINGS = ("last", "mean", "max", "attention")


def make_pool(kind: str, width: int, dtype: type) -> LastPool | MeanPool | MaxPool | Attention:
    """The pooling layer of that name, one of POOLINGS."""
    if kind not in POOLINGS:
        raise ValueError(f"pooling expects {', '.join(POOLINGS)}, got {kind!r}")
    if kind == "attention":
        return Attention(width, dtype)
    return {"last": LastPool, "mean": MeanPool, "max": MaxPool}[kind]()
