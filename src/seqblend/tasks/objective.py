"""What a network is trained for: one fit's loss on its training rows."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor


class Objective(ABC):
    """The loss of a network's outputs float32 [b, c], and what its predictions are.

    mass: float64 [n], of each training row in a mean loss
    prior_loss: the loss of the best constant prediction of the training rows
    """

    mass: np.ndarray
    prior_loss: float
    has_accuracy = True  # rows are right or wrong: count_right has a meaning

    @abstractmethod
    def targets(self, device: torch.device) -> Tensor:
        """The training rows' targets as `loss` takes them: [n] or [n, c]."""

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a batch, by mass: float32 []."""

    def plain_loss(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """The loss comparable with a validation loss; None where `loss` is."""
        return None

    def count_right(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """How many rows are predicted correctly; None where that has no meaning."""
        return None

    @abstractmethod
    def predict(self, outputs: Tensor) -> Tensor:
        """Predictions float32 [b, c], as the task's arrays have them."""

    @abstractmethod
    def measure(self, targets: np.ndarray, array: np.ndarray) -> float | None:
        """The loss of predictions float32 [n, c], as training measures it; None where undefined."""

    def arrays(self) -> dict[str, np.ndarray]:
        """What `predict` needs besides the outputs."""
        return {}
