"""Pseudo-labels: confident test predictions of a fold's own fits, as further training labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqblend.core.storage import read_array

SUFFIX = "+pseudo"  # follows a model's name in its second stage
SCOPE = "test rows that the fold's own fits gave pseudo-labels"


@dataclass(frozen=True)
class PseudoUse:
    """What a run of the second stage learns besides its fold's training rows.

    base: the first-stage run of the same model; its pilot's epochs and temperature are used
    sources: the first-stage runs whose mean labels the test rows, by name
    """

    base: str
    sources: tuple[str, ...]
    confidence: float
    share: float


def read_pseudo_labels(runs: Path, use: PseudoUse, unit: str, n_train: int) -> np.ndarray:
    """int64 [p, 2]: (test row, pseudo-label) of what a unit adds to its n_train training rows.

    runs: the folder of all runs; unit: a unit's folder in each of them, such as seed0-fold3

    Only the sources' units of the same seed and fold are read: their fits have seen no label of
    that fold's rows, so the pseudo-labels, and what is learnt from them, have not either.
    """
    several = [read_array(runs / source / unit / "test.npy") for source in use.sources]
    return select_confident(several, use.confidence, int(use.share * n_train))


def select_confident(several: list[np.ndarray], confidence: float, most: int) -> np.ndarray:
    """int64 [p, 2]: (row, class) where the mean probability is at least `confidence`.

    several: float [n, c] each; all weigh the same, since weights would come from the labels of
        every fold. The mean of probabilities is sure only where most of them are.
    most: rows; of more, the surest. Rows stay in file order, classes as they come.
    """
    mean = np.mean([p.astype(np.float64) for p in several], axis=0)
    sure = mean.max(axis=1)
    surest = np.argsort(-sure, kind="stable")[: max(most, 0)]
    rows = np.sort(surest[sure[surest] >= confidence])
    return np.stack([rows, mean[rows].argmax(axis=1)], axis=1).astype(np.int64)
