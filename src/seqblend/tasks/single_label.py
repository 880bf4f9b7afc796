"""Single-label classification: each row is of one class, and probabilities sum to 1."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn

from seqblend.core.config import TrainConfig
from seqblend.evaluation.class_predictions import CLIP, clipped_logs, row_losses
from seqblend.evaluation.metrics import is_of_classes, summarise
from seqblend.evaluation.probabilities import check_probabilities
from seqblend.evaluation.temperature import apply_temperature, fit_temperature, softmax
from seqblend.tasks.adjustments import Adjustment, ClassWeights, Temperature
from seqblend.tasks.blend_loss import BLOCK
from seqblend.tasks.likely_targets import LikelyTargets, draw_classes, temperatures_of_mean
from seqblend.tasks.logistic import LogisticConfig, class_probabilities, fit_logistic
from seqblend.tasks.objective import Objective
from seqblend.tasks.task import Task, register_task

_MOST_GRADES = 20  # more whole numbers are no grades
_WIDEST = 20  # the last grade less the first
_WHOLE = re.compile(r"-?(?:0|[1-9]\d*)(?:\.0+)?")


@register_task
class SingleLabel(Task):
    """One of several classes. targets: int64 [n], indices into `columns`."""

    name: ClassVar[str] = "single_label"
    metrics: ClassVar[tuple[str, ...]] = (
        *("accuracy", "macro_f1", "log_loss", "auc", "balanced_accuracy", "mcc"),
        *("f1", "weighted_f1", "average_precision", "map@K", "top@K"),
    )
    loss_metric: ClassVar[str] = "log_loss"
    needs: ClassVar[str] = "one label in each row"
    has_classes: ClassVar[bool] = True
    column_name: ClassVar[tuple[str, str]] = ("class", "classes")

    @property
    def other_metrics(self) -> tuple[str, str]:
        """By the number of classes; few whole numbers are likely grades, many a quantity."""
        if len(self.columns) == 2:
            return "f1", "auc"
        if _are_grades(self.columns):
            return "qwk", "rmse"
        is_many = len(self.columns) > _MOST_GRADES and all(map(_WHOLE.fullmatch, self.columns))
        return "macro_f1", "rmse" if is_many else "log_loss"

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """The classes."""
        return targets

    def prior(self, targets: np.ndarray) -> np.ndarray:
        """The classes' shares."""
        counts = np.bincount(targets, minlength=len(self.columns))
        return counts / counts.sum()

    def prior_loss(self, targets: np.ndarray) -> float:
        """The labels' entropy in nats."""
        shares = self.prior(targets)
        return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())

    def as_columns(self, targets: np.ndarray) -> np.ndarray:
        """float64 [n, c]: 1 for the row's class."""
        return np.eye(len(self.columns))[targets]

    def losses(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray:
        """The log loss of each row."""
        return row_losses(targets, array)

    def errors(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray:
        """float [n, 1]: what is left to the probability of the row's class."""
        return 1.0 - array[np.arange(len(targets)), targets][:, None]

    def summarise(self, targets: np.ndarray, array: np.ndarray) -> dict[str, float | None]:
        """Accuracy, macro averages, areas and log loss."""
        return summarise(targets, array)

    check = staticmethod(check_probabilities)

    def normalise(self, array: np.ndarray) -> np.ndarray:
        """Rows that sum to 1."""
        return array / array.sum(axis=1, keepdims=True)

    def fit_temperature(self, array: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """One temperature for all classes."""
        return fit_temperature(array, targets)

    def apply_temperature(self, array: np.ndarray, temperature: float) -> np.ndarray:
        """The probabilities of logits over the temperature."""
        return apply_temperature(array, temperature)

    def adjustments(
        self, metric: str
    ) -> tuple[Callable[[np.ndarray, np.ndarray], Adjustment], ...]:
        """A temperature for log loss, class weights for metrics of predicted classes."""
        if metric == self.loss_metric:
            return (lambda array, targets: Temperature(fit_temperature(array, targets)[0]),)
        if metric == "f1":
            return (ClassWeights.fit_threshold,)
        return (partial(ClassWeights.fit, metric),) if is_of_classes(metric) else ()

    def likely_targets(
        self, fits: np.ndarray, targets: np.ndarray, oof: np.ndarray
    ) -> LikelyTargets:
        """Labels drawn from the mean's probabilities at the likely temperature."""
        losses = self.losses(targets, oof)
        found = temperatures_of_mean(fits[:, :, None], oof[:, None], losses)
        p = self.apply_temperature(fits.mean(axis=0), found.likely)
        return LikelyTargets(partial(draw_classes, p), found.sharpening)

    def objective(self, targets: np.ndarray, config: TrainConfig) -> Objective:
        """Cross-entropy, with label smoothing and class weights where asked for."""
        return CrossEntropy(targets, len(self.columns), config, self.prior_loss(targets))

    def objective_from_arrays(self, arrays: dict[str, np.ndarray]) -> Objective:
        """Softmax needs nothing."""
        none = np.zeros(0, dtype=np.int64)
        return CrossEntropy(none, len(self.columns), TrainConfig(), 0.0)

    def fit_linear(
        self, x: sparse.csr_matrix, targets: np.ndarray, strength: float, tolerance: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Multinomial logistic regression; p is 1 for two classes."""
        return fit_logistic(x, targets, len(self.columns), LogisticConfig(strength, tolerance))

    def answer_linear(self, scores: np.ndarray) -> np.ndarray:
        """The softmax; for two classes the second's log-odds are the scores."""
        p = class_probabilities(scores)
        return np.hstack([1 - p, p]) if p.shape[1] == 1 else p

    def contrasts(self, targets: np.ndarray) -> np.ndarray:
        """Each class against the rest; of two only the second."""
        c = len(self.columns)
        return np.stack([targets == k for k in ([1] if c == 2 else range(c))])

    def answer_contrasts(self, scores: np.ndarray) -> np.ndarray:
        """Of more than two classes the one-against-rest probabilities, not yet of sum 1."""
        p = super().answer_contrasts(scores)
        return np.hstack([1 - p, p]) if p.shape[1] == 1 else p

    def clip(self, array: np.ndarray) -> np.ndarray:
        """At least 1e-7 each before rows are brought to sum to 1."""
        p = np.maximum(array, 1e-7)
        return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)

    def blend_loss(self, stack: np.ndarray, targets: np.ndarray) -> LogOddsLoss:
        """Log loss of the softmax of mixed log probabilities."""
        return LogOddsLoss(stack, targets)

    def mix(self, weights: np.ndarray, stack: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """Softmax of the weighted log probabilities and the bias."""
        mixed = np.zeros(stack.shape[1:])
        for weight, member in zip(weights, stack, strict=True):
            if weight:  # many weights on the simplex are 0, and logarithms are slow
                mixed += weight * np.log(np.clip(member, CLIP, 1.0))
        return softmax(mixed if bias is None else mixed + bias)


def _are_grades(classes: tuple[str, ...]) -> bool:
    """Whether classes are 3 to 20 whole numbers that span at most 20; 01 and 02 are names."""
    if not (3 <= len(classes) <= _MOST_GRADES and all(map(_WHOLE.fullmatch, classes))):
        return False
    values = [float(name) for name in classes]
    return max(values) - min(values) <= _WIDEST


class CrossEntropy(Objective):
    """Softmax and cross-entropy in float32.

    Class weights are fitted on the training rows' labels, int64 [n].
    """

    def __init__(
        self, labels: np.ndarray, classes: int, config: TrainConfig, prior_loss: float
    ) -> None:
        self._labels, self.prior_loss = labels, prior_loss
        weight = np.ones(classes)
        if config.class_weights:
            counts = np.bincount(labels, minlength=classes)
            weight = len(labels) / (max(np.count_nonzero(counts), 1) * np.maximum(counts, 1))
            weight = weight.astype(np.float32)
        self._weight = torch.from_numpy(weight) if config.class_weights else None
        self._smoothing = config.label_smoothing
        self.mass = weight.astype(np.float64)[labels]

    def targets(self, device: torch.device) -> Tensor:
        """int64 [n]."""
        if self._weight is not None:
            self._weight = self._weight.to(device)
        return torch.from_numpy(self._labels).to(device)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """With label smoothing."""
        return nn.functional.cross_entropy(
            outputs, targets, self._weight, label_smoothing=self._smoothing
        )

    def plain_loss(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """Without label smoothing."""
        if not self._smoothing:
            return None
        return nn.functional.cross_entropy(outputs, targets, self._weight)

    def count_right(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Rows whose class has the largest output."""
        return (outputs.detach().argmax(1) == targets).sum()

    def predict(self, outputs: Tensor) -> Tensor:
        """Probabilities."""
        return torch.softmax(outputs, dim=1)

    def measure(self, targets: np.ndarray, array: np.ndarray) -> float:
        """The log loss."""
        return float(row_losses(targets, array).mean())


class LogOddsLoss:
    """Mean log loss of softmax(weights . log p + bias), convex in weights [m] and bias [c].

    stack: float32 [m, n, c], labels: int64 [n]
    """

    scale = 1.0

    def __init__(self, stack: np.ndarray, labels: np.ndarray) -> None:
        m, n, c = stack.shape
        size = max(BLOCK // (m * c), 64)
        self.shape = m, n, c
        self.blocks = [
            np.ascontiguousarray(clipped_logs(stack[:, start : start + size]).transpose(0, 2, 1))
            for start in range(0, n, size)
        ]  # float64 [m, c, b] each: sums over classes run along rows
        # The loss is mean(log sum exp) - linear . parameters: the labels enter by these means only.
        right = clipped_logs(stack[:, np.arange(n), labels])
        self.linear = np.concatenate([right.mean(1), np.bincount(labels, minlength=c) / n])

    def bias_of(self, weights: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Of mean 0: the same number added to every offset changes no probability."""
        return offsets - offsets.mean()

    def evaluate(
        self, weights: np.ndarray, offsets: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """The loss in nats and its gradient: float64 [m], with offsets [m + c].

        weights: float64 [m], offsets: float64 [c]
        """
        m, n, c = self.shape
        added = np.zeros(c) if offsets is None else offsets
        total, slope = 0.0, np.zeros(m + c)
        for block in self.blocks:
            flat = block.reshape(m, -1)  # a view, [m, c * b]
            mixed = (weights @ flat).reshape(c, -1) + added[:, None]
            mixed -= (top := mixed.max(0))
            exponentials = np.exp(mixed)
            sums = exponentials.sum(0)
            total += (top + np.log(sums)).sum()
            share = exponentials / sums  # softmax [c, b]
            slope[:m] += flat @ share.ravel()
            slope[m:] += share.sum(1)
        loss = total / n - self.linear @ np.concatenate([weights, added])
        gradient = slope / n - self.linear
        return float(loss), gradient[:m] if offsets is None else gradient
