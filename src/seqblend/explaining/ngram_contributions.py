"""What each token adds to a linear model's prediction: n-gram weights shared by their tokens."""

from __future__ import annotations

import numpy as np

from seqblend.explaining.occlusion import single_row
from seqblend.models.nblr import NbLogistic
from seqblend.models.weighting import TfidfRegression


def token_contributions(model: TfidfRegression, tokens: np.ndarray, target: int) -> np.ndarray:
    """float64 [t]: what each token adds to the target's score; the bias is the rest of it.

    tokens: int32 [t], one row. An n-gram's weight times its value is shared equally by its places
    and there by its tokens: see TfidfRegression.spread.
    """
    row = single_row(tokens)
    counts = model.count(row)  # [1, v]
    values = model.weigh(counts)
    weights = weights_for(model, model.weights, target)
    each = np.zeros(counts.shape[1])  # of one place of an n-gram
    each[counts.indices] = values.data * weights[counts.indices] / counts.data
    return model.spread(row, each)


def weights_for(model: TfidfRegression, weights: np.ndarray, target: int) -> np.ndarray:
    """float [v]: the weights in favour of the target. weights: float [p, v].

    Labels and numbers have weights of their own. Classes, in one problem: those of the second of
    two, or their opposite. One a class: the class's own; where all classes share one softmax, less
    their mean, which no probability depends on.
    """
    if not model.task.has_classes:
        return weights[target]
    if len(weights) == 1:
        return weights[0] if target == 1 else -weights[0]
    if isinstance(model, NbLogistic):
        return weights[target]
    return weights[target] - weights.mean(axis=0)
