"""How long steps take: a fixed time of them, after a warm-up that does not count."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """What one measurement saw. Tokens are real ones; padding is a share of all cells."""

    tokens: int
    seconds: float
    padding: float

    @property
    def rate(self) -> float:
        """Real tokens a second."""
        return self.tokens / self.seconds


def time_steps(steps: Iterator[tuple[int, int]], seconds: float, warm_up: int) -> Timing:
    """Draw steps for at least `seconds` after `warm_up` of them.

    steps: endless; each does its work and gives (real tokens, cells with padding)
    """
    for _ in range(warm_up):
        next(steps)
    tokens, cells, elapsed = 0, 0, 0.0
    began = time.perf_counter()
    while elapsed < seconds:
        real, padded = next(steps)
        tokens, cells = tokens + real, cells + padded
        elapsed = time.perf_counter() - began
    return Timing(tokens, elapsed, 1 - tokens / cells)
