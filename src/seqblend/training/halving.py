"""Successive halving: at which epochs pilots are compared, and which of them end there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FIRST = 2  # the first epoch that decides: after one many models are still on the plateau
FACTOR = 2  # of the trials at a rung, one in this many goes on


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


def falls_behind(losses: Sequence[float], rival: Sequence[float]) -> bool:
    """Whether a pilot's least loss is above its rival's, at a rung: of two the better goes on.

    losses, rival: of each epoch; an empty rival is none
    """
    epoch = len(losses)
    return bool(rival) and is_rung(epoch) and min(losses) > min(rival[:epoch])
