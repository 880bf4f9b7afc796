"""What each member contributes to a blend: weight, loss without it, disagreement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.blending.crossfit import cross_fit
from seqblend.evaluation.metrics import predict_classes, row_losses
from seqblend.evaluation.paired import compare_losses

METHOD = "logodds_simplex"  # convex and deterministic


@dataclass(frozen=True)
class MemberCard:
    """One member.

    weight: in the chosen blend
    loss_without: increase of the cross-fitted log loss of a log-odds blend refitted without the
        member; low, high: its 95 % interval over rows
    disagreement: share of rows where it predicts another class than the blend
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
    labels: np.ndarray,
    fold: np.ndarray,
    blend: np.ndarray,
    weights: dict[str, float],
) -> list[MemberCard]:
    """One card per member.

    stack: float32 [m, n, c], out of fold; labels, fold: int64 [n]; blend: float [n, c]
    weights: {name: weight}
    """
    rows = fold >= 0
    mine, known = labels[rows], stack[:, rows]
    whole = _losses(stack, labels, fold)
    cards = []
    for k, name in enumerate(names):
        others = np.arange(len(names)) != k
        without = np.full(len(mine), np.nan)
        if others.any():
            without = _losses(stack[others], labels, fold)
        rise = compare_losses(whole, without)
        differs = predict_classes(known[k]) != predict_classes(blend[rows])
        cards.append(
            MemberCard(
                name,
                weights.get(name, 0.0),
                rise.mean,
                rise.low,
                rise.high,
                disagreement=float(differs.mean()),
            )
        )
    return cards


def _losses(stack: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """float64 [rows with a fold]: the log loss of the members' log-odds blend, cross-fitted."""
    rows = fold >= 0
    return row_losses(labels[rows], cross_fit(METHOD, stack, labels, fold, "log_loss")[rows])
