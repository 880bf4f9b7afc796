"""Blend methods: how to weigh members, and how to apply weights to their predictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.blending.stacking import simplex_weights, stacking_weights
from seqblend.evaluation.metrics import score, sign_of
from seqblend.tasks.adjustments import Adjustment
from seqblend.tasks.task import Task

ARITHMETIC = ("single", "mean")  # the others mix on the scale of the task's blend loss
NEGLIGIBLE = 1e-3  # a weight that does not count as a member


@dataclass(frozen=True)
class Blend:
    """A fitted blend: the method, a weight for each member, and what is done to the mixture.

    weights: float64 [m], in the order of `members`; >= 0 and of sum 1, in stacking of any sign
    bias: float64 [c], added on the scale that members are mixed on; None: 0
    adjustment: what is done to the mixture at the end
    """

    method: str
    weights: np.ndarray
    members: tuple[str, ...]
    task: Task
    bias: np.ndarray | None = None
    adjustment: Adjustment | None = None

    @property
    def size(self) -> int:
        """How many members have a weight that counts."""
        return int((np.abs(self.weights) >= NEGLIGIBLE).sum())

    def apply(self, stack: np.ndarray) -> np.ndarray:
        """float64 [n, c]: the blended predictions of stack float [m, n, c]."""
        if self.method in ARITHMETIC:
            blended = _average(self.weights, stack)
        else:
            blended = self.task.mix(self.weights, stack, self.bias)
        blended = self.task.normalise(blended)
        return blended if self.adjustment is None else self.adjustment.apply(blended)


def fit_convex(
    stack: np.ndarray, targets: np.ndarray, members: tuple[str, ...], task: Task
) -> Blend:
    """The convex blend of least loss; of one member this member. stack: float32 [m, n, c]"""
    method = task.convex_method if len(members) > 1 else "mean"
    return fit_blend(method, stack, targets, task.loss_metric, members, task)


def fit_blend(
    method: str,
    stack: np.ndarray,
    targets: np.ndarray,
    metric: str,
    members: tuple[str, ...],
    task: Task,
) -> Blend:
    """The blend whose weights are chosen on the given rows.

    method: one of task.blend_methods
    stack: float32 [m, n, c]; with one member or no rows the weights are equal
    """
    if method not in task.blend_methods:
        raise ValueError(f"no blend method {method!r}; there are {', '.join(task.blend_methods)}")
    m, bias = len(stack), None
    if len(targets) == 0 or method == "mean" or (m == 1 and method != "stacking"):
        weights = np.full(m, 1 / m)
    elif method == "single":
        weights = np.eye(m)[best_member(stack, targets, metric, task)]
    elif method == "stacking":
        weights, bias = stacking_weights(task.blend_loss(stack, targets))
    else:
        weights = simplex_weights(task.blend_loss(stack, targets))
    return Blend(method, weights, tuple(members), task, bias)


def best_member(stack: np.ndarray, targets: np.ndarray, metric: str, task: Task) -> int:
    """The position of the member with the best score; the task's loss breaks ties.

    stack: float32 [m, n, c]; the first one on ties
    """
    scores = [score(metric, targets, member) for member in stack]
    values = [-np.inf if value is None else sign_of(metric) * value for value in scores]
    tied = [j for j, value in enumerate(values) if value == max(values)]
    return min(tied, key=lambda j: task.losses(targets, stack[j]).mean())


def _average(weights: np.ndarray, stack: np.ndarray) -> np.ndarray:
    """float64 [n, c]: the weighted sum of members."""
    mixed = np.zeros(stack.shape[1:])
    for weight, member in zip(weights, stack, strict=True):
        if weight:
            mixed += weight * member
    return mixed
