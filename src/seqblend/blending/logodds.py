"""Log loss of weighted log probabilities and its gradient, in blocks that stay in cache."""

from __future__ import annotations

import numpy as np

from seqblend.evaluation.metrics import CLIP

_BLOCK = 200_000  # values per block: 1.6 MB in float64


class LogOddsLoss:
    """Mean log loss of softmax(weights . log p + bias), convex in weights [m] and bias [c].

    stack: float32 [m, n, c], labels: int64 [n]
    """

    def __init__(self, stack: np.ndarray, labels: np.ndarray) -> None:
        m, n, c = stack.shape
        size = max(_BLOCK // (m * c), 64)
        self.shape = m, n, c
        self.blocks = [
            np.ascontiguousarray(_logs(stack[:, start : start + size]).transpose(0, 2, 1))
            for start in range(0, n, size)
        ]  # float64 [m, c, b] each: sums over classes run along rows
        # The loss is mean(log sum exp) - linear . parameters: the labels enter by these means only.
        right = _logs(stack[:, np.arange(n), labels])
        self.linear = np.concatenate([right.mean(1), np.bincount(labels, minlength=c) / n])

    def evaluate(
        self, weights: np.ndarray, bias: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """The loss in nats and its gradient: float64 [m], with a bias [m + c].

        weights: float64 [m], bias: float64 [c]
        """
        m, n, c = self.shape
        offsets = np.zeros(c) if bias is None else bias
        total, slope = 0.0, np.zeros(m + c)
        for block in self.blocks:
            flat = block.reshape(m, -1)  # a view, [m, c * b]
            mixed = (weights @ flat).reshape(c, -1) + offsets[:, None]
            mixed -= (top := mixed.max(0))
            exponentials = np.exp(mixed)
            sums = exponentials.sum(0)
            total += (top + np.log(sums)).sum()
            share = exponentials / sums  # softmax [c, b]
            slope[:m] += flat @ share.ravel()
            slope[m:] += share.sum(1)
        loss = total / n - self.linear @ np.concatenate([weights, offsets])
        gradient = slope / n - self.linear
        return float(loss), gradient[:m] if bias is None else gradient


def _logs(probabilities: np.ndarray) -> np.ndarray:
    """float64: logarithms of probabilities clipped at CLIP."""
    return np.log(np.clip(probabilities, CLIP, 1.0)).astype(np.float64)
