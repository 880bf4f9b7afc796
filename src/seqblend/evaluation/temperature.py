"""Temperature scaling of probabilities."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from seqblend.evaluation.class_predictions import clipped_logs

COLDEST, HOTTEST = 0.1, 10.0
ENOUGH = 20_000  # rows that are enough to fit one parameter
PRIOR = 0.3  # prior std of log(temperature): regularises the fit on few rows
_TOLERANCE = 1e-6  # relative, of a temperature


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """(temperature, log loss in nats with it); above 1 where the probabilities are overconfident.

    probabilities: float [n, c], labels: int64 [n]
    The least of the mean loss plus log(temperature)^2 / (2 n PRIOR^2), by Newton's method on the
    inverse temperature, on ENOUGH rows at most. Source: Guo et al. 2017, On calibration of modern
    neural networks.
    """
    sparse = slice(None, None, max(len(labels) // ENOUGH, 1))
    inverse = _fit_inverse(_relative_logs(probabilities[sparse], labels[sparse]))
    logs = inverse * _relative_logs(probabilities, labels)
    top = logs.max(1)
    loss = top + np.log(np.exp(logs - top[:, None]).sum(1))
    return 1 / inverse, float(loss.mean())


def fit_column_temperature(p: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """(temperature of the log-odds, log loss in nats with it), as of the classes [1 - p, p].

    p: float [n], P(1); labels: int64 [n] of 0 and 1
    """
    p = p.astype(np.float64)
    return fit_temperature(np.stack([1 - p, p], axis=1), labels)


def _relative_logs(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float64 [n, c]: log probabilities, the right class's being 0: the loss is their logsumexp."""
    logs = clipped_logs(probabilities)
    return logs - logs[np.arange(len(labels)), labels][:, None]


def _fit_inverse(logs: np.ndarray) -> float:
    """The inverse temperature of least penalised loss."""
    inverse, pull = 1.0, 1 / (len(logs) * PRIOR**2)
    for _ in range(50):
        share = softmax(inverse * logs)
        mean = (share * logs).sum(1)
        slope = mean.mean() + pull * np.log(inverse) / inverse
        curve = ((share * logs**2).sum(1) - mean**2).mean()
        curve += pull * max(1 - np.log(inverse), 0.1) / inverse**2
        moved = np.clip(inverse - slope / max(curve, 1e-12), inverse / 2, inverse * 2)
        moved = float(np.clip(moved, 1 / HOTTEST, 1 / COLDEST))
        is_close = abs(moved - inverse) < _TOLERANCE * inverse
        inverse = moved
        if is_close:
            break
    return inverse


def expect_temperature(fits: np.ndarray, loss: float) -> float:
    """The temperature of the mean of fits on whose labels single fits have this expected log loss.

    fits: float [k, ..., c] probabilities; loss: in nats, a mean over fits and rows
    Labels are drawn from the mean with that temperature: the colder, the less a fit is expected to
    lose. COLDEST or HOTTEST where the loss is out of reach.
    """
    c = fits.shape[-1]
    logs = clipped_logs(fits.mean(axis=0, dtype=np.float64)).reshape(-1, c)
    of_fits = np.mean([clipped_logs(fit) for fit in fits], axis=0).reshape(-1, c)

    def excess(log_inverse: float) -> float:
        shares = softmax(np.exp(log_inverse) * logs)
        return -float((shares * of_fits).sum(axis=1).mean()) - loss

    hot, cold = -np.log(HOTTEST), -np.log(COLDEST)
    if excess(hot) <= 0:
        return HOTTEST
    if excess(cold) >= 0:
        return COLDEST
    return float(np.exp(-brentq(excess, hot, cold, xtol=1e-4)))


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """float32 [n, c]: probabilities float32 [n, c] as their logits divided by a temperature give.

    With temperature 1 they stay as they are, to the bit.
    """
    if temperature == 1.0:
        return probabilities
    logs = clipped_logs(probabilities)
    return softmax(logs / temperature).astype(np.float32)


def softmax(logits: np.ndarray) -> np.ndarray:
    """float64 [n, c]: rows sum to 1."""
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)
