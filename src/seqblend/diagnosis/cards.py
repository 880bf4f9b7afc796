"""What each member contributes to a blend: weight, loss without it, disagreement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.blending.crossfit import cross_fit
from seqblend.evaluation.metrics import predict_classes, score
from seqblend.evaluation.paired import compare_losses
from seqblend.tasks.task import Task


@dataclass(frozen=True)
class MemberCard:
    """One member.

    weight: in the chosen blend
    loss_without: increase of the cross-fitted loss of a convex blend refitted without the member;
        low, high: its 95 % interval over rows
    disagreement: with the blend, as measure_disagreement has it
    """

    name: str
    weight: float
    loss_without: float
    low: float
    high: float
    disagreement: float


def make_cards(
    names: tuple[str, ...],
    stack: np.ndarray,
    targets: np.ndarray,
    fold: np.ndarray,
    blend: np.ndarray,
    weights: dict[str, float],
    task: Task,
) -> list[MemberCard]:
    """One card per member.

    stack: float32 [m, n, c], out of fold; targets: n rows; fold: int64 [n]; blend: float [n, c]
    weights: {name: weight}
    """
    rows = fold >= 0
    whole = _losses(stack, targets, fold, task)
    cards = []
    for k, name in enumerate(names):
        others = np.arange(len(names)) != k
        without = np.full(len(whole), np.nan)
        if others.any():
            without = _losses(stack[others], targets, fold, task)
        rise = compare_losses(whole, without)
        cards.append(
            MemberCard(
                name,
                weights.get(name, 0.0),
                rise.mean,
                rise.low,
                rise.high,
                measure_disagreement(stack[k, rows], blend[rows], task),
            )
        )
    return cards


def measure_disagreement(member: np.ndarray, blend: np.ndarray, task: Task) -> float:
    """The share of rows where a member predicts another class than the blend.

    Without classes: 1 less their correlation, a mean over the columns where it is defined, neither
    of both constant; NaN where there are none.
    member, blend: float [n, c]
    """
    if task.has_classes:
        return float((predict_classes(member) != predict_classes(blend)).mean())
    correlation = score("pearson", blend, member)
    return float("nan") if correlation is None else 1 - correlation


def disagreement_name(task: Task) -> str:
    """What measure_disagreement is of this task's predictions."""
    return "rows of another class than the blend" if task.has_classes else "1 - correlation"


def _losses(stack: np.ndarray, targets: np.ndarray, fold: np.ndarray, task: Task) -> np.ndarray:
    """float64 [rows with a fold]: the loss of the members' convex blend, cross-fitted."""
    rows = fold >= 0
    blended = cross_fit(task.convex_method, stack, targets, fold, task.loss_metric, task)
    return task.losses(targets[rows], blended[rows])
