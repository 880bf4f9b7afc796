"""Gradient boosting on which token stands at which position, for rows that are aligned."""

from __future__ import annotations

from dataclasses import dataclass

from seqblend.core.knobs import Choice, knob
from seqblend.data.sequences import SequenceSet
from seqblend.models.boosting import Boosting, BoostingOptions
from seqblend.models.positions import PLACES, place_tokens, why_not_aligned
from seqblend.models.registry import register


@dataclass(frozen=True)
class PlacedBoostingOptions(BoostingOptions):
    """What trees are fitted to, and how many."""

    orders: int = knob(1, Choice((1, 2)), "n-grams of 1 to this many tokens", least=1)
    counted: int = knob(500, Choice((250, 500)), "commonest n-grams by position", least=1)


@register(
    "positions_boosting", PlacedBoostingOptions, kind="linear", why_not=why_not_aligned, cost=6.0
)
class PlacedBoosting(Boosting):
    """Boosted trees see what `positions` does not: one position given another far from it."""

    @staticmethod
    def read(sequences: SequenceSet, size: int) -> tuple[SequenceSet, int]:
        """The rows with tokens that say where they stand."""
        return place_tokens(sequences), size * PLACES
