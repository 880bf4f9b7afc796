"""Arrays with the weight of each token in a prediction, and the files that hold them.

explanations/<model>.npz
    data     str []        the fingerprint's data digest; a file of other data is left out
    rows     int64 [r]     positions among the training rows, -1 for a text that is none of them
    target   int64 [r]     the class or target column that is explained
    offsets  int64 [r + 1] row i has the tokens offsets[i] : offsets[i + 1]
    tokens   int32 [t]     lexicon ids, in the order and after the cut in which the model read them
and at least one of these, a number per token:
    attention  float32 [t] weights of the pooling, at least 0, a row's sum is 1
    occlusion  float32 [t] decrease of the target's prediction without the token
    ngrams     float32 [t] a linear model's weights, shared out over the tokens of each n-gram
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqblend.core.errors import InputError
from seqblend.core.storage import read_arrays

METHODS = ("attention", "occlusion", "ngrams")


@dataclass(frozen=True)
class Explanation:
    """Token weights of one model for some rows; arrays as the file has them.

    weights: {method: float32 [t]}
    """

    model: str
    rows: np.ndarray
    target: np.ndarray
    offsets: np.ndarray
    tokens: np.ndarray
    weights: dict[str, np.ndarray]

    def span(self, i: int) -> slice:
        """Where the i-th row's tokens are."""
        return slice(int(self.offsets[i]), int(self.offsets[i + 1]))


def read_explanations(
    folder: Path, data_digest: str, note: Callable[[str], None]
) -> list[Explanation]:
    """What the folder holds of these data, by file name; `note` gets what is left out, and why."""
    explanations = []
    for path in sorted(folder.glob("*.npz")):
        try:
            arrays = read_arrays(path)
            is_of_these = str(arrays.get("data", "")) == data_digest
            is_whole = not is_of_these or _is_whole(arrays)
        except (InputError, OSError, ValueError, TypeError, zlib.error):
            is_of_these, is_whole = True, False
        if not is_whole:
            note(
                f"{path.name}: expected rows, target, offsets, tokens and one of "
                f"{', '.join(METHODS)} with a number per token; left out. Delete it and explain "
                "these rows again (src/explain.py)"
            )
        elif not is_of_these:
            note(f"{path.name} explains other rows than these: left out")
        else:
            parts = (arrays[name] for name in ("rows", "target", "offsets", "tokens"))
            explanations.append(Explanation(path.stem, *parts, _weights_of(arrays)))
    return explanations


def _weights_of(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: arrays[name] for name in METHODS if name in arrays}


def _is_whole(arrays: dict[str, np.ndarray]) -> bool:
    """Whether a file has every array, each as long as the others say."""
    if not {"rows", "target", "offsets", "tokens"} <= arrays.keys():
        return False
    weights, offsets, t = _weights_of(arrays), arrays["offsets"], len(arrays["tokens"])
    if not weights or not len(arrays["rows"]) == len(arrays["target"]) == len(offsets) - 1:
        return False
    is_cut = offsets[0] == 0 and offsets[-1] == t and (np.diff(offsets) > 0).all()
    return is_cut and all(len(w) == t and np.isfinite(w).all() for w in weights.values())


def shares_of(method: str, weights: np.ndarray) -> np.ndarray:
    """float [t] in -1..1 for a row's colours: its weights over the largest.

    Attention is counted from its smallest weight on, for it may be nearly uniform.
    """
    if method == "attention":
        weights = weights - weights.min()
    return weights / max(float(np.abs(weights).max()), 1e-12)
