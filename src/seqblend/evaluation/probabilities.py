"""Validation of predictions: probabilities of classes, of columns, and numbers."""

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
    _check_type(probabilities, what)
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


def check_shares(
    probabilities: np.ndarray,
    what: str,
    remedy: str,
    name_of: Callable[[int], str] = "row {}".format,
) -> None:
    """InputError where cells are not in 0..1; the arguments are check_probabilities'."""
    _check_type(probabilities, what)
    is_right = (probabilities >= 0) & (probabilities <= 1)
    _check_cells(
        probabilities, is_right, (what, "probabilities (expected 0 to 1, no NaN)", remedy), name_of
    )


def check_numbers(
    values: np.ndarray,
    what: str,
    remedy: str,
    name_of: Callable[[int], str] = "row {}".format,
) -> None:
    """InputError where cells are not finite; values: float [n, c], else as check_probabilities."""
    _check_type(values, what)
    expected = "numbers (expected no NaN, none infinite)"
    _check_cells(values, np.isfinite(values), (what, expected, remedy), name_of)


def _check_type(array: np.ndarray, what: str) -> None:
    """ValueError where it is not float [n, c]."""
    if array.ndim != 2 or array.dtype.kind != "f":
        raise ValueError(f"{what} is {array.dtype} {array.shape}, not float [n, c]")


def _check_cells(
    array: np.ndarray,
    is_right: np.ndarray,
    words: tuple[str, str, str],
    name_of: Callable[[int], str],
) -> None:
    """InputError with the number of invalid rows and the first cell; is_right: bool [n, c].

    words: how the message begins, what was expected, and how it ends
    """
    what, expected, remedy = words
    wrong = np.flatnonzero(~is_right.all(axis=1))
    if len(wrong):
        first = int(wrong[0])
        column = int(np.flatnonzero(~is_right[first])[0])
        raise InputError(
            f"{what}: {len(wrong)} of {len(array)} rows are not {expected}; the first is "
            f"{name_of(first)} with {array[first, column]:.6g} in column {column + 1}. {remedy}"
        )
