"""Asynchronous successive halving over a pilot's epochs (Li et al. 2020): which trials go on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

FIRST = 2  # the first epoch that decides: after one many models are still on the plateau
FACTOR = 2  # of the trials at a rung, one in this many goes on
_MIN_OTHERS = 4  # trials that must have reached a rung before it prunes any


def is_rung(epoch: int) -> bool:
    """Whether trials are compared after this epoch (from 1): 2, 4, 8, 16, ..."""
    while epoch > FIRST and epoch % FACTOR == 0:
        epoch //= FACTOR
    return epoch == FIRST


def best_so_far(losses: Mapping[int, float], epoch: int) -> float | None:
    """The least of the losses {epoch: loss} up to an epoch; None where it was not reached."""
    if not losses or max(losses) < epoch:
        return None
    return min(loss for at, loss in losses.items() if at <= epoch)


def survives(own: Mapping[int, float], others: Iterable[Mapping[int, float]]) -> bool:
    """Whether a trial goes on after its latest epoch, against all that reached this one.

    own, others: validation losses {epoch: loss}; the least so far is compared
    """
    epoch = max(own)
    if not is_rung(epoch):
        return True
    return is_in_better_half(
        best_so_far(own, epoch),
        [best for losses in others if (best := best_so_far(losses, epoch)) is not None],
    )


def is_in_better_half(own: float, others: list[float]) -> bool:
    """Whether a loss is in the better half of itself and the others; True with few others."""
    if len(others) < _MIN_OTHERS:
        return True
    better = sum(other < own for other in others)
    return better < math.ceil((len(others) + 1) / FACTOR)
