"""Blend methods: how to weigh members, and how to apply weights to their probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.metrics import CLIP, METRICS, average_ranks, score
from seqblend.simplex import logodds_weights, mixture_weights

# The simplest first: it wins among equals.
METHODS = ("mean", "logodds_mean", "rank_mean", "simplex", "logodds_simplex", "greedy")
GREEDY_STEPS = 20  # picks beyond one a member; a weight is a multiple of 5 % or finer
GREEDY_PATIENCE = 5  # picks without a gain after which the search ends


@dataclass(frozen=True)
class Blend:
    """A fitted blend: the method, and a weight for each member (>= 0, they sum to 1).

    weights: float64 [m], in the order of `members`
    """

    method: str
    weights: np.ndarray
    members: tuple[str, ...]

    def apply(self, stack: np.ndarray) -> np.ndarray:
        """float64 [n, c]: the blended probabilities of stack float [m, n, c], rows sum to 1.

        rank_mean ranks the rows given: apply it to a whole fold or test set, not row by row.
        """
        if self.method.startswith("logodds"):
            blended = _softmax(np.tensordot(self.weights, _logs(stack), 1))
        elif self.method == "rank_mean":
            blended = _mean_ranks(self.weights, stack)
        else:
            blended = np.tensordot(self.weights, stack.astype(np.float64), 1)
        return blended / blended.sum(1, keepdims=True)


def available_methods(metric: str, c: int) -> tuple[str, ...]:
    """The methods that make sense for a metric and c classes."""
    is_ranked = METRICS[metric].ranks and c == 2
    return tuple(name for name in METHODS if name != "rank_mean" or is_ranked)


def fit_blend(
    method: str, stack: np.ndarray, labels: np.ndarray, metric: str, members: tuple[str, ...]
) -> Blend:
    """The blend whose weights are chosen on the given rows.

    stack: float32 [m, n, c], labels: int64 [n]; with one member or no rows the weights are equal
    """
    if method not in METHODS:
        raise ValueError(f"no blend method {method!r}; there are {', '.join(METHODS)}")
    m = len(stack)
    if m == 1 or len(labels) == 0 or method.endswith("mean"):
        weights = np.full(m, 1 / m)
    elif method == "greedy":
        weights = greedy_weights(stack, labels, metric)
    else:
        fit = mixture_weights if method == "simplex" else logodds_weights
        weights = fit(stack, labels)
    return Blend(method, weights, tuple(members))


def greedy_weights(stack: np.ndarray, labels: np.ndarray, metric: str) -> np.ndarray:
    """float64 [m]: shares of picks with replacement that score best on these rows.

    The search starts from the best prefix of the members sorted by score, adds the member that
    helps most at every step, and keeps the best prefix of its picks. Ties go to the member named
    first. Source: Caruana et al. 2004, Ensemble selection from libraries of models.
    """
    ratings = [rate(metric, labels, member) for member in stack]
    order = sorted(range(len(stack)), key=lambda j: ratings[j], reverse=True)
    best = _best_prefix(stack, labels, metric, order)
    picks = order[:best]
    total = stack[picks].sum(0, dtype=np.float64)
    best_rating = _rate_sum(metric, labels, total, best)
    while len(picks) < best + GREEDY_PATIENCE and len(picks) < len(stack) + GREEDY_STEPS:
        size = len(picks) + 1
        ratings = [_rate_sum(metric, labels, total + member, size) for member in stack]
        chosen = max(range(len(stack)), key=lambda j: ratings[j])
        picks.append(chosen)
        total += stack[chosen]
        if ratings[chosen] > best_rating:
            best, best_rating = size, ratings[chosen]
    return np.bincount(picks[:best], minlength=len(stack)) / best


def _best_prefix(stack: np.ndarray, labels: np.ndarray, metric: str, picks: list[int]) -> int:
    """How many of the picks, from the first on, have the best-rated mean."""
    total = np.zeros(stack.shape[1:])
    ratings = []
    for size, member in enumerate(picks, 1):
        total += stack[member]
        ratings.append(_rate_sum(metric, labels, total, size))
    return 1 + max(range(len(picks)), key=lambda i: ratings[i])


def _rate_sum(metric: str, labels: np.ndarray, total: np.ndarray, size: int) -> tuple[float, float]:
    """The rating of a sum of members. In float32, as they are: sorting is twice as fast for AUC."""
    return rate(metric, labels, (total / size).astype(np.float32))


def is_coarse(metric: str) -> bool:
    """Whether a metric sees only the predicted classes, so that many blends tie in it."""
    return metric != "log_loss" and not METRICS[metric].ranks


def rate(metric: str, labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    """(score, tie-break), larger is better: log loss breaks the ties of coarse metrics.

    An undefined score counts as 0: log loss then decides.
    """
    value = score(metric, labels, probabilities)
    signed = 0.0 if value is None else value if METRICS[metric].higher_is_better else -value
    if value is not None and not is_coarse(metric):
        return signed, 0.0
    return signed, -(score("log_loss", labels, probabilities) or 0.0)


def _logs(stack: np.ndarray) -> np.ndarray:
    return np.log(np.clip(stack, CLIP, 1.0).astype(np.float64))


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def _mean_ranks(weights: np.ndarray, stack: np.ndarray) -> np.ndarray:
    """float64 [n, 2]: rows in the order of their mean rank, on the scale of the mean probability.

    Each row gets the mean probability that stands at its place, so that thresholds and log loss
    keep their meaning; a millionth of the rank keeps the order strict where probabilities tie.
    """
    n = stack.shape[1]
    ranks = np.stack([average_ranks(member[:, 1]) for member in stack])  # [m, n]
    place = average_ranks(np.round(weights @ ranks, 12))
    scale = np.sort(weights @ stack[:, :, 1].astype(np.float64))
    positive = np.interp(place, (np.arange(n) + 0.5) / n, scale)
    positive = (1 - 1e-6) * positive + 1e-6 * place
    return np.stack([1 - positive, positive], 1)
