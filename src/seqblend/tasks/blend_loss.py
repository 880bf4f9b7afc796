"""The loss of a mixture of members by its weights, which blend methods minimise."""

from __future__ import annotations

from typing import Protocol

import numpy as np

BLOCK = 200_000  # values per block: 1.6 MB in float64


class BlendLoss(Protocol):
    """Mean loss of mixtures, convex in weights [m] and bias [c].

    shape: (m members, n rows, c columns)
    scale: how many nats of log-likelihood a row's unit of the loss is
    unit: float64 [c] or a number, what a bias of one is in the columns' units
    """

    shape: tuple[int, int, int]
    scale: float
    unit: np.ndarray | float

    def centre(self, bias: np.ndarray) -> np.ndarray:
        """The bias float64 [c] as one of those that give the same mixture."""

    def evaluate(
        self, weights: np.ndarray, bias: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """The loss and its gradient: float64 [m], with a bias [m + c].

        weights: float64 [m], bias: float64 [c]
        """
