"""What n-gram counts become: presence or sublinear tf-idf, and a regression on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seqblend.models.logistic import LogisticConfig, fit_logistic, predict_logistic


def fit_idf(counts: sparse.csr_matrix) -> np.ndarray:
    """float32 [v]: log((1 + rows) / (1 + rows that hold the n-gram)) + 1, of counts [n, v]."""
    held_by = np.bincount(counts.indices, minlength=counts.shape[1])
    return (np.log((1 + counts.shape[0]) / (1 + held_by)) + 1).astype(np.float32)


def to_presence(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """float32 [n, v]: 1 where the count is not 0."""
    return sparse.csr_matrix((np.ones_like(counts.data), counts.indices, counts.indptr),
                             shape=counts.shape)  # fmt: skip


def to_tfidf(counts: sparse.csr_matrix, idf: np.ndarray) -> sparse.csr_matrix:
    """float32 [n, v]: (1 + log count) * idf, rows of length 1."""
    data = (1 + np.log(counts.data)) * idf[counts.indices]
    x = sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
    lengths = np.sqrt(np.asarray(x.multiply(x).sum(axis=1)).ravel())
    x.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(x.indptr)).astype(np.float32)
    return x


def clip_rows(p: np.ndarray) -> np.ndarray:
    """float32 [n, c]: p, float64 [n, c], at least 1e-7 each before rows are brought to sum to 1."""
    p = np.maximum(p, 1e-7)
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class TfidfHead:
    """Multinomial logistic regression on tf-idf values.

    idf: float32 [v]; weights: float32 [p, v]; bias: float64 [p]; p is 1 for two classes, else c
    """

    idf: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def fit(
        cls,
        counts: sparse.csr_matrix,
        labels: np.ndarray,
        classes: int,
        config: LogisticConfig,
        emphasis: np.ndarray | float = 1.0,
    ) -> TfidfHead:
        """Fit idf and weights on counts: float32 [n, v] of rows with labels: int64 [n].

        emphasis: [v], multiplied into the idf
        """
        idf = (fit_idf(counts) * emphasis).astype(np.float32)
        return cls(idf, *fit_logistic(to_tfidf(counts, idf), labels, classes, config))

    def predict(self, counts: sparse.csr_matrix) -> np.ndarray:
        """float32 [n, c], rows sum to 1."""
        return clip_rows(predict_logistic(to_tfidf(counts, self.idf), self.weights, self.bias))

    @property
    def parameters(self) -> int:
        """Fitted coefficients."""
        return self.weights.size + self.bias.size

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that predict needs."""
        return {"idf": self.idf, "weights": self.weights, "bias": self.bias}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> TfidfHead:
        """The head that gave these arrays."""
        return cls(arrays["idf"], arrays["weights"], arrays["bias"])
