"""Linear member on tf-idf values of amino acid n-grams, for strings of nucleotides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.data.sequences import SequenceSet, View
from seqblend.models.ngrams import NgramIndex, fit_ngrams
from seqblend.models.proteins import AMINO_ACIDS, translate, why_no_nucleotides
from seqblend.models.registry import register
from seqblend.models.weighting import TfidfRegression


@dataclass(frozen=True)
class CodonOptions:
    """What the regression on amino acids is made of; paths: values tried on inner splits."""

    paths: ClassVar[dict[str, tuple[Any, ...]]] = {
        "strength": (3.0, 10.0, 30.0, 100.0, 300.0, 1000.0),
        "orders": (3, 4, 5),
    }
    orders: int = knob(3, Choice((2, 3, 4, 5)), "n-grams of 1 to this many amino acids", least=1)
    min_count: int = knob(2, Choice((1, 2, 3)), "rarer n-grams are left out", least=1)
    strength: float = knob(100.0, Span(1.0, 1000.0, log=True), "inverse L2 penalty (C)", above=0)
    tolerance: float = share(3e-3, help="the gradient's norm at the end, as a share of the first")
    most_weights: int = knob(50_000_000, help="with more, the least count is raised (200 MB)")


@register("codons", CodonOptions, kind="linear", views=("chars",), why_not=why_no_nucleotides)
class CodonLogistic(TfidfRegression):
    """One regression of all classes on sublinear tf-idf values of the rows' amino acids.

    Rows are translated in the frame with the longest run without a stop. Genes of one family
    share short pieces of protein more often than bases, since several codons mean the same.
    """

    @staticmethod
    def fit_counts(
        train: SequenceSet, view: View, options: CodonOptions, min_count: int
    ) -> tuple[NgramIndex, sparse.csr_matrix]:
        """The training rows' n-grams of amino acids and their counts: float32 [n, v]."""
        proteins, _ = translate(train, view.lexicon)
        return fit_ngrams(proteins, len(AMINO_ACIDS), options.orders, min_count)

    def count(self, sequences: SequenceSet) -> sparse.csr_matrix:
        """The rows' known n-grams of amino acids: float32 [n, v]."""
        return super().count(translate(sequences, self.view.lexicon)[0])

    def spread(self, row: SequenceSet, each: np.ndarray) -> np.ndarray:
        """float64 [t]: amounts of n-grams, an amino acid's shared by its three bases."""
        proteins, (frame,) = translate(row, self.view.lexicon)
        spread = np.zeros(len(row.row(0)))
        acids = super().spread(proteins, each)[: (len(spread) - frame) // 3]
        spread[frame : frame + 3 * len(acids)] = np.repeat(acids / 3, 3)
        return spread
