"""When memory runs out: a batch is computed in parts, twice as many each time, with one result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch

from seqblend import release_freed_memory
from seqblend.core.errors import UnitError

MOST_HALVINGS = 4
_SIGNS = (  # CUDA, cuBLAS, torch's CPU allocator, oneDNN, the C++ library
    "out of memory", "alloc_failed", "not enough memory", "can't allocate memory",
    "could not create a memory object", "bad_alloc",
)  # fmt: skip
T = TypeVar("T")


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, on the CPU or on a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(s in str(error).lower() for s in _SIGNS)


class MicroBatcher:
    """In how many parts a batch is computed: one, until memory runs out; never fewer again."""

    def __init__(self, tell: Callable[[str, int], None]) -> None:
        """tell(reason, parts) hears of every halving."""
        self.count = 1
        self._tell = tell

    def run(self, work: Callable[[list[np.ndarray]], T], rows: np.ndarray) -> T:
        """work(parts of the rows), done anew with parts of half the size where memory runs out.

        rows: int64 [b]
        raises: UnitError after MOST_HALVINGS halvings, or where a part has one row only
        """
        while True:
            try:
                return work(np.array_split(rows, min(self.count, len(rows))))
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            self._halve(rows)  # after the handler, whose traceback holds the tensors

    def _halve(self, rows: np.ndarray) -> None:
        if self.count == 2**MOST_HALVINGS or self.count >= len(rows):
            raise UnitError(
                f"not enough memory for a batch of {len(rows)} rows, not even in {self.count} "
                "parts: lower train.tokens_per_batch, train.batch_rows or vocabulary.max_len, take "
                "a smaller model, or use --workers 1"
            )
        self.count *= 2
        release_freed_memory()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        self._tell(f"not enough memory for a batch of {len(rows)} rows", self.count)
