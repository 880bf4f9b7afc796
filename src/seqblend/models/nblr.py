"""Linear members on n-grams: logistic regression weighted by naive Bayes log-count ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from seqblend.core.knobs import Choice, Span, knob
from seqblend.models.ngrams import NgramIndex
from seqblend.models.registry import register
from seqblend.models.weighting import TfidfRegression, fit_idf
from seqblend.tasks.task import Task


@dataclass(frozen=True)
class NbLogisticOptions:
    """What the NB-weighted logistic regression is made of; paths: values tried on inner splits."""

    paths: ClassVar[dict[str, tuple[Any, ...]]] = {
        "strength": (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0),
        "smoothing": (0.03, 0.1, 0.3, 1.0, 3.0),
        "orders": (1, 2, 3),
        "has_ends": (False, True),
    }
    orders: int = knob(3, Choice((1, 2, 3, 4)), "n-grams of 1 to this many tokens", least=1)
    min_count: int = knob(2, Choice((1, 2, 3)), "rarer n-grams are left out", least=1)
    has_ends: bool = knob(True, help="n-grams tell where a row begins and ends")
    strength: float = knob(300.0, Span(0.1, 1000.0, log=True), "inverse L2 penalty (C)", above=0)
    smoothing: float = knob(0.03, Span(0.01, 10.0, log=True), "added to class counts", above=0)
    most_weights: int = knob(50_000_000, help="with more, the least count is raised (200 MB)")
    counts: str = knob("tfidf", Choice(("binary", "tfidf")), "how an n-gram's count enters")


@register("nblr", NbLogisticOptions, kind="linear")
class NbLogistic(TfidfRegression):
    """NB-weighted logistic regression (Wang & Manning 2012), one against the rest.

    Each linear score's features are the n-gram values times the log-count ratio of its two sides
    (for numbers: rows above and below the median), which `weights` hold multiplied in; the
    probabilities of more than two classes are the normalised one-against-rest ones.
    """

    @staticmethod
    def rows_of_weights(task: Task, targets: np.ndarray) -> int:
        """One row for each of the task's contrasts: of two classes, one."""
        return len(task.contrasts(targets))

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
        targets: np.ndarray,
        *,
        task: Task,
        options: NbLogisticOptions,
        seed: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [p, v], bias float64 [p]): ratios and regressions, one per contrast."""
        fitted = []
        for contrast in enumerate(task.contrasts(targets)):
            ratio = _log_count_ratio(x, contrast[1], options.smoothing)
            scaled = x.copy()
            scaled.data = x.data * ratio[x.indices]
            weights, bias = task.fit_contrast(scaled, targets, contrast, options.strength, seed)
            fitted.append(((weights * ratio).astype(np.float32), bias))
        weights, bias = zip(*fitted, strict=True)
        return np.stack(weights), np.array(bias, dtype=np.float64)

    def answer(self, x: sparse.csr_matrix) -> np.ndarray:
        """Predictions float64 [n, c] of weighed counts [n, v]."""
        return self.task.answer_contrasts(self.scores(x))


def _log_count_ratio(x: sparse.csr_matrix, is_positive: np.ndarray, smoothing: float) -> np.ndarray:
    """float32 [v]: log of (share of an n-gram among the class's) / (among the others')."""
    positive = np.asarray(x[is_positive].sum(axis=0)).ravel() + smoothing
    negative = np.asarray(x[~is_positive].sum(axis=0)).ravel() + smoothing
    return np.log((positive / positive.sum()) / (negative / negative.sum())).astype(np.float32)
