"""Arrays with the weight of each token in a prediction, and the files that hold them.

explanations/<model>.npz
    data     str []        the fingerprint's data digest; a file of other data is left out
    rows     int64 [r]     positions among the training rows, -1 for a text that is none of them
    target   int64 [r]     the class whose probability is explained
    offsets  int64 [r + 1] row i has the tokens offsets[i] : offsets[i + 1]
    tokens   int32 [t]     lexicon ids, in the order and after the cut in which the model read them
and at least one of these, a number per token:
    attention  float32 [t] weights of the pooling, or of a transformer's blocks rolled out, at least
                           0, a row's sum is 1
    gradients  float32 [t] integrated gradients of the target's logit; above 0 raises it
    occlusion  float32 [t] decrease of the target's probability without the token
    ngrams     float32 [t] a linear model's weights, shared out over the tokens of each n-gram
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqblend.core.errors import InputError
from seqblend.core.storage import read_arrays

METHODS = ("attention", "gradients", "occlusion", "ngrams")


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
    """What the folder holds of these data, by file name; `note` gets what is left out.

    raises: InputError that names the file with arrays of another form
    """
    explanations = []
    for path in sorted(folder.glob("*.npz")):
        if path.name.startswith("tokens-"):  # token vectors, which earlier versions wrote
            continue
        arrays = read_arrays(path)
        if str(arrays.pop("data", "")) != data_digest:
            note(f"{path.name} explains other rows than these: left out")
        else:
            explanations.append(_explanation(path, arrays))
    return explanations


def _explanation(path: Path, arrays: dict[str, np.ndarray]) -> Explanation:
    _expect(path, arrays, ("rows", "target", "offsets", "tokens"))
    weights = {name: arrays[name] for name in METHODS if name in arrays}
    t, offsets = len(arrays["tokens"]), arrays["offsets"]
    is_whole = len(offsets) == len(arrays["rows"]) + 1 and offsets[0] == 0 and offsets[-1] == t
    same = len(arrays["rows"]) == len(arrays["target"]) and all(
        len(values) == t and np.isfinite(values).all() for values in weights.values()
    )
    if not (weights and is_whole and same and (np.diff(offsets) > 0).all()):
        raise InputError(_remedy(path, f"one of {', '.join(METHODS)} with a number per token"))
    parts = (arrays[name] for name in ("rows", "target", "offsets", "tokens"))
    return Explanation(path.stem, *parts, weights)


def _expect(path: Path, arrays: dict[str, np.ndarray], names: tuple[str, ...]) -> None:
    lacking = [name for name in names if name not in arrays]
    if lacking:
        raise InputError(_remedy(path, f"the arrays {', '.join(lacking)}"))


def _remedy(path: Path, what: str) -> str:
    return f"{path}: expected {what}. Delete it and explain these rows again (src/explain.py)"


def shares_of(method: str, weights: np.ndarray) -> np.ndarray:
    """float [t] in -1..1 for a row's colours: its weights over the largest.

    Attention is counted from its smallest weight on, for it may be nearly uniform.
    """
    if method == "attention":
        weights = weights - weights.min()
    return weights / max(float(np.abs(weights).max()), 1e-12)
