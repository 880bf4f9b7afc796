"""Linear members on n-grams: logistic regression weighted by naive Bayes log-count ratios."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from seqblend.core.knobs import Choice, Span, knob
from seqblend.data.sequences import SequenceSet, View
from seqblend.models.ngrams import NgramIndex, count_ngrams, fit_ngrams, fit_within
from seqblend.models.registry import register
from seqblend.models.weighting import clip_rows, fit_idf, to_presence, to_tfidf


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
class NbLogistic:
    """NB-weighted logistic regression (Wang & Manning 2012), one against the rest.

    Each class's features are the n-gram values times the class's log-count ratio; the
    probabilities of more than two classes are the normalised one-against-rest ones.
    """

    def __init__(
        self,
        index: NgramIndex,
        idf: np.ndarray,
        weights: np.ndarray,
        bias: np.ndarray,
        *,
        is_binary: bool,
    ) -> None:
        """idf: float32 [v]; weights: float32 [p, v] with the ratio multiplied in; bias: [p]."""
        self.index, self.idf, self.weights, self.bias = index, idf, weights, bias
        self.is_binary = is_binary

    @classmethod
    def fit(
        cls,
        train: SequenceSet,
        labels: np.ndarray,
        *,
        classes: int,
        view: View,
        options: NbLogisticOptions,
        seed: int,
    ) -> NbLogistic:
        """Fit n-grams, idf, ratios and regressions on the given rows. labels: int64 [n]."""
        problems = [1] if classes == 2 else range(classes)
        size, most = len(view.lexicon), options.most_weights // len(problems)
        fit = partial(fit_ngrams, train, size, options.orders)
        index, counts = fit_within(fit, options.min_count, most)
        is_binary = options.counts == "binary"
        idf = np.ones(index.width, dtype=np.float32) if is_binary else fit_idf(counts)
        x = _weigh(counts, idf, is_binary=is_binary)
        fitted = [_fit_one(x, labels == one, options, seed) for one in problems]
        weights, bias = zip(*fitted, strict=True)
        bias = np.array(bias, dtype=np.float64)
        return cls(index, idf, np.stack(weights), bias, is_binary=is_binary)

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], rows sum to 1."""
        x = _weigh(count_ngrams(self.index, sequences), self.idf, is_binary=self.is_binary)
        p = expit(np.asarray(x @ self.weights.T, dtype=np.float64) + self.bias)  # [n, p]
        p = np.hstack([1 - p, p]) if p.shape[1] == 1 else p
        return clip_rows(p)

    @property
    def parameters(self) -> int:
        """Fitted coefficients."""
        return self.weights.size + self.bias.size

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that predict needs."""
        fitted = {"idf": self.idf, "weights": self.weights, "bias": self.bias}
        return self.index.arrays() | fitted | {"is_binary": np.array(self.is_binary)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], view: View) -> NbLogistic:
        """The member that gave these arrays."""
        index = NgramIndex.from_arrays(arrays)
        parts = (arrays[name] for name in ("idf", "weights", "bias"))
        return cls(index, *parts, is_binary=bool(arrays["is_binary"]))


def _weigh(counts: sparse.csr_matrix, idf: np.ndarray, *, is_binary: bool) -> sparse.csr_matrix:
    """Presence, or tf-idf."""
    return to_presence(counts) if is_binary else to_tfidf(counts, idf)


def _fit_one(
    x: sparse.csr_matrix, is_positive: np.ndarray, options: NbLogisticOptions, seed: int
) -> tuple[np.ndarray, float]:
    """(weights float32 [v] on unweighted features, bias) of one class against the rest."""
    n_positive = int(is_positive.sum())
    if n_positive in (0, len(is_positive)):  # a class that these rows do not show
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
