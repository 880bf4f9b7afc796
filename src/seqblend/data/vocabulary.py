"""A fold's vocabulary: map from lexicon ids to vocabulary ids, fitted on its training rows."""

from __future__ import annotations

import numpy as np

from seqblend.core.config import VocabularyConfig
from seqblend.data.sequences import PAD, UNK, SequenceSet


def fit_vocabulary(
    train: SequenceSet, lexicon_size: int, config: VocabularyConfig
) -> tuple[np.ndarray, int]:
    """Vocabulary ids of the lexicon, from the training rows alone.

    returns: remap int32 [lexicon_size] (UNK 1 for tokens outside the vocabulary; 2, 3, ... by
        descending count, ties by the token's text, which is the lexicon's order), and the
        vocabulary's size with PAD and UNK
    """
    counts = np.bincount(train.flat()[0], minlength=lexicon_size)
    known = np.flatnonzero(counts >= max(config.min_count, 1))
    known = known[np.argsort(-counts[known], kind="stable")][: config.size]
    remap = np.full(lexicon_size, UNK, dtype=np.int32)
    remap[known] = np.arange(len(known), dtype=np.int32) + max(PAD, UNK) + 1
    return remap, len(known) + 2
