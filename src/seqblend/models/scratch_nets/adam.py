"""Adam, and clipping of gradients by their global norm. Both change arrays in place."""

from __future__ import annotations

import math

import numpy as np

Arrays = dict[str, np.ndarray]


def clip_by_global_norm(gradients: Arrays, most: float) -> float:
    """The norm of all gradients taken as one vector, before they are scaled down to `most`.

    Pascanu, Mikolov & Bengio 2013: the direction stays, an explosion becomes a step of normal
    length. most: 0 scales nothing
    """
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in gradients.values()))
    scale = most / (norm + 1e-6)  # torch's guard against a norm of zero
    if most and scale < 1:
        for gradient in gradients.values():
            gradient *= scale
    return norm


class Adam:
    """Kingma & Ba 2015: a weight moves by its gradient's mean over the root of its mean square.

    m = b1 m + (1 - b1) g   v = b2 v + (1 - b2) g^2   w -= rate * m^ / (sqrt(v^) + eps)
    m^ = m / (1 - b1^t) and v^ = v / (1 - b2^t) undo that m and v start at zero.
    """

    def __init__(
        self, weights: Arrays, *, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        self.weights, self.betas, self.eps, self.steps = weights, betas, eps, 0
        self._means = {name: np.zeros_like(array) for name, array in weights.items()}
        self._squares = {name: np.zeros_like(array) for name, array in weights.items()}

    def step(self, gradients: Arrays, rate: float) -> None:
        """Move every weight."""
        self.steps += 1
        first, second = self.betas
        to_mean, to_square = (1 - beta**self.steps for beta in self.betas)
        for name, gradient in gradients.items():
            mean, square = self._means[name], self._squares[name]
            mean += (1 - first) * (gradient - mean)
            square *= second
            square += (1 - second) * gradient * gradient
            scale = np.sqrt(square)
            scale /= math.sqrt(to_square)
            scale += self.eps
            self.weights[name] -= rate / to_mean * (mean / scale)
