"""Dropout of words and of features (Srivastava 2014)."""

from __future__ import annotations

import numpy as np

UNK = 1  # the token id of what is unknown


def drop_words(tokens: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """int64 [b, t]: this share of the known tokens turned into UNK; padding stays."""
    return np.where((rng.random(tokens.shape) < share) & (tokens > UNK), UNK, tokens)


class FeatureDropout:
    """Whole features of a row are zero, the same ones at every step; the others grow to make up.

    Gal & Ghahramani 2016: a mask that changed with time would be averaged away by the recurrence.
    """

    def __init__(self, share: float) -> None:
        self.share = share
        self._mask: np.ndarray | float = 1.0

    def forward(self, x: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
        """x: [b, t, d] -> [b, t, d]. Without `rng` (prediction) nothing is dropped."""
        self._mask = 1.0
        if rng is not None and self.share:
            keep = 1 - self.share
            self._mask = (rng.random((len(x), 1, x.shape[2])) < keep).astype(x.dtype) / keep
        return x * self._mask

    def backward(self, by_output: np.ndarray) -> np.ndarray:
        """by_output: [b, t, d] -> the gradient of x, [b, t, d]."""
        return by_output * self._mask
