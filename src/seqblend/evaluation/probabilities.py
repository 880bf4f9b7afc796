"""Validation of probabilities: finite, none below 0, rows that sum to 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seqblend.core.errors import InputError

SUM_TOLERANCE = 1e-4  # by how much a row may miss 1


def check_probabilities(
    probabilities: np.ndarray,
    what: str,
    remedy: str,
    name_of: Callable[[int], str] = "row {}".format,
) -> None:
    """InputError with the number of invalid rows, the first one, and the remedy.

    probabilities: float [n, c]
    what, remedy: how the message begins and ends
    name_of: what a row (its position) is called
    """
    if probabilities.ndim != 2 or probabilities.dtype.kind != "f":
        raise ValueError(f"{what} is {probabilities.dtype} {probabilities.shape}, not float [n, c]")
    with np.errstate(invalid="ignore"):  # a sum of inf and -inf
        sums = probabilities.sum(axis=1, dtype=np.float64)
        is_right = (np.abs(sums - 1) <= SUM_TOLERANCE) & (probabilities >= 0).all(axis=1)
    wrong = np.flatnonzero(~is_right)
    if len(wrong):
        first = int(wrong[0])
        raise InputError(
            f"{what}: {len(wrong)} of {len(sums)} rows are not probabilities (expected no NaN, "
            f"none below 0, sum 1 +- {SUM_TOLERANCE:g}); the first is {name_of(first)} with sum "
            f"{sums[first]:.6g}. {remedy}"
        )
