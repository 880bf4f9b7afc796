"""The loss of a mixture of members by its weights, which blend methods minimise."""

from __future__ import annotations

from typing import Protocol

import numpy as np

BLOCK = 200_000  # values per block: 1.6 MB in float64


class BlendLoss(Protocol):
    """Mean loss of mixtures, convex in weights [m] and offsets [c].

    shape: (m members, n rows, c columns)
    scale: how many nats of log-likelihood a row's unit of the loss is
    """

    shape: tuple[int, int, int]
    scale: float

    def evaluate(
        self, weights: np.ndarray, offsets: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """The loss and its gradient: float64 [m], with offsets [m + c].

        weights: float64 [m]; offsets: float64 [c], whatever the targets' units
        """

    def bias_of(self, weights: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """The bias float64 [c] with which Task.mix gives the mixture of these offsets."""
