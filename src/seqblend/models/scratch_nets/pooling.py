"""From a row's states to one vector: its last state, their mean or their maximum, padding aside.

backward() gives every state its share of the gradient: all of it, one part in n, or what it won.
"""

from __future__ import annotations

import numpy as np

from seqblend.models.scratch_nets.additive_attention import Attention
from seqblend.models.scratch_nets.dense import mask_of


class LastPool:
    """The state after a row's last token."""

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

    def forward(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """x: [b, t, d], lengths: int64 [b] -> [b, d]."""
        self._shares = (mask_of(lengths, x.shape[1]) / lengths[:, None]).astype(x.dtype)
        return np.matmul(self._shares[:, None], x)[:, 0]

    def backward(self, by_output: np.ndarray) -> np.ndarray:
        """by_output: [b, d] -> the gradient of x, [b, t, d]."""
        return self._shares[:, :, None] * by_output[:, None]


class MaxPool:
    """The greatest value of each feature over a row; the first step that has it gets it all."""

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


class JoinedPool:
    """Several poolings of the same states, side by side."""

    def __init__(self, pools: dict[str, LastPool | MeanPool | MaxPool | Attention]) -> None:
        self.pools = pools
        self.weights = self._collect("weights")
        self.gradients: dict[str, np.ndarray] = {}

    def forward(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """x: [b, t, d], lengths: int64 [b] -> [b, d * pools]."""
        return np.concatenate([pool.forward(x, lengths) for pool in self.pools.values()], axis=1)

    def backward(self, by_output: np.ndarray) -> np.ndarray:
        """by_output: [b, d * pools] -> the gradient of x, [b, t, d]: what each pooling gives."""
        parts = np.split(by_output, len(self.pools), axis=1)
        by_x = [pool.backward(part) for pool, part in zip(self.pools.values(), parts, strict=True)]
        self.gradients = self._collect("gradients")
        return np.sum(by_x, axis=0)

    def _collect(self, what: str) -> dict[str, np.ndarray]:
        """The poolings' `weights` or `gradients` under one name each."""
        return {
            f"{kind}.{name}": array
            for kind, pool in self.pools.items()
            for name, array in getattr(pool, what, {}).items()  # only attention has any
        }


_SINGLE = {"last": LastPool, "mean": MeanPool, "max": MaxPool}
POOLINGS = ("last", "mean", "max", "attention", "mean+max", "attention+max")


def make_pool(kinds: str, width: int, dtype: type) -> JoinedPool:
    """The pooling of that name, one of POOLINGS; it gives `width` features a kind."""
    if kinds not in POOLINGS:
        raise ValueError(f"pooling expects {', '.join(POOLINGS)}, got {kinds!r}")
    pools = {
        kind: Attention(width, dtype) if kind == "attention" else _SINGLE[kind]()
        for kind in kinds.split("+")
    }
    return JoinedPool(pools)
