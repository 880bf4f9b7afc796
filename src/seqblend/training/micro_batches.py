"""Micro-batches: a batch that does not fit into memory is computed in parts, with one result."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch

from seqblend import release_freed_memory
from seqblend.core.errors import UnitError

MOST_HALVINGS = 4
_MESSAGES = re.compile(  # CUDA, cuBLAS, torch's CPU allocator (two), oneDNN, the C++ library
    "out of memory|alloc_failed|not enough memory|can't allocate memory"
    "|could not create a memory object|bad_alloc"
)
T = TypeVar("T")


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out, on the CPU or on a GPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_MESSAGES.search(str(error).lower()))


class MicroBatcher:
    """In how many parts a batch is computed: one, until memory runs out; never fewer again."""

    def __init__(self, on_halving: Callable[[str, int], None]) -> None:
        """on_halving(reason, parts) is called each time that the parts are halved."""
        self.count = 1
        self._on_halving = on_halving

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
        self._on_halving(f"not enough memory for a batch of {len(rows)} rows", self.count)
