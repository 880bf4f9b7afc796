"""What each token adds to a linear model's prediction: n-gram weights shared by their tokens."""

from __future__ import annotations

import numpy as np

from seqblend.data.sequences import SequenceSet
from seqblend.explaining.occlusion import single_row
from seqblend.models.chars import CharLogistic, spell_words
from seqblend.models.nblr import NbLogistic
from seqblend.models.ngrams import NgramIndex, count_ngrams
from seqblend.models.weighting import TfidfRegression


def token_contributions(model: TfidfRegression, tokens: np.ndarray, target: int) -> np.ndarray:
    """float64 [t]: what each token adds to the target's score; the bias is the rest of it.

    tokens: int32 [t], one row. An n-gram's weight times its value is shared equally by its places
    and there by its tokens; where n-grams are of characters, a word has those within it.
    """
    row = single_row(tokens)
    counts = model.count(row)  # [1, v]
    values = model.weigh(counts)
    weights = weights_for(model, model.weights, target)
    each = np.zeros(counts.shape[1])  # of one place of an n-gram
    each[counts.indices] = values.data * weights[counts.indices] / counts.data
    if isinstance(model, CharLogistic) and model.view.name == "words":
        words = spell_words(model.view.lexicon, tokens)
        return count_ngrams(model.index, words).astype(np.float64) @ each
    return _share_by_tokens(model.index, tokens, each)


def weights_for(model: TfidfRegression, weights: np.ndarray, target: int) -> np.ndarray:
    """float [v]: the weights in favour of the target. weights: float [p, v].

    One problem: those of the second of two classes, or their opposite. One a class: the class's
    own; where all classes share one softmax, less their mean, which no probability depends on.
    """
    if len(weights) == 1:
        return weights[0] if target == 1 else -weights[0]
    if isinstance(model, NbLogistic):
        return weights[target]
    return weights[target] - weights.mean(axis=0)


def _share_by_tokens(index: NgramIndex, tokens: np.ndarray, each: np.ndarray) -> np.ndarray:
    """float64 [t]: an n-gram's contribution at each of its places, shared by its tokens."""
    shares, begin = np.zeros(len(tokens)), 0
    for n, keys in enumerate(index.keys, 1):
        places = len(tokens) - n + 1
        if places > 0:
            windows = np.lib.stride_tricks.sliding_window_view(tokens, n).reshape(-1)
            cut = SequenceSet.from_offsets(windows, n * np.arange(places + 1))
            whole = count_ngrams(index, cut)[:, begin : begin + len(keys)]
            parts = whole.astype(np.float64) @ each[begin : begin + len(keys)] / n  # [places]
            for k in range(n):
                shares[k : k + places] += parts
        begin += len(keys)
    return shares
