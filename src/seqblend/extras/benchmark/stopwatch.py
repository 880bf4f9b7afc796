"""Time contenders in alternation, each in a process of its own, and compare their speeds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from typing import Any

import torch

COLUMNS = ["contender", "ktok/s", "ratio", "min..max", "padding"]
Steps = Iterator[tuple[int, int]]  # endless; (real tokens, cells with padding) of each


@dataclass(frozen=True)
class Timing:
    """One measurement: real tokens per second, and padding as a share of all cells."""

    rate: float
    padding: float = 0.0


def time_steps(steps: Steps, seconds: float, device: torch.device) -> Timing:
    """Draw steps for at least `seconds`; the first one is the warm-up and is not counted."""
    # A GPU is still busy when a step has returned: the clock is read when it has finished.
    finish = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    next(steps)
    finish()
    tokens, cells, began = 0, 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        real, padded = next(steps)
        tokens, cells = tokens + real, cells + padded
    finish()
    return Timing(tokens / (time.perf_counter() - began), 1 - tokens / cells)


def run_alone(function: Callable[..., Any], *arguments: Any, is_peer: bool) -> Any:
    """The function's result from a fresh process; a peer's has the system's own allocator."""
    os.environ["SEQBLEND_MALLOC"] = "system" if is_peer else ""
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(function, *arguments).result()
    finally:
        del os.environ["SEQBLEND_MALLOC"]


def alternate(names: list[str], rounds: int) -> list[str]:
    """Every name once per round, in reverse in every second one: a steady drift favours nobody."""
    return [name for i in range(rounds) for name in (names[::-1] if i % 2 else names)]


def compare(timings: dict[str, list[Timing]]) -> list[list[str]]:
    """A row per contender under COLUMNS; the others are compared with the first one.

    timings: by name, one per round. A ratio is taken within a round, where the machine's other load
    is most alike; then its median.
    """
    rows, baseline = [], next(iter(timings.values()))
    for name, found in timings.items():
        rate, padding = median(t.rate for t in found), median(t.padding for t in found)
        ratios = [own.rate / other.rate for own, other in zip(found, baseline, strict=True)]
        spread = f"{min(ratios):.2f}..{max(ratios):.2f}"
        ratio, share = f"{median(ratios):.2f}", f"{padding:.1%}"
        rows.append([name, f"{rate / 1000:.0f}", ratio, spread, share])
    return rows
