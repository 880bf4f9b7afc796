"""Regression: targets are numbers, one column or several."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from scipy import sparse
from sklearn.linear_model import Ridge
from torch import Tensor, nn

from seqblend.core.config import TrainConfig
from seqblend.evaluation.probabilities import check_numbers
from seqblend.evaluation.value_metrics import summarise_values
from seqblend.tasks.blend_loss import BLOCK
from seqblend.tasks.likely_targets import LikelyTargets, likely_numbers
from seqblend.tasks.objective import Objective
from seqblend.tasks.task import Task, register_task

_STRATA = 10  # quantiles of the target that folds are stratified by
_RIDGE = 200.0  # the penalty is this over `strength`: 1 for the default of tfidf


@register_task
class Regression(Task):
    """Numbers. targets: float64 [n, c]; arrays hold the predicted numbers."""

    name: ClassVar[str] = "regression"
    metrics: ClassVar[tuple[str, ...]] = (*("rmse", "mae", "mcrmse", "r2", "pearson", "spearman"),)
    loss_metric: ClassVar[str] = "rmse"
    loss_name: ClassVar[str] = "squared error"
    column_name: ClassVar[tuple[str, str]] = ("number", "numbers")
    strata_name: ClassVar[tuple[str, str]] = ("target decile", "target deciles")
    needs: ClassVar[str] = "train columns of numbers"
    has_probabilities: ClassVar[bool] = False
    convex_method: ClassVar[str] = "linear_simplex"
    blend_methods: ClassVar[tuple[str, ...]] = ("single", "mean", convex_method, "stacking")

    @property
    def default_metric(self) -> str:
        """With several columns the mean of their errors."""
        return "mcrmse" if len(self.columns) > 1 else "rmse"

    @property
    def other_metrics(self) -> tuple[str, str]:
        """A correlation, of several columns the one of ranks, and an error."""
        return "spearman" if len(self.columns) > 1 else "pearson", "mae"

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """Tenths of the mean of the standardised columns; equal values stay together."""
        centre, scale = _standard(targets)
        values = ((targets - centre) / scale).mean(axis=1)
        edges = np.unique(np.quantile(values, np.linspace(0, 1, _STRATA + 1)[1:-1]))
        return np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)[1]

    def prior(self, targets: np.ndarray) -> np.ndarray:
        """The columns' means."""
        return targets.mean(axis=0)

    def losses(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray:
        """The mean squared error of a row's columns."""
        return ((array.astype(np.float64) - targets) ** 2).mean(axis=1)

    def errors(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray:
        """Residuals: true less predicted numbers."""
        return targets - array

    def summarise(self, targets: np.ndarray, array: np.ndarray) -> dict[str, float | None]:
        """Errors and correlations; means over columns."""
        return summarise_values(targets, array)

    check = staticmethod(check_numbers)

    def likely_targets(
        self, fits: np.ndarray, targets: np.ndarray, oof: np.ndarray
    ) -> LikelyTargets:
        """The mean and residuals out of fold, drawn with replacement."""
        return likely_numbers(fits, self.errors(targets, oof))

    def objective(self, targets: np.ndarray, config: TrainConfig) -> Objective:
        """Squared or Huber loss of standardised columns."""
        return SquaredError(*_standard(targets), config.huber, targets)

    def objective_from_arrays(self, arrays: dict[str, np.ndarray]) -> Objective:
        """With the columns' means and standard deviations."""
        return SquaredError(arrays["target/centre"], arrays["target/scale"], 0.0)

    def fit_linear(
        self, x: sparse.csr_matrix, targets: np.ndarray, strength: float, tolerance: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Ridge regression."""
        return _fit_ridge(x, targets, strength)

    def answer_linear(self, scores: np.ndarray) -> np.ndarray:
        """The scores."""
        return scores

    def contrasts(self, targets: np.ndarray) -> np.ndarray:
        """Rows above each column's median."""
        return np.median(targets, axis=0)[:, None] < targets.T

    def fit_contrast(
        self,
        x: sparse.csr_matrix,
        targets: np.ndarray,
        contrast: tuple[int, np.ndarray],
        strength: float,
        seed: int,
    ) -> tuple[np.ndarray, float]:
        """Ridge regression of the contrast's column."""
        weights, bias = _fit_ridge(x, targets[:, [contrast[0]]], strength)
        return weights[0], float(bias[0])

    def answer_contrasts(self, scores: np.ndarray) -> np.ndarray:
        """The scores."""
        return scores

    def clip(self, array: np.ndarray) -> np.ndarray:
        """As it is."""
        return array.astype(np.float32)

    def blend_loss(self, stack: np.ndarray, targets: np.ndarray) -> SquaredMixtureLoss:
        """Mean squared error of the mixture, columns standardised."""
        return SquaredMixtureLoss(stack, targets)

    def mix(self, weights: np.ndarray, stack: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """The weighted sum and the bias."""
        mixed = np.tensordot(weights, stack.astype(np.float64), 1)
        return mixed if bias is None else mixed + bias


def _standard(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(means, standard deviations) float64 [c]; 1 for a constant column."""
    scale = targets.std(axis=0)
    return targets.mean(axis=0), np.where(scale > 0, scale, 1.0)


def _fit_ridge(
    x: sparse.csr_matrix, targets: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """(weights float32 [c, v], bias float64 [c]); without features the columns' means."""
    if x.shape[1] == 0:
        return np.zeros((targets.shape[1], 0), dtype=np.float32), targets.mean(axis=0)
    model = Ridge(alpha=_RIDGE / strength, solver="sparse_cg", tol=1e-4).fit(x, targets)
    weights = model.coef_.reshape(targets.shape[1], -1).astype(np.float32)
    return weights, np.array(model.intercept_, dtype=np.float64).reshape(-1)


class SquaredError(Objective):
    """Half the squared error of standardised columns, or Huber's loss beyond `huber`.

    Networks learn numbers of mean 0 and deviation 1; predictions are on the targets' scale.
    """

    has_accuracy = False

    def __init__(
        self,
        centre: np.ndarray,
        scale: np.ndarray,
        huber: float,
        targets: np.ndarray | None = None,
    ) -> None:
        """centre, scale: float64 [c]; targets: float64 [n, c] of the training rows."""
        self._centre, self._scale, self._huber = centre, scale, huber
        self._targets = np.zeros((0, len(centre))) if targets is None else targets
        self.mass, self.prior_loss = np.ones(len(self._targets)), 0.5

    def targets(self, device: torch.device) -> Tensor:
        """float32 [n, c], standardised."""
        standard = (self._targets - self._centre) / self._scale
        return torch.from_numpy(standard.astype(np.float32)).to(device)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean over rows and columns."""
        if self._huber:
            return nn.functional.huber_loss(outputs, targets, delta=self._huber)
        return nn.functional.mse_loss(outputs, targets) / 2

    def plain_loss(self, outputs: Tensor, targets: Tensor) -> Tensor | None:
        """The squared loss."""
        return nn.functional.mse_loss(outputs, targets) / 2 if self._huber else None

    def predict(self, outputs: Tensor) -> Tensor:
        """On the targets' scale."""
        scale, centre = (
            torch.from_numpy(part.astype(np.float32)).to(outputs.device)
            for part in (self._scale, self._centre)
        )
        return outputs * scale + centre

    def measure(self, targets: np.ndarray, array: np.ndarray) -> float:
        """Half the mean squared error in standard deviations of the training rows' targets."""
        return float(((array - targets) ** 2 / self._scale**2).mean() / 2)

    def arrays(self) -> dict[str, np.ndarray]:
        """The columns' means and deviations."""
        return {"target/centre": self._centre, "target/scale": self._scale}


class SquaredMixtureLoss:
    """Half the mean squared error of weights . members + offsets, columns standardised.

    stack: float32 [m, n, c], targets: float64 [n, c]
    """

    def __init__(self, stack: np.ndarray, targets: np.ndarray) -> None:
        m, n, c = stack.shape
        self.shape = m, n, c
        self._middle, self._unit = _standard(targets)
        gram, cross, square = np.zeros((m + c, m + c)), np.zeros(m + c), 0.0
        size = max(BLOCK // (m * c), 64)
        for start in range(0, n, size):
            part = (stack[:, start : start + size] - self._middle) / self._unit  # [m, b, c]
            y = (targets[start : start + size] - self._middle) / self._unit
            gram[:m, :m] += np.tensordot(part, part, [(1, 2), (1, 2)])
            gram[:m, m:] += part.sum(1)
            cross[:m] += np.tensordot(part, y, 2)
            cross[m:] += y.sum(0)
            square += float((y**2).sum())
        gram[m:, :m] = gram[:m, m:].T
        gram[m:, m:] = n * np.eye(c)
        self._gram, self._cross, self._square = (each / (n * c) for each in (gram, cross, square))
        errors = self._square - 2 * self._cross[:m] + np.diag(self._gram)[:m]
        self.scale = c / max(float(errors.min()), 1e-9)

    def bias_of(self, weights: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """In the targets' units; weights that do not sum to 1 move the mean as well."""
        return offsets * self._unit - (weights.sum() - 1) * self._middle

    def evaluate(
        self, weights: np.ndarray, offsets: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """The loss and its gradient: float64 [m], with offsets [m + c] in deviations."""
        m, _, c = self.shape
        point = np.concatenate([weights, np.zeros(c) if offsets is None else offsets])
        slope = self._gram @ point - self._cross
        loss = (point @ (slope - self._cross) + self._square) / 2
        return float(loss), slope[:m] if offsets is None else slope
