"""Linear members on n-grams: logistic regression weighted by naive Bayes log-count ratios."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from seqblend.core.knobs import Choice, Span, knob
from seqblend.models.ngrams import NgramIndex
from seqblend.models.registry import register
from seqblend.models.weighting import TfidfRegression, fit_idf


@dataclass(frozen=True)
class NbLogisticOptions:
    """What the NB-weighted logistic regression is made of."""

    orders: int = knob(3, Choice((1, 2, 3, 4)), "n-grams of 1 to this many tokens", least=1)
    min_count: int = knob(2, Choice((1, 2, 3)), "rarer n-grams are left out", least=1)
    strength: float = knob(300.0, Span(0.1, 1000.0, log=True), "inverse L2 penalty (C)", above=0)
    smoothing: float = knob(0.03, Span(0.01, 10.0, log=True), "added to class counts", above=0)
    most_weights: int = knob(50_000_000, help="with more, the least count is raised (200 MB)")
    counts: str = knob("tfidf", Choice(("binary", "tfidf")), "how an n-gram's count enters")


@register("nblr", NbLogisticOptions, kind="linear")
class NbLogistic(TfidfRegression):
    """NB-weighted logistic regression (Wang & Manning 2012), one against the rest.

    Each class's features are the n-gram values times the class's log-count ratio, which `weights`
    hold multiplied in; the probabilities of more than two classes are the normalised
    one-against-rest ones.
    """

    @staticmethod
    def rows_of_weights(classes: int) -> int:
        """One problem for two classes, else one per class."""
        return len(_problems(classes))

    @classmethod
    def fit_values(
        cls, index: NgramIndex, counts: sparse.csr_matrix, options: NbLogisticOptions
    ) -> np.ndarray:
        """float32 [v]: the idf; empty where counts enter as presence."""
        is_binary = options.counts == "binary"
        return np.empty(0, dtype=np.float32) if is_binary else fit_idf(counts)

    @staticmethod
    def fit_weights(
        x: sparse.csr_matrix,
        labels: np.ndarray,
        *,
        classes: int,
        options: NbLogisticOptions,
        seed: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [p, v], bias float64 [p]): ratios and regressions, one per problem."""
        fitted = [_fit_one(x, labels == one, options, seed) for one in _problems(classes)]
        weights, bias = zip(*fitted, strict=True)
        return np.stack(weights), np.array(bias, dtype=np.float64)

    def answer(self, x: sparse.csr_matrix) -> np.ndarray:
        """Probabilities float64 [n, c] of weighed counts [n, v]."""
        p = expit(np.asarray(x @ self.weights.T, dtype=np.float64) + self.bias)  # [n, p]
        return np.hstack([1 - p, p]) if p.shape[1] == 1 else p


def _problems(classes: int) -> Sequence[int]:
    """The classes that are told from the rest; of two only the second."""
    return [1] if classes == 2 else range(classes)


def _fit_one(
    x: sparse.csr_matrix, is_positive: np.ndarray, options: NbLogisticOptions, seed: int
) -> tuple[np.ndarray, float]:
    """(weights float32 [v] on unweighted features, bias) of one class against the rest."""
    n_positive = int(is_positive.sum())
    if n_positive in (0, len(is_positive)) or x.shape[1] == 0:  # nothing to tell classes by
        odds = (n_positive + 0.5) / (len(is_positive) - n_positive + 0.5)
        return np.zeros(x.shape[1], dtype=np.float32), float(np.log(odds))
    ratio = _log_count_ratio(x, is_positive, options.smoothing)
    scaled = x.copy()
    scaled.data = x.data * ratio[x.indices]
    model = LogisticRegression(
        C=options.strength, solver="liblinear", dual=True, random_state=seed, max_iter=200, tol=1e-3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 passes are close enough
        model.fit(scaled, is_positive)
    return (model.coef_[0] * ratio).astype(np.float32), float(model.intercept_[0])


def _log_count_ratio(x: sparse.csr_matrix, is_positive: np.ndarray, smoothing: float) -> np.ndarray:
    """float32 [v]: log of (share of an n-gram among the class's) / (among the others')."""
    positive = np.asarray(x[is_positive].sum(axis=0)).ravel() + smoothing
    negative = np.asarray(x[~is_positive].sum(axis=0)).ravel() + smoothing
    return np.log((positive / positive.sum()) / (negative / negative.sum())).astype(np.float32)
