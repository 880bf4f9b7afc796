"""Linear member on tf-idf values of word or id n-grams: multinomial logistic regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.data.sequences import SequenceSet, View
from seqblend.models.logistic import LogisticConfig
from seqblend.models.ngrams import fit_ngrams, fit_within
from seqblend.models.registry import register
from seqblend.models.weighting import TfidfRegression, fit_tfidf


@dataclass(frozen=True)
class TfidfOptions:
    """What the regression on tf-idf values is made of."""

    orders: int = knob(2, Choice((1, 2, 3)), "n-grams of 1 to this many tokens", least=1)
    min_count: int = knob(2, Choice((1, 2, 3)), "rarer n-grams are left out", least=1)
    decay: float = knob(0.5, Span(0.2, 1.0), "weight of an order, as a share of the last", least=0)
    strength: float = knob(200.0, Span(1.0, 1000.0, log=True), "inverse L2 penalty (C)", above=0)
    tolerance: float = share(3e-3, help="the gradient's norm at the end, as a share of the first")
    most_weights: int = knob(50_000_000, help="with more, the least count is raised (200 MB)")


@register("tfidf", TfidfOptions, kind="linear")
class TfidfLogistic(TfidfRegression):
    """One regression of all classes on sublinear tf-idf values of the rows' token n-grams."""

    @classmethod
    def fit(
        cls,
        train: SequenceSet,
        labels: np.ndarray,
        *,
        classes: int,
        view: View,
        options: TfidfOptions,
        seed: int,
    ) -> TfidfLogistic:
        """Fit n-grams, idf and weights on the given rows. labels: int64 [n]."""
        size, most = len(view.lexicon), options.most_weights // classes
        index, counts = fit_within(
            lambda least: fit_ngrams(train, size, options.orders, least),
            options.min_count, most, len(train),
        )  # fmt: skip
        config = LogisticConfig(options.strength, options.tolerance)
        order = np.repeat(np.arange(len(index.keys)), list(map(len, index.keys)))
        emphasis = options.decay**order
        return cls(index, *fit_tfidf(counts, labels, classes, config, emphasis), view)
