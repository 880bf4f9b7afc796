"""Occlusion: how much a prediction falls when one token is left out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seqblend.data.sequences import SequenceSet

_BATCH = 400_000  # tokens predicted at once
_MOST = 4_000_000  # tokens predicted in all; of a longer row, blocks of tokens are left out


def leave_one_out(
    predict: Callable[[SequenceSet], np.ndarray],
    tokens: np.ndarray,
    target: int,
    *,
    empty: int,
    most: int = _MOST,
) -> np.ndarray:
    """float32 [t]: the prediction of column `target` less the one without the token, for each.

    predict: rows -> float32 [n, c]; tokens: int32 [t], one row
    empty: the token in place of an empty row, compared with a row of one token
    A row of t tokens needs t predictions of t - 1 tokens. Where that is more than `most`, blocks
    of neighbours are left out, and the tokens of a block share its effect.
    """
    full = predict(single_row(tokens))[0, target]
    if len(tokens) == 1:
        return np.array([full - predict(single_row(np.int32([empty])))[0, target]], np.float32)
    count = min(max(most // len(tokens), 2), len(tokens))
    blocks = np.arange(len(tokens)) // -(-len(tokens) // count)  # each token's block
    count, at_once = int(blocks[-1]) + 1, max(_BATCH // len(tokens), 1)
    left = [
        predict(_without(tokens, blocks, range(first, min(first + at_once, count))))[:, target]
        for first in range(0, count, at_once)
    ]
    effect = full - np.concatenate(left)
    return (effect / np.bincount(blocks))[blocks].astype(np.float32)


def _without(tokens: np.ndarray, blocks: np.ndarray, left_out: range) -> SequenceSet:
    """A row for each block, which lacks it. blocks: int64 [t], each token's block."""
    is_kept = blocks != np.arange(left_out.start, left_out.stop)[:, None]  # [rows, t]
    flat = np.broadcast_to(tokens, is_kept.shape)[is_kept]
    return SequenceSet.from_offsets(flat, np.concatenate([[0], is_kept.sum(1).cumsum()]))


def single_row(tokens: np.ndarray) -> SequenceSet:
    """A set of this row alone. tokens: int32 [t]."""
    return SequenceSet.from_offsets(tokens, np.array([0, len(tokens)]))
