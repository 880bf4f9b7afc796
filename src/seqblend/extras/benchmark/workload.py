"""Rows of the shape of IMDB's reviews, drawn here: log-normal lengths, Zipf-like tokens."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from seqblend.core.seeds import rng_for
from seqblend.data.sequences import UNK, SequenceSet
from seqblend.training.contract import Labelled

LONGEST = 400  # tokens; longer rows are truncated
VOCABULARY = 20_000  # with PAD and UNK
CLASSES = 2
# Solved for IMDB's figures after truncation: mean 202 tokens, 13 % of the rows truncated.
_LOG_MEAN, _LOG_DEVIATION = 5.1686, 0.7305
_ZIPF_SHIFT = 2.7  # Mandelbrot's correction for the most frequent words


def make_workload(n: int) -> Labelled:
    """n rows with labels 0, 1, 0, ...; the same rows at every call.

    The lengths are the distribution's n evenly spaced quantiles, shuffled, so that few rows have
    the same mean and the same share of truncated rows as many.
    """
    rng = rng_for(0, "benchmark")
    quantiles = ndtri((rng.permutation(n) + 0.5) / n)
    lengths = np.rint(np.exp(_LOG_MEAN + _LOG_DEVIATION * quantiles))
    lengths = np.clip(lengths, 1, LONGEST).astype(np.int64)
    # The frequency of a rank falls as 1 / (rank + shift); ids follow UNK.
    frequency = 1.0 / (np.arange(1, VOCABULARY - UNK) + _ZIPF_SHIFT)
    cumulative = np.cumsum(frequency) / frequency.sum()
    ranks = np.searchsorted(cumulative, rng.random(int(lengths.sum())), side="right")
    tokens = np.minimum(ranks, len(frequency) - 1).astype(np.int32) + UNK + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Labelled(SequenceSet.from_offsets(tokens, offsets), np.arange(n) % CLASSES)
