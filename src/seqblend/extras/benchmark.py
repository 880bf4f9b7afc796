"""Training speed: ours against the usual loop, in alternation, each in a process of its own.

The usual way is a tutorial's, written fairly: DataLoader, a Python collate function,
nn.LSTM(bidirectional=True), Adam, float32.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from multiprocessing import get_context
from statistics import median
from typing import Any

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor, nn
from torch.nn.utils import rnn
from torch.utils.data import DataLoader

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.core.seeds import rng_for
from seqblend.data.sequences import PAD, UNK, SequenceSet
from seqblend.models.registry import entry_for, resolve_options
from seqblend.tasks.task import task_for
from seqblend.training.batching import DeviceSequences
from seqblend.training.contract import Rows
from seqblend.training.devices import configure_device
from seqblend.training.precision import own_precision
from seqblend.training.trainer import FitSetting, TargetRows, Trainer

LONGEST = 400  # tokens; longer rows are truncated
VOCABULARY = 20_000  # with PAD and UNK
CLASSES = 2
COLUMNS = ["contender", "ktok/s", "ratio", "min..max", "padding"]
# Solved for IMDB's figures after truncation: mean 202 tokens, 13 % of the rows truncated.
_LOG_MEAN, _LOG_DEVIATION = 5.1686, 0.7305
_ZIPF_SHIFT = 2.7  # Mandelbrot's correction for the most frequent words
_BATCH, _WIDTH, _HIDDEN = 64, 128, 64
_MANY_EPOCHS = 10_000  # time ends a fit, not this
Steps = Iterator[tuple[int, int]]  # endless; (real tokens, cells with padding) of each


@dataclass(frozen=True)
class Timing:
    """One measurement: real tokens per second, and padding as a share of all cells."""

    rate: float
    padding: float = 0.0


def list_contenders(device: torch.device) -> dict[str, Callable[[Rows, torch.device], Steps]]:
    """Name -> its steps; the first is what the others are compared with.

    Ours follow the baseline at once: both see the same load of the machine.
    """
    # In this order, one where they are the same.
    precisions = dict.fromkeys([own_precision("bilstm", device), "float32"])
    return {
        "tutorial loop, padded to 400": partial(tutorial, is_fixed=True),
        **{f"seqblend bilstm, {p}": partial(our_training, p) for p in precisions},
        "padded to the batch's longest": partial(tutorial, is_fixed=False),
    }


def measure(name: str, device: str, rows: int, seconds: float) -> Timing:
    """Measure one contender in this process, on one thread."""
    place = configure_device(torch.device(device))
    torch.manual_seed(0)
    steps = list_contenders(place)[name](make_workload(rows), place)
    return time_steps(steps, seconds, place)


def make_workload(n: int) -> Rows:
    """n rows of the shape of IMDB's reviews, labels 0, 1, 0, ...; the same ones at every call.

    The log-normal lengths are the distribution's n evenly spaced quantiles, shuffled, so that few
    rows have the same mean and the same share of truncated rows as many. Tokens are Zipf-like.
    """
    rng = rng_for(0, "benchmark")
    quantiles = ndtri((rng.permutation(n) + 0.5) / n)
    lengths = np.rint(np.exp(_LOG_MEAN + _LOG_DEVIATION * quantiles))
    lengths = np.clip(lengths, 1, LONGEST).astype(np.int64)
    # The frequency of a rank falls as 1 / (rank + shift); ids follow UNK.
    frequency = 1.0 / (np.arange(1, VOCABULARY - UNK) + _ZIPF_SHIFT)
    cumulative = np.cumsum(frequency) / frequency.sum()
    ranks = np.searchsorted(cumulative, rng.random(int(lengths.sum())), side="right")
    tokens = np.minimum(ranks, len(frequency) - 1).astype(np.int32) + UNK + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Rows(SequenceSet.from_offsets(tokens, offsets), np.arange(n) % CLASSES)


class TutorialLSTM(nn.Module):
    """Embedding 128 -> bidirectional LSTM 64 -> both last hidden states -> linear."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, _WIDTH, padding_idx=PAD)
        self.lstm = nn.LSTM(_WIDTH, _HIDDEN, batch_first=True, bidirectional=True)
        self.output = nn.Linear(2 * _HIDDEN, CLASSES)

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: int64 [b, t] -> logits float [b, c]."""
        _, (hidden, _) = self.lstm(self.embedding(tokens))  # [2, b, 64]
        return self.output(torch.cat([hidden[0], hidden[1]], dim=1))


def collate(examples: list[tuple[Tensor, int]], *, is_fixed: bool) -> tuple[Tensor, ...]:
    """(tokens int64 [b, t], lengths int64 [b], labels int64 [b]), t = LONGEST where fixed."""
    rows, labels = zip(*examples, strict=True)
    tokens = rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)
    if is_fixed:
        tokens = nn.functional.pad(tokens, (0, LONGEST - tokens.shape[1]), value=PAD)
    return tokens, torch.tensor([len(row) for row in rows]), torch.tensor(labels)


def tutorial(rows: Rows, device: torch.device, *, is_fixed: bool) -> Steps:
    """The tutorial's training loop, batches of 64 rows."""
    tokens = [torch.from_numpy(rows.sequences.row(i)).long() for i in range(len(rows.targets))]
    examples = list(zip(tokens, rows.targets.tolist(), strict=True))
    together = partial(collate, is_fixed=is_fixed)
    loader = DataLoader(examples, batch_size=_BATCH, shuffle=True, collate_fn=together)
    model = TutorialLSTM().to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    while True:
        for tokens, lengths, labels in loader:
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(tokens.to(device)), labels.to(device)).backward()
            optimiser.step()
            yield int(lengths.sum()), tokens.numel()


def our_training(precision: str, rows: Rows, device: torch.device) -> Steps:
    """Whole epochs as a run trains them, batches of 64 rows on average.

    Dropout, gradient clipping and weight averaging are on.
    """
    config = TrainConfig(steps_per_epoch=max(len(rows.targets) // _BATCH, 1), precision=precision)
    task = task_for("single_label", list(map(str, range(CLASSES))))
    setting = FitSetting(config, task, _MANY_EPOCHS, 0, 0, device, report=lambda values: None)
    sizes = {"width": _WIDTH, "hidden": _HIDDEN, "depth": 1}
    options = resolve_options("bilstm", {"bilstm": sizes})
    model = entry_for("bilstm").build(options, VOCABULARY, CLASSES).to(device)
    remap = np.arange(VOCABULARY, dtype=np.int32)  # the workload's tokens are vocabulary ids
    sequences = DeviceSequences(rows.sequences, remap, VocabularyConfig(), device)
    trainer = Trainer(model, TargetRows(sequences, rows.targets), setting)
    tokens = int(rows.sequences.lengths.sum())
    for epoch in count():
        trainer.run_epoch(epoch)
        yield tokens, round(tokens / (1 - trainer.padding))


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
