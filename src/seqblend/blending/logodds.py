"""Log loss of weighted log probabilities, with exact derivatives, in blocks that stay in cache."""

from __future__ import annotations

import numpy as np

from seqblend.metrics import CLIP

_BLOCK = 200_000  # numbers a block: 1.6 MB in float64


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
        right = _logs(stack[:, np.arange(n), labels])
        self.constant = np.concatenate([right.mean(1), np.bincount(labels, minlength=c) / n])

    def loss(self, weights: np.ndarray, bias: np.ndarray | None = None) -> float:
        """The loss in nats."""
        total = sum(_totals(self._mix(block, weights, bias))[1].sum() for block in self.blocks)
        return float(total / self.shape[1] - self.constant @ self._padded(weights, bias))

    def derivatives(
        self, weights: np.ndarray, bias: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gradient float64 [m] and Hessian [m, m]; with a bias [m + c] and [m + c, m + c]."""
        m, n, c = self.shape
        slope, curve = np.zeros(m + c), np.zeros((m + c, m + c))
        for block in self.blocks:
            share = _totals(self._mix(block, weights, bias))[0]  # [c, b]
            mean = (block * share).sum(1)  # [m, b]
            slope[:m] += mean.sum(1)
            apart = (block - mean[:, None]) * np.sqrt(share)  # [m, c, b]
            curve[:m, :m] += apart.reshape(m, -1) @ apart.reshape(m, -1).T
            if bias is not None:
                slope[m:] += share.sum(1)
                curve[:m, m:] += (apart * np.sqrt(share)).sum(2)
                curve[m:, m:] += np.diag(share.sum(1)) - share @ share.T
        curve[m:, :m] = curve[:m, m:].T
        end = m if bias is None else m + c
        return (slope / n - self.constant)[:end], curve[:end, :end] / n

    def _mix(self, block: np.ndarray, weights: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """float64 [c, b]: the weighted log probabilities of a block."""
        mixed = (weights @ block.reshape(len(block), -1)).reshape(block.shape[1:])
        return mixed if bias is None else mixed + bias[:, None]

    def _padded(self, weights: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        return np.concatenate([weights, np.zeros(self.shape[2]) if bias is None else bias])


def _logs(probabilities: np.ndarray) -> np.ndarray:
    """float64: logarithms of probabilities clipped at CLIP."""
    return np.log(np.clip(probabilities, CLIP, 1.0)).astype(np.float64)


def _totals(mixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Softmax float64 [c, b] over classes, and its logarithm of the sum [b]."""
    top = mixed.max(0)
    exponentials = np.exp(mixed - top)
    totals = exponentials.sum(0)
    return exponentials / totals, top + np.log(totals)
