"""Stacking on log odds: convex weights, or free ones that are pulled towards them."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from seqblend.evaluation.metrics import clipped_logs

WEIGHT_SPREAD = 0.1  # prior standard deviation of a weight around its convex value
BIAS_SPREAD = 0.5  # and of a class's offset around 0, in nats
TOLERANCE = 1e-12  # nats that a step of either fit still has to gain
_BLOCK = 200_000  # values per block: 1.6 MB in float64


def simplex_weights(stack: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [m]: weights >= 0, sum 1, of the mean log probability with the least log loss.

    stack: float32 [m, n, c], labels: int64 [n]
    The search starts at equal weights and moves along gradients: equal members keep equal weights.
    """
    return _minimise_on_simplex(LogOddsLoss(stack, labels))


def stacking_weights(stack: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(weights float64 [m], bias float64 [c]) of a multinomial logistic model on log odds.

    stack: float32 [m, n, c], labels: int64 [n]
    A member has one weight for all classes, of either sign. The ridge penalty is a normal prior
    around the best weights on the simplex (Breiman 1996, Stacked regressions, asks for constraints
    against overfitting: here the data have to buy every step away from them).
    """
    m, n, c = stack.shape
    problem, centre = LogOddsLoss(stack, labels), np.zeros(m + c)
    centre[:m] = _minimise_on_simplex(problem)
    precision = np.repeat([WEIGHT_SPREAD**-2, BIAS_SPREAD**-2], [m, c]) / n

    def penalised(x: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = problem.evaluate(x[:m], x[m:])
        away = x - centre
        return loss + float(precision @ away**2) / 2, gradient + precision * away

    options = {"ftol": TOLERANCE, "gtol": 1e-7}
    found = minimize(penalised, centre, jac=True, method="L-BFGS-B", options=options).x
    # The same number added to every offset changes no probability: the mean is made 0.
    return found[:m], found[m:] - found[m:].mean()


def _minimise_on_simplex(problem: LogOddsLoss) -> np.ndarray:
    """float64 [m]: the point of the simplex where the loss is least, by SLSQP.

    0.7 to 1.2 times the time of a projected Newton of our own, at 2 to 40 members, with the same
    loss to 1e-10 nats.
    """
    m = problem.shape[0]
    sums_to_1 = {"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda _: np.ones(m)}
    found = minimize(
        problem.evaluate,
        np.full(m, 1 / m),
        jac=True,
        method="SLSQP",
        bounds=[(0, 1)] * m,
        constraints=sums_to_1,
        options={"ftol": TOLERANCE, "maxiter": 200},
    )
    weights = np.maximum(found.x, 0.0)  # bounds hold within rounding
    return weights / weights.sum()


class LogOddsLoss:
    """Mean log loss of softmax(weights . log p + bias), convex in weights [m] and bias [c].

    stack: float32 [m, n, c], labels: int64 [n]
    """

    def __init__(self, stack: np.ndarray, labels: np.ndarray) -> None:
        m, n, c = stack.shape
        size = max(_BLOCK // (m * c), 64)
        self.shape = m, n, c
        self.blocks = [
            np.ascontiguousarray(clipped_logs(stack[:, start : start + size]).transpose(0, 2, 1))
            for start in range(0, n, size)
        ]  # float64 [m, c, b] each: sums over classes run along rows
        # The loss is mean(log sum exp) - linear . parameters: the labels enter by these means only.
        right = clipped_logs(stack[:, np.arange(n), labels])
        self.linear = np.concatenate([right.mean(1), np.bincount(labels, minlength=c) / n])

    def evaluate(
        self, weights: np.ndarray, bias: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """The loss in nats and its gradient: float64 [m], with a bias [m + c].

        weights: float64 [m], bias: float64 [c]
        """
        m, n, c = self.shape
        offsets = np.zeros(c) if bias is None else bias
        total, slope = 0.0, np.zeros(m + c)
        for block in self.blocks:
            flat = block.reshape(m, -1)  # a view, [m, c * b]
            mixed = (weights @ flat).reshape(c, -1) + offsets[:, None]
            mixed -= (top := mixed.max(0))
            exponentials = np.exp(mixed)
            sums = exponentials.sum(0)
            total += (top + np.log(sums)).sum()
            share = exponentials / sums  # softmax [c, b]
            slope[:m] += flat @ share.ravel()
            slope[m:] += share.sum(1)
        loss = total / n - self.linear @ np.concatenate([weights, offsets])
        gradient = slope / n - self.linear
        return float(loss), gradient[:m] if bias is None else gradient
