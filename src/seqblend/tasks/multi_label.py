"""Multi-label classification: binary columns that do not exclude each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from scipy import sparse
from scipy.special import expit
from torch import Tensor, nn

from seqblend.core.config import TrainConfig
from seqblend.evaluation.class_predictions import CLIP
from seqblend.evaluation.column_metrics import column_losses, summarise_columns
from seqblend.evaluation.probabilities import check_shares
from seqblend.evaluation.temperature import fit_column_temperature
from seqblend.tasks.adjustments import Adjustment, ColumnTemperatures, ColumnThresholds, log_odds
from seqblend.tasks.blend_loss import BLOCK
from seqblend.tasks.likely_targets import LikelyTargets, temperatures_of_mean
from seqblend.tasks.logistic import LogisticConfig, fit_logistic
from seqblend.tasks.objective import Objective
from seqblend.tasks.task import Task, Temperature, register_task

_RARE = 20  # rows of a combination of labels from which folds are stratified by it


@register_task
class MultiLabel(Task):
    """Several labels of 0 or 1. targets: int64 [n, c]; arrays hold P(1) of each column."""

    name: ClassVar[str] = "multi_label"
    metrics: ClassVar[tuple[str, ...]] = (
        *("mean_auc", "mean_log_loss", "mean_average_precision"),
        *("column_macro_f1", "column_micro_f1"),
    )
    loss_metric: ClassVar[str] = "mean_log_loss"
    column_name: ClassVar[tuple[str, str]] = ("label", "labels")
    strata_name: ClassVar[tuple[str, str]] = ("label combination", "label combinations")
    needs: ClassVar[str] = "several train columns of 0 and 1"

    @property
    def other_metrics(self) -> tuple[str, str]:
        """One of probabilities, one of predicted labels."""
        return "mean_log_loss", "column_macro_f1"

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """Combinations of labels; a rare one counts as its rarest label that is set."""
        combinations, place, counts = np.unique(
            targets, axis=0, return_inverse=True, return_counts=True
        )
        place, often = place.reshape(-1), targets.sum(axis=0)
        rarest = np.where(combinations == 1, often, np.inf).argmin(axis=1)
        has_any = combinations.any(axis=1)
        code = np.where(counts >= _RARE, np.arange(len(counts)), len(counts) + rarest)
        code = np.where((counts < _RARE) & ~has_any, len(counts) + len(often), code)
        return np.unique(code[place], return_inverse=True)[1].reshape(-1)

    def prior(self, targets: np.ndarray) -> np.ndarray:
        """The share of 1 in each column."""
        return targets.mean(axis=0)

    def losses(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray:
        """The mean log loss of a row's columns."""
        return column_losses(targets, array).mean(axis=1)

    def errors(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray:
        """What is left to the probability of each cell's label."""
        return np.abs(targets - array)

    def summarise(self, targets: np.ndarray, array: np.ndarray) -> dict[str, float | None]:
        """Means over columns."""
        return summarise_columns(targets, array)

    check = staticmethod(check_shares)

    def fit_temperature(
        self, array: np.ndarray, targets: np.ndarray
    ) -> tuple[tuple[float, ...], float | None]:
        """One temperature for each column."""
        fitted = [fit_column_temperature(p, y) for p, y in zip(array.T, targets.T, strict=True)]
        return tuple(t for t, _ in fitted), float(np.mean([loss for _, loss in fitted]))

    def apply_temperature(self, array: np.ndarray, temperature: Temperature) -> np.ndarray:
        """The probabilities of log-odds over the temperatures."""
        if np.all(np.equal(temperature, 1.0)):
            return array
        return ColumnTemperatures(np.asarray(temperature)).apply(array).astype(np.float32)

    def likely_targets(
        self, fits: np.ndarray, targets: np.ndarray, oof: np.ndarray
    ) -> LikelyTargets:
        """Labels drawn from the mean's probabilities at one temperature for all columns."""
        cells = (np.stack([1 - p, p], axis=-1) for p in (fits, oof))
        found = temperatures_of_mean(*cells, self.losses(targets, oof))
        p = self.apply_temperature(fits.mean(axis=0), found.likely)
        return LikelyTargets(partial(_draw_labels, p), found.sharpening)

    def adjustments(
        self, metric: str
    ) -> tuple[Callable[[np.ndarray, np.ndarray], Adjustment], ...]:
        """Temperatures for log loss, thresholds for F1: one a column, or one for all cells."""
        fits: dict[str, Callable[[np.ndarray, np.ndarray], Adjustment]] = {
            "mean_log_loss": lambda p, y: ColumnTemperatures(
                np.array(self.fit_temperature(p, y)[0])
            ),
            "column_macro_f1": ColumnThresholds.fit,
            "column_micro_f1": ColumnThresholds.fit_one,
        }
        return (fits[metric],) if metric in fits else ()

    def objective(self, targets: np.ndarray, config: TrainConfig) -> Objective:
        """Binary cross-entropy, smoothed towards each column's share of 1."""
        return BinaryCrossEntropy(targets, config, self.prior_loss(targets))

    def objective_from_arrays(self, arrays: dict[str, np.ndarray]) -> Objective:
        """The sigmoid needs nothing."""
        none = np.zeros((0, len(self.columns)), dtype=np.int64)
        return BinaryCrossEntropy(none, TrainConfig(), 0.0)

    def fit_linear(
        self, x: sparse.csr_matrix, targets: np.ndarray, strength: float, tolerance: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """A logistic regression for each column."""
        config = LogisticConfig(strength, tolerance)
        fitted = [fit_logistic(x, y, 2, config) for y in targets.T]
        return np.concatenate([w for w, _ in fitted]), np.concatenate([b for _, b in fitted])

    def answer_linear(self, scores: np.ndarray) -> np.ndarray:
        """The sigmoid."""
        return expit(scores)

    def contrasts(self, targets: np.ndarray) -> np.ndarray:
        """The columns."""
        return targets.T == 1

    def clip(self, array: np.ndarray) -> np.ndarray:
        """Neither 0 nor 1."""
        return np.clip(array, CLIP, 1 - CLIP).astype(np.float32)

    def blend_loss(self, stack: np.ndarray, targets: np.ndarray) -> BinaryLogOddsLoss:
        """Mean log loss of the sigmoid of mixed log-odds."""
        return BinaryLogOddsLoss(stack, targets)

    def mix(self, weights: np.ndarray, stack: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """The sigmoid of weighted log-odds and the bias."""
        mixed = np.zeros(stack.shape[1:]) if bias is None else np.tile(bias, (stack.shape[1], 1))
        for weight, member in zip(weights, stack, strict=True):
            if weight:
                mixed += weight * log_odds(member)
        return expit(mixed)


def _draw_labels(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """int64 [n, c]: each cell 1 with its probability, float [n, c]."""
    return (rng.random(p.shape) < p).astype(np.int64)


class BinaryCrossEntropy(Objective):
    """Sigmoid and binary cross-entropy, the mean over columns, in float32.

    Label smoothing moves targets towards their column's mean, which it keeps. Class weights give
    the rows of 1 in a column the weight of its rows of 0.
    """

    def __init__(self, labels: np.ndarray, config: TrainConfig, prior_loss: float) -> None:
        """labels: int64 [n, c]."""
        self._labels, self._smoothing, self.prior_loss = labels, config.label_smoothing, prior_loss
        ones = labels.sum(axis=0)
        self._mean = torch.from_numpy((ones / max(len(labels), 1)).astype(np.float32))
        weight = (len(labels) - ones) / np.maximum(ones, 1)
        self._weight = torch.from_numpy(weight.astype(np.float32)) if config.class_weights else None
        self.mass = np.ones(len(labels))

    def targets(self, device: torch.device) -> Tensor:
        """float32 [n, c]."""
        self._mean = self._mean.to(device)
        self._weight = None if self._weight is None else self._weight.to(device)
        return torch.from_numpy(self._labels.astype(np.float32)).to(device)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """With label smoothing."""
        smooth = targets + self._smoothing * (self._mean - targets)
        return nn.functional.binary_cross_entropy_with_logits(
            outputs, smooth, pos_weight=self._weight
        )

    def plain_loss(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """Without label smoothing."""
        return nn.functional.binary_cross_entropy_with_logits(
            outputs, targets, pos_weight=self._weight
        )

    def count_right(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Rows, each by its share of columns predicted correctly."""
        return ((outputs.detach() > 0) == (targets > 0.5)).float().mean(1).sum()

    def predict(self, outputs: Tensor) -> Tensor:
        """Probabilities."""
        return torch.sigmoid(outputs)

    def measure(self, targets: np.ndarray, array: np.ndarray) -> float:
        """The mean log loss."""
        return float(column_losses(targets, array).mean())


class BinaryLogOddsLoss:
    """Mean log loss of sigmoid(weights . log-odds + bias), convex in weights [m] and bias [c].

    stack: float32 [m, n, c], labels: int64 [n, c]
    """

    def __init__(self, stack: np.ndarray, labels: np.ndarray) -> None:
        m, n, c = stack.shape
        size = max(BLOCK // (m * c), 64)
        self.shape, self.scale = (m, n, c), float(c)  # a row's columns are as many observations
        self.blocks = [
            (log_odds(stack[:, start : start + size]), labels[start : start + size])
            for start in range(0, n, size)
        ]

    def bias_of(self, weights: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """The offsets."""
        return offsets

    def evaluate(
        self, weights: np.ndarray, offsets: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """The loss in nats, a mean over rows and columns, and its gradient."""
        m, n, c = self.shape
        total, slope = 0.0, np.zeros(m + c)
        for odds, labels in self.blocks:
            mixed = np.tensordot(weights, odds, 1) + (0.0 if offsets is None else offsets)
            total += (np.logaddexp(0.0, mixed) - labels * mixed).sum()
            wrong = expit(mixed) - labels
            slope[:m] += np.tensordot(odds, wrong, 2)
            slope[m:] += wrong.sum(0)
        gradient = slope / (n * c)
        return float(total / (n * c)), gradient[:m] if offsets is None else gradient
