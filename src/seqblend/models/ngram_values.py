"""Tf-idf values of a row's n-grams for members of any kind: fitted once, stored as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from seqblend.data.sequences import SequenceSet, View
from seqblend.models.ngrams import ColumnTokens, NgramIndex, count_ngrams, fit_ngrams, fit_within
from seqblend.models.proteins import AMINO_ACIDS, translate, why_no_nucleotides
from seqblend.models.weighting import fit_idf, to_tfidf


def rows_to_arrays(rows: sparse.csr_matrix) -> dict[str, np.ndarray]:
    """The arrays of a sparse matrix, for rows_from_arrays."""
    return {name: getattr(rows, name) for name in ("data", "indices", "indptr")}


def rows_from_arrays(arrays: dict[str, np.ndarray], width: int) -> sparse.csr_matrix:
    """The matrix that gave these arrays, found among others. width: its columns."""
    parts = tuple(arrays[name] for name in ("data", "indices", "indptr"))
    return sparse.csr_matrix(parts, shape=(len(parts[2]) - 1, width))


@dataclass(frozen=True)
class NgramValues:
    """What turns rows into sublinear tf-idf values of length 1.

    idf: float32 [v], 0 for n-grams that are left out
    is_protein: whether rows are strings of nucleotides, whose n-grams are of amino acids
    """

    index: NgramIndex
    idf: np.ndarray
    is_protein: bool

    @classmethod
    def fit(
        cls, train: SequenceSet, view: View, orders: int, min_count: int, most: int
    ) -> tuple[NgramValues, sparse.csr_matrix]:
        """The n-grams of 1 to `orders` tokens that training rows hold, and the rows' counts [n, v].

        most: with more n-grams, the least count is raised
        """
        is_protein = not why_no_nucleotides(view)
        size, named = len(view.lexicon), ColumnTokens.of(view)
        if is_protein:
            size, named, train = len(AMINO_ACIDS), None, translate(train, view.lexicon)[0]
        fit = partial(fit_ngrams, train, size, orders, named=named, has_ends=not is_protein)
        index, counts = fit_within(fit, min_count, most)
        return cls(index, fit_idf(counts), is_protein), counts

    def of(self, sequences: SequenceSet, lexicon: list[str]) -> sparse.csr_matrix:
        """The rows' values: float32 [n, v]."""
        rows = translate(sequences, lexicon)[0] if self.is_protein else sequences
        return self.weigh(count_ngrams(self.index, rows))

    def weigh(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """The values of counts float32 [n, v], without those of n-grams that are left out."""
        values = to_tfidf(counts, self.idf)
        values.eliminate_zeros()
        return values

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that from_arrays needs."""
        fitted = {"idf": self.idf, "is_protein": np.array(self.is_protein)}
        return self.index.arrays() | fitted

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> NgramValues:
        """The values that gave these arrays, found among others."""
        return cls(NgramIndex.from_arrays(arrays), arrays["idf"], bool(arrays["is_protein"]))
