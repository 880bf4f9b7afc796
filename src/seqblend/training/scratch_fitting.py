"""Training of one NumPy network on one fold, and its predictions in file order.

What fitting.py does for torch modules, in its simplest form: shuffled batches, Adam, clipping. Of
TrainConfig it uses rate, warm-up, clipping, batches and epochs; no weight decay, no
averaged weights, no smoothing, float32 only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from seqblend.core.errors import UnitError
from seqblend.core.seeds import rng_for
from seqblend.models.scratch_models import Network
from seqblend.training.batching import (
    DeviceSequences,
    in_file_order,
    padding_share,
    plan_even,
)
from seqblend.training.fitting import (
    PREDICT_TOKENS,
    FitRecord,
    FitSetting,
    History,
    TargetRows,
    fit_epochs,
)
from seqblend.training.optimisation import learning_rate_at


def fit_network(
    build: Callable[[], Network],
    train: TargetRows,
    valid: TargetRows,
    setting: FitSetting,
    should_stop: Callable[[History], bool] | None = None,
) -> tuple[Network, FitRecord]:
    """Train a network and return it with what was recorded, as fit_module does.

    raises: UnitError where loss or gradient is no longer finite
    """
    network = build()
    network.initialise(rng_for(setting.seed, "scratch", setting.place))
    trainer = NetworkTrainer(network, train, setting)
    return fit_epochs(trainer, predict_network, valid, setting, should_stop)


class NetworkTrainer:
    """The passes of one fit over its training rows, as fit_epochs takes them."""

    def __init__(self, network: Network, train: TargetRows, setting: FitSetting) -> None:
        self.trained, self.train, self.setting = network, train, setting
        self.parameters = network.parameters
        self.objective = setting.task.objective(train.targets, setting.config)
        self.step, self.tokens_seen, self.padding = 0, 0, 0.0
        self.recoveries: list[dict[str, Any]] = []

    def run_epoch(self, epoch: int) -> dict[str, float | None]:
        """One pass over the training rows; the epoch's figures."""
        setting, train, config = self.setting, self.train, self.setting.config
        began, seen = time.perf_counter(), self.tokens_seen
        batches = setting.plan_epoch(train.sequences.lengths, epoch)
        self.padding = padding_share(train.sequences.lengths, batches)
        totals, peak, reported = np.zeros(3), 0.0, began  # loss, correct, gradient norm
        for i, rows in enumerate(batches):
            tokens, lengths = gather(train.sequences, rows)
            rate = learning_rate_at(self.step, config)
            with np.errstate(over="ignore", invalid="ignore"):  # checked on the next line
                loss, correct, norm = self.trained.step(
                    tokens, lengths, train.targets[rows], rate, config.clip_norm
                )
            if not np.isfinite([loss, norm]).all():
                raise UnitError(
                    f"loss or gradient is no longer finite in epoch {epoch + 1}, step {i + 1} "
                    f"(rate {rate:g}): lower train.lr or train.clip_norm"
                )
            totals += loss * len(rows), correct, norm * len(rows)
            peak = max(peak, norm)
            self.step += 1
            self.tokens_seen += int(lengths.sum())
            if (now := time.perf_counter()) - reported > 1.0:
                reported = now
                share = (epoch + (i + 1) / len(batches)) / setting.epochs
                speed = (self.tokens_seen - seen) / (now - began)
                setting.report({"share": share, "tokens_per_second": speed})
        loss, correct, norm = (totals / len(train.targets)).tolist()
        return {
            "train_loss": loss,
            "train_accuracy": correct,
            "gradient_norm": norm,
            "gradient_norm_max": peak,
            "rate": rate,
        }


def gather(
    sequences: DeviceSequences, rows: np.ndarray, width: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(tokens int64 [b, t], lengths int64 [b]) of these rows; on a CPU without a copy."""
    tokens, lengths = sequences.gather(rows, width)
    return tokens.cpu().numpy(), lengths.cpu().numpy()


def predict_network(network: Network, sequences: DeviceSequences) -> np.ndarray:
    """Class probabilities, float32 [n, c], in the order of the rows; as predict_module's."""
    batches = list(plan_even(sequences.lengths, PREDICT_TOKENS))
    found = [
        network.predict(*gather(sequences, each.rows, each.width))[: each.count] for each in batches
    ]
    return in_file_order(batches, np.concatenate(found))
