"""Softmax and its cross-entropy, whose gradient is simply p - y."""

from __future__ import annotations

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """float [b, c], rows sum to 1. The row's maximum is taken off first: no overflow."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """(the mean of -log p[label] over the rows, its gradient by the logits [b, c]).

    logits: float [b, c], labels: int64 [b]. With p = softmax(z): dL/dz_j = (p_j - [j = label]) / b.
    """
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(logs)
    gradient[rows, labels] -= 1
    return float(-logs[rows, labels].mean()), gradient / len(labels)
