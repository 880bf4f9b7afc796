"""Linear member on tf-idf values of word or id n-grams: multinomial logistic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.models.ngrams import NgramIndex
from seqblend.models.registry import register
from seqblend.models.weighting import TfidfRegression


@dataclass(frozen=True)
class TfidfOptions:
    """What the regression on tf-idf values is made of; paths: values tried on inner splits."""

    paths: ClassVar[dict[str, tuple[Any, ...]]] = {
        "orders": (1, 2, 3),
        "decay": (0.25, 0.5, 1.0),
        "strength": (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0),
        "has_ends": (False, True),
    }
    orders: int = knob(2, Choice((1, 2, 3)), "n-grams of 1 to this many tokens", least=1)
    min_count: int = knob(2, Choice((1, 2, 3)), "rarer n-grams are left out", least=1)
    has_ends: bool = knob(True, help="n-grams tell where a row begins and ends")
    decay: float = knob(0.5, Span(0.2, 1.0), "weight of an order, as a share of the last", least=0)
    strength: float = knob(200.0, Span(1.0, 1000.0, log=True), "inverse L2 penalty (C)", above=0)
    tolerance: float = share(3e-3, help="the gradient's norm at the end, as a share of the first")
    most_weights: int = knob(50_000_000, help="with more, the least count is raised (200 MB)")


@register("tfidf", TfidfOptions, kind="linear", cost=0.7)
class TfidfLogistic(TfidfRegression):
    """One regression of all classes on sublinear tf-idf values of the rows' token n-grams."""

    @staticmethod
    def order_weights(index: NgramIndex, options: TfidfOptions) -> np.ndarray:
        """float [v]: options.decay to the power of the n-gram's order less one."""
        order = np.repeat(np.arange(len(index.keys)), list(map(len, index.keys)))
        return options.decay**order
