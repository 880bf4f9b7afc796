"""What a class's probability loses when one token is left out: any member, asked in batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seqblend.sequences import SequenceSet

_BATCH = 400_000  # tokens asked for at once
_MOST = 4_000_000  # tokens asked for in all; a longer row is left out block by block


def leave_one_out(
    predict: Callable[[SequenceSet], np.ndarray],
    tokens: np.ndarray,
    target: int,
    *,
    nothing: int,
    most: int = _MOST,
) -> np.ndarray:
    """float32 [t]: the target's probability less the one without the token, for each token.

    predict: rows -> float32 [n, c]; tokens: int32 [t], one row
    nothing: the token that an empty row has, for a row of one
    A row of t tokens asks t times for t - 1 tokens. Where that is more than `most`, blocks of
    neighbours are left out, and the tokens of a block share its loss.
    """
    blocks = np.arange(len(tokens)) // _size_of_blocks(len(tokens), most)
    whole = predict(_rows([tokens]))[0, target]
    if len(tokens) == 1:
        return np.array([whole - predict(_rows([np.int32([nothing])]))[0, target]], np.float32)
    count, at_once = int(blocks[-1]) + 1, max(_BATCH // len(tokens), 1)
    left = [
        predict(_without(tokens, blocks, range(first, min(first + at_once, count))))[:, target]
        for first in range(0, count, at_once)
    ]
    loss = whole - np.concatenate(left)
    return (loss / np.bincount(blocks))[blocks].astype(np.float32)


def _size_of_blocks(t: int, most: int) -> int:
    """1, or so many tokens that all the rows without one block hold at most `most` together."""
    blocks = min(max(most // t, 2), t)
    return -(-t // blocks)


def _without(tokens: np.ndarray, blocks: np.ndarray, left_out: range) -> SequenceSet:
    """A row for each block, which lacks it. blocks: int64 [t], each token's block."""
    is_kept = blocks != np.arange(left_out.start, left_out.stop)[:, None]  # [rows, t]
    flat = np.broadcast_to(tokens, is_kept.shape)[is_kept]
    return SequenceSet.from_offsets(flat, np.concatenate([[0], is_kept.sum(1).cumsum()]))


def _rows(rows: list[np.ndarray]) -> SequenceSet:
    lengths = np.array([len(row) for row in rows])
    return SequenceSet.from_offsets(np.concatenate(rows), np.concatenate([[0], lengths.cumsum()]))
