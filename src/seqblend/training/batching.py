"""Length-bucketed batches of row indices, gathered on the device from flat tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.core.errors import InputError
from seqblend.data.sequences import PAD, SequenceSet

_LEAST_TOKENS = 256  # a batch of fewer is all overhead
_WIDTHS = 8  # that predictions are padded to, between a power of two and the next
_EVEN_ROWS = 64  # in a batch of predictions, at most
_JITTER = 0.03  # relative noise on lengths while bucketing: other neighbours, padding still < 3 %


def plan_epoch(
    lengths: np.ndarray, config: TrainConfig, rng: np.random.Generator | None = None
) -> list[np.ndarray]:
    """An epoch's batches: of config.batch_rows rows, or under a token budget where it is 0.

    lengths: int [n], after truncation
    returns: list of int [b_k], a partition of range(n), drawn as plan_batches does
    """
    if config.batch_rows:
        return plan_rows(lengths, config.batch_rows, rng)
    budget = tokens_per_batch(lengths, config.steps_per_epoch, config.tokens_per_batch)
    return plan_batches(lengths, budget, rng)


def plan_batches(
    lengths: np.ndarray, tokens_per_batch: int, rng: np.random.Generator | None = None
) -> list[np.ndarray]:
    """Group rows of similar length so that no padded batch exceeds the token budget.

    lengths: int [n]
    returns: list of int [b_k], a partition of range(n)
    raises: InputError where one row alone exceeds the budget

    With `rng`, neighbours and batch order are shuffled (training). Without it the plan is a pure
    function of `lengths`, longest batch first, so that running out of memory happens in the
    first second and not in the last.
    """
    if len(lengths) == 0:
        return []
    if lengths.max() > tokens_per_batch:
        raise InputError(
            f"a sequence of {lengths.max()} tokens does not fit into a batch of "
            f"{tokens_per_batch}: raise train.tokens_per_batch or lower vocabulary.max_len"
        )
    order = _bucketed_order(lengths, rng)
    in_order = lengths[order]
    batches, begin = [], 0
    while begin < len(order):
        end = _end_of_batch(in_order, begin, tokens_per_batch)
        batches.append(order[begin:end])
        begin = end
    if rng is not None:
        rng.shuffle(batches)
    return batches


class EvenBatch(NamedTuple):
    """Rows int64 [b], padded to `width` tokens; those behind the first `count` fill the batch."""

    rows: np.ndarray
    width: int
    count: int


def plan_even(lengths: np.ndarray, tokens_per_batch: int) -> Iterator[EvenBatch]:
    """Batches in which what is computed for a row does not depend on which other rows there are.

    lengths: int [n]
    A row's width depends on its length alone, and all batches of a width have as many rows, the
    last one filled up: so every product has the same shape, and sums are taken in the same order.
    The widest first, so that running out of memory happens in the first second.
    """
    exponents = np.floor(np.log2(lengths)).astype(np.int64)
    steps = np.maximum(2**exponents // _WIDTHS, 1)
    widths = -(-lengths // steps) * steps
    for width in np.unique(widths)[::-1].tolist():
        rows = np.flatnonzero(widths == width)
        size = min(max(tokens_per_batch // width, 1), _EVEN_ROWS)
        size = 2 ** (size.bit_length() - 1)  # kernels treat what is left of eights otherwise
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            filling = np.full(size - len(part), part[-1])
            yield EvenBatch(np.append(part, filling), width, len(part))


def in_file_order(batches: list[EvenBatch], found: np.ndarray) -> np.ndarray:
    """What was found for the batches' rows, in the order of the rows. found: [n, ...]."""
    out = np.empty_like(found)
    out[np.concatenate([each.rows[: each.count] for each in batches])] = found
    return out


def plan_rows(
    lengths: np.ndarray, rows_per_batch: int, rng: np.random.Generator | None = None
) -> list[np.ndarray]:
    """Group rows of similar length into batches of `rows_per_batch`; one is smaller, if need be.

    lengths: int [n]
    returns: list of int [b_k], a partition of range(n), in random order with `rng`
    """
    order = _bucketed_order(lengths, rng)
    batches = [order[i : i + rows_per_batch] for i in range(0, len(order), rows_per_batch)]
    if rng is not None:
        rng.shuffle(batches)
    return batches


def _bucketed_order(lengths: np.ndarray, rng: np.random.Generator | None) -> np.ndarray:
    """int [n]: rows from longest to shortest; with `rng`, near neighbours change places."""
    if rng is None:
        return np.argsort(-lengths, kind="stable")
    noise = 1 + _JITTER * rng.random(len(lengths))
    return np.argsort(-(lengths + 1) * noise, kind="stable")


def _end_of_batch(lengths: np.ndarray, begin: int, tokens_per_batch: int) -> int:
    """The largest end for which rows begin..end, padded to their longest, fit the budget."""
    most = max(tokens_per_batch // int(lengths[begin]), 1)
    longest = np.maximum.accumulate(lengths[begin : begin + most])
    fits = longest * np.arange(1, len(longest) + 1) <= tokens_per_batch
    return begin + int(np.count_nonzero(fits))


def padding_share(lengths: np.ndarray, batches: list[np.ndarray]) -> float:
    """The share of a plan's cells that is padding."""
    cells = sum(int(lengths[rows].max()) * len(rows) for rows in batches)
    return 1.0 - float(lengths.sum()) / max(cells, 1)


def tokens_per_batch(lengths: np.ndarray, steps_per_epoch: int, most: int) -> int:
    """The token budget with which an epoch has about `steps_per_epoch` steps, at most `most`.

    lengths: int [n], after truncation. Small data gets small batches: the number of steps that an
    epoch has is what training needs. One row always fits.
    """
    wanted = int(lengths.sum()) // max(steps_per_epoch, 1)
    return max(min(max(wanted, _LEAST_TOKENS), most), int(lengths.max()))


@dataclass(frozen=True)
class Truncation:
    """Which tokens of each row a member reads: `head` from the start, the rest from the end.

    head: int64 [n] tokens read from the start; skipped: int64 [n] tokens left out after them
    lengths: int64 [n] what remains
    """

    head: np.ndarray
    skipped: np.ndarray
    lengths: np.ndarray


def truncate(lengths: np.ndarray, config: VocabularyConfig) -> Truncation:
    """Rows truncated to config.max_len tokens: head, tail, or both (a quarter from the head)."""
    kept = np.minimum(lengths, config.max_len)
    heads = {"head": config.max_len, "tail": 0, "both": config.max_len // 4}
    if config.truncate not in heads:
        raise InputError(f"vocabulary.truncate expects head, tail or both, got {config.truncate!r}")
    head = np.where(lengths > kept, heads[config.truncate], kept)
    return Truncation(
        head.astype(np.int64), (lengths - kept).astype(np.int64), kept.astype(np.int64)
    )


class DeviceSequences:
    """Sequences resident on a device; a batch is a gather, without Python per row."""

    def __init__(
        self,
        sequences: SequenceSet,
        remap: np.ndarray,
        config: VocabularyConfig,
        device: torch.device,
    ) -> None:
        """remap: int32 [lexicon] vocabulary ids. The remap is applied as a batch is gathered."""
        kept = truncate(sequences.lengths, config)
        self.lengths = kept.lengths
        self.device = device
        first, last = 0, 0  # without rows
        if len(sequences):
            ends = sequences.starts + sequences.lengths
            first, last = int(sequences.starts.min()), int(ends.max())
        self._flat = torch.from_numpy(np.asarray(sequences.tokens[first:last])).to(device)
        self._remap = torch.from_numpy(remap).to(device)
        self._starts = torch.from_numpy(sequences.starts - first).to(device)
        self._head = torch.from_numpy(kept.head).to(device)
        self._skipped = torch.from_numpy(kept.skipped).to(device)
        self._lengths = torch.from_numpy(kept.lengths).to(device)

    def __len__(self) -> int:
        return len(self.lengths)

    def gather(self, rows: np.ndarray, width: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        """(tokens int64 [b, t] padded with PAD, lengths int64 [b]).

        width: t; 0: as many as the longest of these rows has
        """
        index = torch.from_numpy(rows).to(self.device)
        lengths = self._lengths[index]
        steps = torch.arange(width or int(self.lengths[rows].max()), device=self.device)  # [t]
        place = steps + self._skipped[index, None] * (steps >= self._head[index, None])  # [b, t]
        place = (self._starts[index, None] + place).clamp_(max=len(self._flat) - 1)
        tokens = self._remap[self._flat[place]]
        return tokens.masked_fill_(steps >= lengths[:, None], PAD).long(), lengths
