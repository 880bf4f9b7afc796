"""Stacking on log odds: free weights and class offsets, pulled hard towards a convex blend."""

from __future__ import annotations

import numpy as np

from seqblend.blending.logodds import LogOddsLoss
from seqblend.blending.simplex import logodds_weights

WEIGHT_SPREAD = 0.1  # prior standard deviation of a weight around its convex value
BIAS_SPREAD = 0.5  # and of a class's offset around 0, in nats
MOST_STEPS = 50
TOLERANCE = 1e-9  # nats of the penalised mean loss still to gain


def stacking_weights(stack: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(weights float64 [m], bias float64 [c]) of a multinomial logistic model on log odds.

    stack: float32 [m, n, c], labels: int64 [n]
    A member has one weight for all classes, of either sign. The ridge penalty is a normal prior
    around the best weights on the simplex (Breiman 1996 asks for constraints against overfitting:
    here the data have to buy every step away from them).
    """
    m, n, c = stack.shape
    problem, centre = LogOddsLoss(stack, labels), np.zeros(m + c)
    centre[:m] = logodds_weights(stack, labels)
    precision = np.repeat([WEIGHT_SPREAD**-2, BIAS_SPREAD**-2], [m, c]) / n
    found = minimise_ridge(problem, centre, precision)
    return found[:m], found[m:] - found[m:].mean()


def minimise_ridge(problem: LogOddsLoss, centre: np.ndarray, precision: np.ndarray) -> np.ndarray:
    """float64 [m + c]: weights and biases of least loss + precision (x - centre)^2 / 2, by Newton.

    centre, precision: float64 [m + c]; the search starts at the centre
    """
    m = problem.shape[0]

    def penalised(x: np.ndarray) -> float:
        return problem.loss(x[:m], x[m:]) + float(precision @ (x - centre) ** 2) / 2

    point, value = centre, penalised(centre)
    for _ in range(MOST_STEPS):
        slope, curve = problem.derivatives(point[:m], point[m:])
        slope = slope + precision * (point - centre)
        step = np.linalg.solve(curve + np.diag(precision), -slope)
        if -slope @ step < 2 * TOLERANCE:
            break
        for halving in range(30):
            candidate = point + step * 0.5**halving
            if (trial := penalised(candidate)) < value:
                break
        else:
            break  # no descent left within rounding
        point, value = candidate, trial
    return point
