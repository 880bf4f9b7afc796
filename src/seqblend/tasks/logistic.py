"""Logistic regression on sparse rows or a kernel: multinomial by L-BFGS, and binary."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression


@dataclass(frozen=True)
class LogisticConfig:
    """The penalty and when the fit ends.

    strength: inverse of the L2 penalty, scikit-learn's C
    tolerance: the gradient's norm at the end, as a share of the one at the start
    memory: steps that L-BFGS remembers
    """

    strength: float
    tolerance: float = 1e-3
    most_steps: int = 200
    memory: int = 10


Multiply = Callable[[np.ndarray], np.ndarray]  # a float64 [n, p] -> x @ x.T @ a, float [n, p]


@dataclass(frozen=True)
class _Problem:
    """Rows, targets and penalty; p is 1 for two classes (the second's log-odds), else c.

    Weights are always `x.T @ a` with a of [n, p] (the representer theorem), and so are gradients
    and steps. A point is the pair (a, its logits), float64 [2, n, p]: an inner product
    of two weight matrices of v x p is one of n x p numbers, and the logits along a line are a line.
    So x is needed for its rows' products alone, which may be those of any kernel.
    """

    multiply: Multiply
    target: np.ndarray
    strength: float

    def with_logits(self, a: np.ndarray) -> np.ndarray:
        """The pair of a: float64 [n, p]; the bias is the weight of a feature that is always 1."""
        return np.stack([a, self.multiply(a) + a.sum(axis=0)])

    def residual(self, logits: np.ndarray) -> np.ndarray:
        """The loss's gradient by the logits: float64 [n, p]."""
        return class_probabilities(logits) - self.target

    def gradient(self, point: np.ndarray) -> np.ndarray:
        """The pair of the gradient by the weights."""
        return self.with_logits(self.residual(point[1])) + point / self.strength


def fit_logistic(
    x: sparse.csr_matrix | np.ndarray, labels: np.ndarray, classes: int, config: LogisticConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Weights [p, v] of x's type and bias float64 [p]; p is 1 for two classes, else c.

    x: float [n, v], sparse or dense, labels: int64 [n]
    Minimises the sum of the rows' cross-entropies + sum(weights**2) / (2 strength), the bias
    penalised as the weight of a constant feature.
    """
    # Transposed by rows, both products walk through v in order and have [n, p] to jump about in,
    # which fits in a cache: 5 times as fast as with x (2 x 10^6 entries).
    columns = x.T.tocsr() if sparse.issparse(x) else x.T

    def weights(a: np.ndarray) -> np.ndarray:
        return columns @ a.astype(columns.dtype)

    a = fit_kernel_logistic(lambda a: columns.T @ weights(a), labels, classes, config)
    return np.ascontiguousarray(weights(a).T), a.sum(axis=0)


def fit_kernel_logistic(
    multiply: Multiply, labels: np.ndarray, classes: int, config: LogisticConfig
) -> np.ndarray:
    """Coefficients a, float64 [n, p], of the rows' kernel: logits are `kernel @ a + a.sum(0)`.

    multiply: the kernel's product with float64 [n, p]; labels: int64 [n]
    Minimises what fit_logistic does, of weights in the kernel's features. Nocedal & Wright,
    algorithm 7.4; the line search is free, since the logits of a step are known before its length.
    """
    target = np.eye(classes)[labels] if classes > 2 else (labels == 1)[:, None].astype(float)
    problem = _Problem(multiply, target, config.strength)
    point = np.zeros((2, *target.shape))
    gradient = problem.gradient(point)
    goal = config.tolerance**2 * _dot(gradient, gradient)
    steps: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=config.memory)
    for _ in range(config.most_steps):
        if _dot(gradient, gradient) <= goal:
            break
        step = -_apply_inverse_hessian(gradient, steps)
        step *= _step_length(problem, point, step)
        point = point + step
        before, gradient = gradient, problem.gradient(point)
        steps.append((step, gradient - before))
    return point[0]


def fit_binary(
    x: sparse.csr_matrix, is_positive: np.ndarray, strength: float, seed: int
) -> tuple[np.ndarray, float]:
    """(weights float64 [v], bias) of a binary logistic regression, by dual coordinate descent.

    x: float32 [n, v]; is_positive: bool [n]; where these rows show one side alone, or there are no
    features, the weights are 0 and the bias is the log-odds of the rows
    """
    n_positive = int(is_positive.sum())
    if n_positive in (0, len(is_positive)) or x.shape[1] == 0:
        odds = (n_positive + 0.5) / (len(is_positive) - n_positive + 0.5)
        return np.zeros(x.shape[1]), float(np.log(odds))
    model = LogisticRegression(
        C=strength, solver="liblinear", dual=True, random_state=seed, max_iter=200, tol=1e-3
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 200 passes are close enough
        model.fit(x, is_positive)
    return model.coef_[0], float(model.intercept_[0])


def predict_logistic(x: sparse.csr_matrix, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Probabilities float64 [n, c] of x: [n, v] under weights [p, v] and bias [p]."""
    p = class_probabilities(np.asarray(x @ weights.T, dtype=np.float64) + bias)
    return np.hstack([1 - p, p]) if p.shape[1] == 1 else p


def class_probabilities(logits: np.ndarray) -> np.ndarray:
    """float64 [n, p]: of every class, or of the second of two, from logits float64 [n, p]."""
    if logits.shape[1] == 1:
        return 1 / (1 + np.exp(-logits.clip(-500, 500)))
    return softmax(logits, axis=1)


def _dot(one: np.ndarray, other: np.ndarray) -> float:
    """The inner product of two pairs' weight matrices: (x.T a) . (x.T b) = a . (logits of b)."""
    return float(np.vdot(one[0], other[1]))


def _apply_inverse_hessian(
    gradient: np.ndarray, steps: deque[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """The two-loop recursion over (step, change of the gradient), newest last."""
    result, shares = gradient.copy(), []
    for step, change in reversed(steps):
        shares.append(_dot(result, step) / _dot(change, step))
        result -= shares[-1] * change
    if steps:
        step, change = steps[-1]
        result *= _dot(step, change) / _dot(change, change)
    for (step, change), share in zip(steps, reversed(shares), strict=True):
        result += (share - _dot(result, change) / _dot(change, step)) * step
    return result


def _step_length(problem: _Problem, point: np.ndarray, step: np.ndarray) -> float:
    """Where the slope along the step is a tenth of the first one: Newton within a bracket."""
    low, high, length = 0.0, np.inf, 0.0
    bend_of_penalty = _dot(step, step) / problem.strength
    slope_of_penalty = _dot(point, step) / problem.strength
    first = None
    for _ in range(20):
        p = class_probabilities(point[1] + length * step[1])
        slope = np.vdot(p - problem.target, step[1]) + slope_of_penalty + length * bend_of_penalty
        first = slope if first is None else first
        if first >= 0 or abs(slope) < 0.1 * abs(first):
            break
        low, high = (length, high) if slope < 0 else (low, length)
        ahead = length - slope / (_bend(p, step[1]) + bend_of_penalty)
        length = ahead if low < ahead < high else (low + high) / 2
    return length


def _bend(p: np.ndarray, change: np.ndarray) -> float:
    """The cross-entropies' second derivative as the logits move along `change`: [n, p]."""
    mean = (p * change).sum(axis=1)
    return float((p * change**2).sum() - (mean**2).sum())
