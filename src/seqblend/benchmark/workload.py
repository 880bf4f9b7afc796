"""Rows of the shape of IMDB's reviews, made here: log-normal lengths, Zipf-like tokens."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from seqblend.seeds import rng_for
from seqblend.sequences import UNK, SequenceSet
from seqblend.training.contract import Labelled

LONGEST = 400  # tokens; longer rows are cut
VOCABULARY = 20_000  # with PAD and UNK
CLASSES = 2
# Solved for IMDB's figures after the cut: mean 202 tokens, 13 % of the rows at the cut.
_LOG_MEAN, _LOG_DEVIATION = 5.1686, 0.7305
_ZIPF_SHIFT = 2.7  # Mandelbrot's correction for the most frequent words


def make_workload(n: int) -> Labelled:
    """n rows with labels 0, 1, 0, ...; the same rows at every call.

    The lengths are the distribution's n evenly spaced quantiles, shuffled, so that few rows have
    the same mean and the same share at the cut as many.
    """
    rng = rng_for(0, "benchmark")
    lengths = rng.permutation(_quantile_lengths(n))
    tokens = _zipf_tokens(int(lengths.sum()), rng)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Labelled(SequenceSet.from_offsets(tokens, offsets), np.arange(n) % CLASSES)


def _quantile_lengths(n: int) -> np.ndarray:
    """int64 [n]: log-normal lengths, 1 to LONGEST."""
    quantiles = ndtri((np.arange(n) + 0.5) / n)
    lengths = np.rint(np.exp(_LOG_MEAN + _LOG_DEVIATION * quantiles))
    return np.clip(lengths, 1, LONGEST).astype(np.int64)


def _zipf_tokens(total: int, rng: np.random.Generator) -> np.ndarray:
    """int32 [total]: ids after UNK, the frequency of a rank falling as 1 / (rank + shift)."""
    frequency = 1.0 / (np.arange(1, VOCABULARY - UNK) + _ZIPF_SHIFT)
    cumulative = np.cumsum(frequency) / frequency.sum()
    ranks = np.searchsorted(cumulative, rng.random(total), side="right")
    return np.minimum(ranks, len(frequency) - 1).astype(np.int32) + UNK + 1
