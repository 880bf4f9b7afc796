"""Linear member on n-grams with their positions, for rows that are aligned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.data.sequences import SequenceSet, View
from seqblend.models.ngrams import NgramIndex, count_ngrams, fit_ngrams
from seqblend.models.registry import register
from seqblend.models.weighting import TfidfRegression

PLACES = 512  # positions told apart; those behind count as the last of them
_LEAST_SHARE = 0.9  # of rows that have the commonest length


@dataclass(frozen=True)
class PositionOptions:
    """What the regression is made of; paths: values tried on inner splits."""

    paths: ClassVar[dict[str, tuple[Any, ...]]] = {
        "strength": (3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0),
        "orders": (1, 2, 3, 4),
    }
    orders: int = knob(3, Choice((1, 2, 3, 4)), "n-grams of 1 to this many tokens", least=1)
    min_count: int = knob(3, Choice((2, 3, 5)), "rarer n-grams are left out", least=1)
    strength: float = knob(0.01, Span(1e-4, 10.0, log=True), "inverse L2 penalty (C)", above=0)
    tolerance: float = share(3e-3, help="the gradient's norm at the end, as a share of the first")
    most_weights: int = knob(50_000_000, help="with more, the least count is raised (200 MB)")


def why_not_aligned(view: View) -> str:
    """Why positions in the rows cannot be compared; empty where (nearly) all have one length."""
    lengths = np.bincount(view.sequences.lengths)
    same = int(lengths.max()) / max(int(lengths.sum()), 1)
    if len(lengths) > 2 and same >= _LEAST_SHARE:
        return ""
    return f"reads rows of one length, and {same:.0%} of the rows have the commonest length"


def place_tokens(sequences: SequenceSet) -> SequenceSet:
    """The rows with tokens that say where they stand: token * PLACES + position, int64."""
    tokens, offsets = sequences.flat()
    places = np.arange(len(tokens)) - np.repeat(offsets[:-1], sequences.lengths)
    placed = tokens.astype(np.int64) * PLACES + np.minimum(places, PLACES - 1)
    return SequenceSet.from_offsets(placed, offsets)


@register("positions", PositionOptions, kind="linear", why_not=why_not_aligned)
class PositionLogistic(TfidfRegression):
    """One regression of all classes on which n-gram starts at which position.

    Members on n-grams alone do not see where one stands, which decides in DNA windows around a
    site and in forms with fixed fields.
    """

    @staticmethod
    def fit_counts(
        train: SequenceSet, view: View, options: PositionOptions, min_count: int
    ) -> tuple[NgramIndex, sparse.csr_matrix]:
        """The training rows' n-grams by position and their counts: float32 [n, v]."""
        return fit_ngrams(
            place_tokens(train), len(view.lexicon) * PLACES, options.orders, min_count
        )

    @classmethod
    def fit_values(
        cls, index: NgramIndex, counts: sparse.csr_matrix, options: PositionOptions
    ) -> np.ndarray:
        """Empty: an n-gram is at its position or not."""
        return np.empty(0, dtype=np.float32)

    def count(self, sequences: SequenceSet) -> sparse.csr_matrix:
        """The rows' known n-grams by position: float32 [n, v]."""
        return count_ngrams(self.index, place_tokens(sequences))

    def spread(self, row: SequenceSet, each: np.ndarray) -> np.ndarray:
        """float64 [t]: amounts of n-grams, shared by their tokens."""
        return super().spread(place_tokens(row), each)
