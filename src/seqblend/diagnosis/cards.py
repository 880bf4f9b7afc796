"""What each member contributes to a blend: weight, loss without it, disagreement, run time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.blending.crossfit import cross_fit
from seqblend.diagnosis.holdouts import HoldOut
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
    prediction_std: std of the member's test predictions across folds and seeds
    """

    name: str
    weight: float
    loss_without: float
    low: float
    high: float
    disagreement: float
    prediction_std: float
    seconds: float


def make_cards(
    names: tuple[str, ...],
    stack: np.ndarray,
    labels: np.ndarray,
    fold: np.ndarray,
    blend: np.ndarray,
    weights: dict[str, float],
    *,
    prediction_std: list[float],
    seconds: list[float],
) -> list[MemberCard]:
    """One card per member.

    stack: float32 [m, n, c], out of fold; labels, fold: int64 [n]; blend: float [n, c]
    weights: {name: weight}; prediction_std, seconds: one per member
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
                prediction_std=prediction_std[k],
                seconds=seconds[k],
            )
        )
    return cards


def prediction_std(parts: list[HoldOut]) -> float:
    """Std of P(class) across fits (folds and seeds), mean over test rows; 0 below two fits.

    An upper bound for what averaging over more seeds can remove.
    """
    if len(parts) < 2:
        return 0.0
    tests = np.stack([part.test for part in parts]).astype(np.float64)
    return float(tests.std(axis=0, ddof=1).mean())


def member_gaining_most_from_seeds(cards: list[MemberCard], trained: set[str]) -> str | None:
    """The member whose next seed removes most of the blend's variance per second of training.

    trained: names of members that depend on the seed
    """
    worth = {
        card.name: (card.weight * card.prediction_std) ** 2 / max(card.seconds, 1.0)
        for card in cards
        if card.name in trained
    }
    best = max(worth, key=worth.__getitem__, default=None)
    return best if best is not None and worth[best] > 0 else None


def _losses(stack: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """float64 [rows with a fold]: the log loss of the members' log-odds blend, cross-fitted."""
    rows = fold >= 0
    return row_losses(labels[rows], cross_fit(METHOD, stack, labels, fold, "log_loss")[rows])
