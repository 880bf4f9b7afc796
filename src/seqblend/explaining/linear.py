"""What a linear member's answer hangs on: each n-gram's part of the sum, shared by its tokens."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from seqblend.models.chars import CharLogistic, spell
from seqblend.models.linear import NbLogistic
from seqblend.models.ngrams import NgramIndex, count_ngrams
from seqblend.models.weighting import TfidfRegression, to_presence, to_tfidf
from seqblend.sequences import SequenceSet


def share_ngrams(
    model: NbLogistic | TfidfRegression, tokens: np.ndarray, target: int
) -> np.ndarray:
    """float64 [t]: what each token adds to the target's sum; with sum_without, it is the whole.

    tokens: int32 [t], one row. An n-gram's weight times its value is shared equally by its places
    and there by its tokens; where n-grams are of characters, a word has those within it.
    """
    row = SequenceSet.from_offsets(tokens, np.array([0, len(tokens)]))
    counts = _count(model, row)
    values = _weigh(model, counts)
    each = np.zeros(counts.shape[1])  # of one place of an n-gram
    each[counts.indices] = values.data * _weights(model, target)[counts.indices] / counts.data
    if isinstance(model, CharLogistic) and model.view.name == "words":
        words = spell(model.view.lexicon, tokens)
        return count_ngrams(model.index, words).astype(np.float64) @ each
    return _share_along(model.index, tokens, each)


def sum_without(model: NbLogistic | TfidfRegression, target: int) -> float:
    """The target's sum of a row without any n-gram."""
    bias = np.asarray(model.bias, dtype=np.float64)
    return float(_of_target(model, bias[:, None], target)[0])


def _count(model: NbLogistic | TfidfRegression, row: SequenceSet) -> sparse.csr_matrix:
    """The row's known n-grams: float32 [1, v]."""
    return (
        model.count(row) if isinstance(model, TfidfRegression) else count_ngrams(model.index, row)
    )


def _weigh(model: NbLogistic | TfidfRegression, counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """The values that the model's weights are multiplied by, stored as the counts are."""
    is_binary = isinstance(model, NbLogistic) and model.is_binary
    return to_presence(counts) if is_binary else to_tfidf(counts, model.idf)


def _weights(model: NbLogistic | TfidfRegression, target: int) -> np.ndarray:
    return _of_target(model, model.weights, target)


def _of_target(model: NbLogistic | TfidfRegression, weights: np.ndarray, target: int) -> np.ndarray:
    """float [v]: what speaks for the target. weights: float [p, v].

    One problem: those of the second of two classes, or their opposite. One a class: the class's
    own; where all classes share one softmax, less their mean, which no probability depends on.
    """
    if len(weights) == 1:
        return weights[0] if target == 1 else -weights[0]
    if isinstance(model, NbLogistic):
        return weights[target]
    return weights[target] - weights.mean(axis=0)


def _share_along(index: NgramIndex, tokens: np.ndarray, each: np.ndarray) -> np.ndarray:
    """float64 [t]: an n-gram's part at each of its places, shared by its tokens."""
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
