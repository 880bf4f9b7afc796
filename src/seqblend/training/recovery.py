"""Detection, on the device, of a loss or gradient that is not finite."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from seqblend.core.errors import UnitError

MOST_RECOVERIES = 2
FIGURES = ("loss", "gradient norm", "norm of the weights")


class DivergenceError(UnitError):
    """Not finite after the last recovery; `rows`: int64 [b], the batch in which it happened."""

    def __init__(self, message: str, rows: np.ndarray) -> None:
        super().__init__(message)
        self.rows = rows


class NonFiniteMonitor:
    """Remembers on the device which figure of an epoch was the first that is not finite.

    Reading it is free on a CPU; a GPU would have to be waited for. What follows such a step is
    discarded in any case, so the time of reading changes no result.
    """

    def __init__(self, device: torch.device) -> None:
        self.is_free = device.type == "cpu"
        self._first = torch.tensor([-1.0, 0.0], dtype=torch.float64, device=device)

    def see(self, step: int, figure: str, value: Tensor, excused: Tensor | None = None) -> None:
        """Check one of FIGURES at a step. `excused`: bool, where it need not be finite."""
        is_bad = ~value.isfinite() if excused is None else ~(value.isfinite() | excused)
        now = value.double().expand(2).clone()
        now[0] = step * len(FIGURES) + FIGURES.index(figure)
        self._first = torch.where(is_bad & self.is_clean, now, self._first)

    @property
    def is_clean(self) -> Tensor:
        """bool, one value on the device: whether everything so far was finite."""
        return self._first[0] < 0

    def read(self) -> tuple[int, str] | None:
        """(the first bad step, what was wrong with it), or None. Waits for the device."""
        place, value = self._first.tolist()
        if place < 0:
            return None
        step, figure = divmod(int(place), len(FIGURES))
        return step, f"the {FIGURES[figure]} is {value:g}"
