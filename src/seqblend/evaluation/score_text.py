"""Scores and numbers as text, the same on the terminal and in the report."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from seqblend.evaluation.metrics import has_unit

_DIGITS = 5  # significant ones, where 4 decimals are too few or too many
_FIXED = (0.01, 1e3)  # from and below which 4 decimals are enough
_PLAIN = (1e-4, 1e7)  # from and below which there is no exponent


def format_score(value: float | None, *, has_unit: bool = False, is_signed: bool = False) -> str:
    """A score to 4 decimals; None and NaN are `undefined`.

    has_unit: it may be of any size: small and large ones get 5 significant digits

    >>> format_score(0.00001234), format_score(0.00001234, has_unit=True)
    ('0.0000', '1.2340e-05')
    >>> format_score(49701913.29, has_unit=True), format_score(0.5, has_unit=True, is_signed=True)
    ('4.9702e+07', '+0.5000')
    """
    if value is None or math.isnan(value):
        return "undefined"
    sign, size = "+" if is_signed else "", abs(float(f"{value:.{_DIGITS - 1}e}"))
    if not has_unit or size == 0 or not math.isfinite(size) or _FIXED[0] <= size < _FIXED[1]:
        return f"{value:{sign}.4f}"
    if not _PLAIN[0] <= size < _PLAIN[1]:
        return f"{value:{sign}.{_DIGITS - 1}e}"
    decimals = _DIGITS - 1 - math.floor(math.log10(size))
    return f"{value:{sign}.{max(decimals, 0)}f}"


def score_format(metric: str) -> Callable[..., str]:
    """format_score for a metric: with `value`, and `is_signed` for differences."""
    return partial(format_score, has_unit=has_unit(metric))
