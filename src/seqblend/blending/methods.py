"""Blend methods: how to weigh members, and how to apply weights to their probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.blending.stacking import simplex_weights, stacking_weights
from seqblend.evaluation.metrics import CLIP, score, sign_of
from seqblend.evaluation.temperature import softmax

METHODS = ("single", "mean", "logodds_simplex", "stacking")  # the simplest first: it wins ties
LOG_ODDS = ("logodds_simplex", "stacking")  # these average log probabilities
NEGLIGIBLE = 1e-3  # a weight that does not count as a member


@dataclass(frozen=True)
class Blend:
    """A fitted blend: the method, a weight for each member, and what is done to the mixture.

    weights: float64 [m], in the order of `members`; >= 0 and of sum 1, in stacking of any sign
    bias: float64 [c], added to mixed log probabilities; None: 0
    temperature: the mixture's log probabilities are divided by it
    class_weights: float64 [c], by which classes are multiplied at the end; None: 1
    """

    method: str
    weights: np.ndarray
    members: tuple[str, ...]
    bias: np.ndarray | None = None
    temperature: float = 1.0
    class_weights: np.ndarray | None = None

    @property
    def size(self) -> int:
        """How many members have a weight that counts."""
        return int((np.abs(self.weights) >= NEGLIGIBLE).sum())

    def apply(self, stack: np.ndarray) -> np.ndarray:
        """float64 [n, c]: the blended probabilities of stack float [m, n, c], rows sum to 1."""
        blended = _mix(self.weights, stack, is_log=self.method in LOG_ODDS)
        if self.method in LOG_ODDS:
            blended = softmax(blended if self.bias is None else blended + self.bias)
        return adjust(blended / blended.sum(1, keepdims=True), self.temperature, self.class_weights)


def adjust(
    probabilities: np.ndarray, temperature: float = 1.0, class_weights: np.ndarray | None = None
) -> np.ndarray:
    """float64 [n, c]: log probabilities over a temperature, then classes times their weights.

    probabilities: float64 [n, c]; class_weights: float64 [c]
    """
    if temperature != 1.0:
        probabilities = softmax(np.log(np.clip(probabilities, CLIP, 1.0)) / temperature)
    if class_weights is None:
        return probabilities
    weighted = probabilities * class_weights
    return weighted / weighted.sum(1, keepdims=True)


def fit_blend(
    method: str, stack: np.ndarray, labels: np.ndarray, metric: str, members: tuple[str, ...]
) -> Blend:
    """The blend whose weights are chosen on the given rows.

    stack: float32 [m, n, c], labels: int64 [n]; with one member or no rows the weights are equal
    """
    if method not in METHODS:
        raise ValueError(f"no blend method {method!r}; there are {', '.join(METHODS)}")
    m, bias = len(stack), None
    if len(labels) == 0 or method == "mean" or (m == 1 and method != "stacking"):
        weights = np.full(m, 1 / m)
    elif method == "single":
        weights = np.eye(m)[best_member(stack, labels, metric)]
    elif method == "logodds_simplex":
        weights = simplex_weights(stack, labels)
    else:
        weights, bias = stacking_weights(stack, labels)
    return Blend(method, weights, tuple(members), bias)


def best_member(stack: np.ndarray, labels: np.ndarray, metric: str) -> int:
    """The position of the member with the best score; log loss breaks ties.

    stack: float32 [m, n, c], labels: int64 [n]; the first one on ties
    """
    values = [sign_of(metric) * (score(metric, labels, member) or 0.0) for member in stack]
    tied = [j for j, value in enumerate(values) if value == max(values)]
    return min(tied, key=lambda j: score("log_loss", labels, stack[j]))


def _mix(weights: np.ndarray, stack: np.ndarray, *, is_log: bool) -> np.ndarray:
    """float64 [n, c]: the weighted sum of members, or of their log probabilities."""
    mixed = np.zeros(stack.shape[1:])
    for weight, member in zip(weights, stack, strict=True):
        if weight:  # many weights on the simplex are 0, and logarithms are slow
            mixed += weight * (np.log(np.clip(member, CLIP, 1.0)) if is_log else member)
    return mixed
