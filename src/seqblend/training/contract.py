"""The member contract: what a fit is given, and what a fitted member can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.data.sequences import SequenceSet, View
from seqblend.embeddings.vectors import Embedding
from seqblend.models.registry import Entry
from seqblend.tasks.task import Task, Temperature
from seqblend.training.fitting import FitRecord


@dataclass(frozen=True)
class Context:
    """What a fit depends on besides its rows.

    epochs: 0 lets validation choose, at most train.max_epochs (the pilot, early stopping)
    view: what the rows are cut into, with its lexicon; a fit reads its own rows alone
    place: the fold, or -1 for the pilot; names the random streams
    train: its precision is resolved (not `auto`)
    report: called with every epoch's figures, and once a second with the epoch's progress
    embedding: vectors that token embeddings begin with; the options' width is theirs
    temperature: the pilot's, by which logits are divided
    rival: validation losses of another pilot; this one ends where it falls behind
    """

    entry: Entry
    options: Any
    train: TrainConfig
    vocabulary: VocabularyConfig
    task: Task
    view: View
    seed: int
    place: int
    epochs: int
    device: torch.device
    report: Callable[[dict], None]
    embedding: Embedding | None = None
    temperature: Temperature = 1.0
    rival: tuple[float, ...] = ()


@dataclass(frozen=True)
class Rows:
    """Sequences and their targets: [n] or [n, c], as the task has them.

    keys: int64 [n] or None; rows with the same key stay on one side of a split
    """

    sequences: SequenceSet
    targets: np.ndarray
    keys: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Rows:
        """The given rows (integer positions)."""
        keys = None if self.keys is None else self.keys[rows]
        return Rows(self.sequences.take(rows), self.targets[rows], keys)


class Fitted(Protocol):
    """A fitted member."""

    record: FitRecord

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], as the task's arrays are, in the order of the rows."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that from_arrays needs."""
