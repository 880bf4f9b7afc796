"""Our own training and prediction, timed through the functions that every unit runs through."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from seqblend.benchmark.peers import BATCH
from seqblend.benchmark.timing import Timing, time_steps
from seqblend.benchmark.workload import CLASSES, VOCABULARY
from seqblend.config import TrainConfig, VocabularyConfig
from seqblend.models.registry import entry_for, resolve_options
from seqblend.training.batching import DeviceSequences, padding_share, plan_batches
from seqblend.training.contract import Labelled
from seqblend.training.fitting import (
    PREDICT_TOKENS,
    History,
    Rows,
    Setting,
    Trace,
    fit_module,
    predict_module,
)

_CPU = torch.device("cpu")
_WARM_UP_ROWS = 256
_MANY_EPOCHS = 10_000  # time ends a fit, not this


def time_training(rows: Labelled, seconds: float, *, model: str, precision: str) -> Timing:
    """Whole epochs of fit_module for at least `seconds`, batches of 64 rows on average.

    Dropout, gradient clipping and weight averaging are on, as in a unit; the scoring of validation
    rows is not counted.
    """
    _fit(_first(rows, _WARM_UP_ROWS), model, precision, lambda history: True)

    def is_over(history: History) -> bool:
        return sum(history["train_seconds"]) >= seconds

    trace = _fit(rows, model, precision, is_over)
    times = trace.history["train_seconds"]
    tokens = int(rows.sequences.lengths.sum()) * len(times)
    return Timing(tokens, sum(times), trace.padding)


def _fit(
    rows: Labelled, model: str, precision: str, should_stop: Callable[[History], bool]
) -> Trace:
    """What a fit recorded."""
    config = TrainConfig(steps_per_epoch=max(len(rows.labels) // BATCH, 1))
    setting = Setting(
        config, CLASSES, _MANY_EPOCHS, seed=0, place=0, precision=precision, device=_CPU,
        report=lambda values: None,
    )  # fmt: skip
    parts = on_device(rows), on_device(_first(rows, BATCH))
    return fit_module(lambda: _build(model), *parts, setting, should_stop)[1]


def time_inference(rows: Labelled, seconds: float, *, model: str, precision: str) -> Timing:
    """Whole passes of predict_module for at least `seconds`."""
    sequences = on_device(rows).sequences
    tokens = int(sequences.lengths.sum())
    padding = padding_share(sequences.lengths, plan_batches(sequences.lengths, PREDICT_TOKENS))
    network = _build(model)

    def passes() -> Iterator[tuple[int, int]]:
        while True:
            predict_module(network, sequences, precision, _CPU)
            yield tokens, round(tokens / (1 - padding))

    return time_steps(passes(), seconds, warm_up=1)


def _build(model: str) -> nn.Module:
    """The registered model with an embedding of 128 and 64 states in each direction."""
    options = resolve_options(model, {model: {"width": 128, "hidden": 64, "depth": 1}})
    return entry_for(model).build(options, VOCABULARY, CLASSES)


def _first(rows: Labelled, n: int) -> Labelled:
    """The first n rows."""
    return Labelled(rows.sequences.take(slice(0, n)), rows.labels[:n])


def on_device(rows: Labelled) -> Rows:
    """The rows with an identity for a vocabulary: the workload's tokens are vocabulary ids."""
    identity = np.arange(VOCABULARY, dtype=np.int32)
    return Rows(DeviceSequences(rows.sequences, identity, VocabularyConfig(), _CPU), rows.labels)
