"""Training of one NumPy network on one fold, and its predictions in file order.

What fitting.py does for torch modules, in its simplest form: shuffled batches, Adam, clipping. Of
TrainConfig it uses rate, warm-up, schedule, clipping, batches and epochs; no weight decay, no
averaged weights, no smoothing, float32 only.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from seqblend.core import fault_injection
from seqblend.core.errors import UnitError
from seqblend.core.seeds import rng_for
from seqblend.models.scratch_models import Network
from seqblend.training.batching import DeviceSequences, padding_share, plan_batches
from seqblend.training.fitting import (
    PREDICT_TOKENS,
    FitRecord,
    FitSetting,
    History,
    LabelledRows,
    describe_validation,
    is_best_so_far,
)
from seqblend.training.optimisation import learning_rate_at


def fit_network(
    build: Callable[[], Network],
    train: LabelledRows,
    valid: LabelledRows,
    setting: FitSetting,
    should_stop: Callable[[History], bool] | None = None,
) -> tuple[Network, FitRecord]:
    """Train a network and return it with what was recorded, the same keys as fit_module's.

    `should_stop(history)` ends after an epoch (the pilot, early stopping); early stopping returns
    its best epoch.
    raises: UnitError where loss or gradient is no longer finite
    """
    network = build()
    network.initialise(rng_for(setting.seed, "scratch", setting.place))
    record, best, tokens, step = FitRecord(), None, 0, 0
    for epoch in range(setting.epochs):
        batches = setting.plan_epoch(train.sequences.lengths, epoch)
        values = _run_epoch(network, train, batches, setting, epoch, step)
        step += len(batches)
        tokens += int(train.sequences.lengths.sum())
        values |= _validate(network, valid)
        record.add(values)
        setting.report(values)
        if setting.config.early_stopping and is_best_so_far(record.history):
            best = {name: array.copy() for name, array in network.state_dict().items()}
        fault_injection.visit("epoch.end")
        if should_stop and should_stop(record.history):
            break
    if best:
        network.load_state_dict(best)
    record.parameters = network.parameters
    record.padding = padding_share(train.sequences.lengths, batches)
    record.tokens_per_second = tokens / max(sum(record.history["train_seconds"]), 1e-9)
    return network, record


def _run_epoch(
    network: Network,
    train: LabelledRows,
    batches: list[np.ndarray],
    setting: FitSetting,
    epoch: int,
    first: int,
) -> dict[str, float | None]:
    """One pass over the training rows, from step `first` of the run; the epoch's figures."""
    config, began = setting.config, time.perf_counter()
    totals, peak, seen, reported = np.zeros(3), 0.0, 0, began  # loss, correct, gradient norm
    for i, rows in enumerate(batches):
        tokens, lengths = gather(train.sequences, rows)
        rate = learning_rate_at(first + i, config, len(batches) * setting.epochs)
        with np.errstate(over="ignore", invalid="ignore"):  # checked on the next line
            loss, correct, norm = network.step(
                tokens, lengths, train.labels[rows], rate, config.clip_norm
            )
        if not np.isfinite([loss, norm]).all():
            raise UnitError(
                f"loss or gradient is no longer finite in epoch {epoch + 1}, step {i + 1} (rate "
                f"{rate:g}): lower train.lr or train.clip_norm"
            )
        totals += loss * len(rows), correct, norm * len(rows)
        peak = max(peak, norm)
        seen += int(lengths.sum())
        now = time.perf_counter()
        if now - reported > 1.0:
            reported = now
            share = (epoch + (i + 1) / len(batches)) / setting.epochs
            setting.report({"share": share, "tokens_per_second": seen / (now - began)})
    loss, correct, norm = (totals / len(train.labels)).tolist()
    seconds = time.perf_counter() - began
    norms = {"gradient_norm": norm, "gradient_norm_max": peak, "rate": rate}
    speed = {"train_seconds": seconds, "tokens_per_second": seen / seconds}
    return {"epoch": epoch + 1, "train_loss": loss, "train_accuracy": correct, **norms, **speed}


def gather(sequences: DeviceSequences, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(tokens int64 [b, t], lengths int64 [b]) of these rows; on a CPU without a copy."""
    tokens, lengths = sequences.gather(rows)
    return tokens.cpu().numpy(), lengths.cpu().numpy()


def _validate(network: Network, valid: LabelledRows) -> dict[str, float | None]:
    """The network's scores on the validation rows; metrics are prefixed `valid_`."""
    began = time.perf_counter()
    return describe_validation(valid.labels, predict_network(network, valid.sequences), began)


def predict_network(network: Network, sequences: DeviceSequences) -> np.ndarray:
    """Class probabilities, float32 [n, c], in the order of the rows."""
    batches = plan_batches(sequences.lengths, max(PREDICT_TOKENS, int(sequences.lengths.max())))
    stacked = np.concatenate([network.predict(*gather(sequences, rows)) for rows in batches])
    out = np.empty_like(stacked)
    out[np.concatenate(batches)] = stacked
    return out
