"""Weights of n-gram counts: presence or sublinear tf-idf, and a linear model on them."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np
from scipy import sparse

from seqblend.data.sequences import SequenceSet, View
from seqblend.models.ngrams import (
    ColumnTokens,
    NgramIndex,
    count_ngrams,
    fit_ngrams,
    fit_within,
    share_by_tokens,
)
from seqblend.tasks.task import Task


def fit_idf(counts: sparse.csr_matrix) -> np.ndarray:
    """float32 [v]: log((1 + rows) / (1 + rows that hold the n-gram)) + 1, of counts [n, v]."""
    held_by = np.bincount(counts.indices, minlength=counts.shape[1])
    return (np.log((1 + counts.shape[0]) / (1 + held_by)) + 1).astype(np.float32)


def to_presence(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """float32 [n, v]: 1 where the count is not 0."""
    ones = np.ones_like(counts.data)
    return sparse.csr_matrix((ones, counts.indices, counts.indptr), shape=counts.shape)


def to_tfidf(counts: sparse.csr_matrix, idf: np.ndarray) -> sparse.csr_matrix:
    """float32 [n, v]: (1 + log count) * idf, rows of length 1."""
    data = (1 + np.log(counts.data)) * idf[counts.indices]
    x = sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
    lengths = np.sqrt(np.asarray(x.multiply(x).sum(axis=1)).ravel())
    x.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(x.indptr)).astype(np.float32)
    return x


def weigh_counts(counts: sparse.csr_matrix, idf: np.ndarray) -> sparse.csr_matrix:
    """float32 [n, v]: tf-idf values of counts [n, v], or presence where there is no idf."""
    return to_tfidf(counts, idf) if len(idf) else to_presence(counts)


class TfidfRegression:
    """A linear model on tf-idf values of n-grams: the task's regression, such as logistic.

    Subclasses choose the n-grams, or another way of weighing and fitting them.
    """

    def __init__(
        self,
        index: NgramIndex,
        idf: np.ndarray,
        weights: np.ndarray,
        bias: np.ndarray,
        view: View,
        task: Task,
    ) -> None:
        """idf: float32 [v]; weights: float32 [p, v]; bias: float64 [p], of the linear scores."""
        self.index, self.idf, self.weights, self.bias = index, idf, weights, bias
        self.view, self.task = view, task

    @classmethod
    def fit(
        cls,
        train: SequenceSet,
        targets: np.ndarray,
        *,
        task: Task,
        view: View,
        options: Any,
        seed: int,
    ) -> Self:
        """Fit n-grams, idf and weights on the given rows. targets: as the task has them."""
        fit = partial(cls.fit_counts, train, view, options)
        most = options.most_weights // cls.rows_of_weights(task, targets)
        index, counts = fit_within(fit, options.min_count, most)
        idf = cls.fit_values(index, counts, options)
        x = weigh_counts(counts, idf)
        weights, bias = cls.fit_weights(x, targets, task=task, options=options, seed=seed)
        return cls(index, idf, weights, bias, view, task)

    @staticmethod
    def rows_of_weights(task: Task, targets: np.ndarray) -> int:
        """How many weights an n-gram has, for the limit of options.most_weights."""
        return len(task.columns)

    @classmethod
    def fit_values(cls, index: NgramIndex, counts: sparse.csr_matrix, options: Any) -> np.ndarray:
        """float32 [v]: the idf that counts [n, v] are weighed with; empty: presence alone."""
        return (fit_idf(counts) * cls.order_weights(index, options)).astype(np.float32)

    @staticmethod
    def fit_weights(
        x: sparse.csr_matrix, targets: np.ndarray, *, task: Task, options: Any, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [p, v], bias float64 [p]) of weighed counts [n, v]."""
        return task.fit_linear(x, targets, options.strength, options.tolerance)

    @staticmethod
    def fit_counts(
        train: SequenceSet, view: View, options: Any, min_count: int
    ) -> tuple[NgramIndex, sparse.csr_matrix]:
        """The training rows' n-grams of tokens and their counts: float32 [n, v]."""
        size, named, ends = len(view.lexicon), ColumnTokens.of(view), options.has_ends
        return fit_ngrams(train, size, options.orders, min_count, named=named, has_ends=ends)

    @staticmethod
    def order_weights(index: NgramIndex, options: Any) -> np.ndarray | float:
        """What each n-gram's idf is multiplied with: float [v], or one number for all."""
        return 1.0

    def count(self, sequences: SequenceSet) -> sparse.csr_matrix:
        """The counts of known n-grams in the rows: float32 [n, v]."""
        return count_ngrams(self.index, sequences)

    def spread(self, row: SequenceSet, each: np.ndarray) -> np.ndarray:
        """float64 [t]: amounts of n-grams, shared by the tokens of the row that they are made of.

        row: one sequence; each: float [v], the amount of one place of an n-gram
        """
        return share_by_tokens(self.index, row.row(0), each)

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], as the task's arrays are."""
        return self.task.clip(self.answer(self.weigh(self.count(sequences))))

    def weigh(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """float32 [n, v]: weigh_counts with the fitted idf."""
        return weigh_counts(counts, self.idf)

    def answer(self, x: sparse.csr_matrix) -> np.ndarray:
        """Predictions float64 [n, c] of weighed counts [n, v]."""
        return self.task.answer_linear(self.scores(x))

    def scores(self, x: sparse.csr_matrix) -> np.ndarray:
        """Linear scores float64 [n, p] of weighed counts [n, v]."""
        return np.asarray(x @ self.weights.T, dtype=np.float64) + self.bias

    @property
    def parameters(self) -> int:
        """Fitted coefficients."""
        return self.weights.size + self.bias.size

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that predict needs besides the view."""
        fitted = {"idf": self.idf, "weights": self.weights, "bias": self.bias}
        return self.index.arrays() | fitted

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], view: View, task: Task) -> Self:
        """The member that gave these arrays."""
        parts = (arrays[name] for name in ("idf", "weights", "bias"))
        return cls(NgramIndex.from_arrays(arrays), *parts, view, task)
