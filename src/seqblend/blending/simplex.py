"""Weights on the simplex that minimise log loss: projected Newton on two convex problems."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seqblend.blending.logodds import LogOddsLoss
from seqblend.metrics import CLIP

TOLERANCE = 1e-8  # nats within which the loss is at its minimum (Frank-Wolfe duality gap)
MOST_STEPS = 100
NEGLIGIBLE = 1e-9  # a weight that counts as zero

Loss = Callable[[np.ndarray], float]
Derivatives = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def mixture_weights(stack: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [m]: weights of the mean probability with the least log loss.

    stack: float32 [m, n, c], labels: int64 [n]
    """
    right = stack[:, np.arange(len(labels)), labels].astype(np.float64)
    right = np.clip(right, CLIP, 1.0)

    def loss(weights: np.ndarray) -> float:
        return float(-np.log(weights @ right).mean())

    def derivatives(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        share = right / (weights @ right)  # [m, n]
        return -share.mean(1), share @ share.T / len(labels)

    return minimise_on_simplex(loss, derivatives, len(stack))


def logodds_weights(stack: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [m]: weights of the mean log probability (softmax of it) with the least log loss.

    stack: float32 [m, n, c], labels: int64 [n]
    """
    problem = LogOddsLoss(stack, labels)
    return minimise_on_simplex(problem.loss, problem.derivatives, len(stack))


def minimise_on_simplex(loss: Loss, derivatives: Derivatives, m: int) -> np.ndarray:
    """float64 [m]: the point of the simplex where a convex loss is least, from equal weights.

    derivatives: weights [m] -> (gradient [m], Hessian [m, m])
    Source: Bertsekas 1982, projected Newton; the largest weight is eliminated, the others are >= 0.
    Among equally good points it stays near equal weights: equals get the same weight.
    """
    weights = np.full(m, 1 / m)
    value = loss(weights)
    for _ in range(MOST_STEPS):
        slope, curve = derivatives(weights)
        if slope @ weights - slope.min() < TOLERANCE:
            break
        step = _newton_step(weights, slope, curve)
        for halving in range(40):
            candidate = _move(weights, step * 0.5**halving)
            if candidate is not None and (trial := loss(candidate)) < value:
                break
        else:
            break  # no descent left within rounding
        weights, value = candidate, trial
    return weights


def _newton_step(weights: np.ndarray, slope: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """float64 [m]: Newton's step for the weights that may move; the rest are sent to zero."""
    pivot = int(weights.argmax())
    reduced = slope - slope[pivot]
    is_free = (weights > NEGLIGIBLE) | (reduced < 0)
    is_free[pivot] = False
    step = np.where(is_free, 0.0, -weights)
    across = curve[is_free, pivot]
    square = curve[np.ix_(is_free, is_free)] - across[:, None] - across + curve[pivot, pivot]
    square += np.eye(len(square)) * (1e-10 + 1e-9 * np.trace(square))  # identical members
    step[is_free] = -np.linalg.solve(square, reduced[is_free])
    step[pivot] = 0.0
    return step


def _move(weights: np.ndarray, step: np.ndarray) -> np.ndarray | None:
    """The projected point after a step; None where the pivot would turn negative."""
    pivot = int(weights.argmax())
    moved = np.maximum(weights + step, 0.0)
    moved[pivot] = 0.0
    moved[pivot] = 1.0 - moved.sum()
    return moved if moved[pivot] >= 0 else None
