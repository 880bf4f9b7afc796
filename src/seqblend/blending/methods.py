"""Blend methods: how to weigh members, and how to apply weights to their probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqblend.blending.greedy import greedy_weights, hill_weights
from seqblend.blending.simplex import logodds_weights, mixture_weights
from seqblend.blending.stacking import stacking_weights
from seqblend.metrics import CLIP, METRICS, average_ranks, score
from seqblend.temperature import softmax

# The simplest first: it wins among equals.
METHODS = (
    "single", "mean", "logodds_mean", "rank_mean", "simplex", "logodds_simplex", "greedy",
    "logodds_greedy", "rank_greedy", "hill", "stacking",
)  # fmt: skip
INTERIM = ("single", "mean", "logodds_simplex")  # quick ones
NEGLIGIBLE = 1e-3  # a weight that does not count as a member


@dataclass(frozen=True)
class Blend:
    """A fitted blend: the method, a weight for each member, and what is done to the mixture.

    weights: float64 [m], in the order of `members`; they sum to 1 and are >= 0 but in hill (may be
        below 0) and stacking (any)
    bias: float64 [c], added to mixed log probabilities; None: 0
    temperature: the mixture's log probabilities are divided by it
    class_weights: float64 [c], by which classes are multiplied at the end; None: 1
    """

    method: str
    weights: np.ndarray
    members: tuple[str, ...]
    bias: np.ndarray | None = None
    temperature: float = 1.0
    class_weights: np.ndarray | None = None

    @property
    def size(self) -> int:
        """How many members have a say."""
        return int((np.abs(self.weights) >= NEGLIGIBLE).sum())

    def apply(self, stack: np.ndarray) -> np.ndarray:
        """float64 [n, c]: the blended probabilities of stack float [m, n, c], rows sum to 1.

        A rank blend ranks the rows given: apply it to a whole fold or test set, not row by row.
        """
        space = space_of(self.method)
        if space == "rank":
            blended = _mean_ranks(self.weights, stack)
        elif space == "logodds":
            mixed = _mix(self.weights, stack, is_log=True)
            blended = softmax(mixed if self.bias is None else mixed + self.bias)
        else:
            blended = _mix(self.weights, stack)
            if self.weights.min() < 0:
                blended = np.maximum(blended, CLIP)
        return adjust(blended / blended.sum(1, keepdims=True), self.temperature, self.class_weights)


def adjust(
    probabilities: np.ndarray, temperature: float = 1.0, class_weights: np.ndarray | None = None
) -> np.ndarray:
    """float64 [n, c]: log probabilities over a temperature, then classes times their weights.

    probabilities: float64 [n, c]; class_weights: float64 [c]
    """
    if temperature != 1.0:
        probabilities = softmax(np.log(np.clip(probabilities, CLIP, 1.0)) / temperature)
    if class_weights is None:
        return probabilities
    weighted = probabilities * class_weights
    return weighted / weighted.sum(1, keepdims=True)


def space_of(method: str) -> str:
    """What a method averages: `probability`, `logodds` or `rank`."""
    first = method.partition("_")[0]
    return (
        "logodds"
        if method == "stacking"
        else first
        if first in ("logodds", "rank")
        else ("probability")
    )


def available_methods(
    metric: str, c: int, m: int = 2, *, is_interim: bool = False
) -> tuple[str, ...]:
    """The methods that make sense for a metric, c classes and m members.

    is_interim: those alone that take next to no time, for a blend that will soon be replaced

    Ranks are for ranking metrics with two classes. Greedy selection on log odds is for metrics
    that need no normalised probabilities: for log loss, logodds_simplex is that optimum.
    """
    if m == 1:
        return ("single",)
    if is_interim:
        return INTERIM
    is_ranked = METRICS[metric].ranks and c == 2
    left_out = set() if is_ranked else {"rank_mean", "rank_greedy"}
    if metric == "log_loss" or (METRICS[metric].ranks and c > 2):
        left_out.add("logodds_greedy")
    return tuple(name for name in METHODS if name not in left_out)


def fit_blend(
    method: str, stack: np.ndarray, labels: np.ndarray, metric: str, members: tuple[str, ...]
) -> Blend:
    """The blend whose weights are chosen on the given rows.

    stack: float32 [m, n, c], labels: int64 [n]; with one member or no rows the weights are equal
    """
    if method not in METHODS:
        raise ValueError(f"no blend method {method!r}; there are {', '.join(METHODS)}")
    m, names, bias = len(stack), tuple(members), None
    if len(labels) == 0 or method.endswith("mean") or (m == 1 and method != "stacking"):
        weights = np.full(m, 1 / m)
    elif method == "single":
        weights = np.eye(m)[best_member(stack, labels, metric)]
    elif method == "simplex":
        weights = mixture_weights(stack, labels)
    elif method == "logodds_simplex":
        weights = logodds_weights(stack, labels)
    elif method == "stacking":
        weights, bias = stacking_weights(stack, labels)
    else:
        search = hill_weights if method == "hill" else greedy_weights
        weights = search(metric, _scores(space_of(method), stack), labels)
    return Blend(method, weights, names, bias)


def best_member(stack: np.ndarray, labels: np.ndarray, metric: str) -> int:
    """The position of the member with the best score; log loss breaks the ties of coarse metrics.

    stack: float32 [m, n, c], labels: int64 [n]; the first one on ties
    """
    sign = 1 if METRICS[metric].higher_is_better else -1
    values = [sign * (score(metric, labels, member) or 0.0) for member in stack]
    tied = [j for j, value in enumerate(values) if value == max(values)]
    return min(tied, key=lambda j: score("log_loss", labels, stack[j]))


def is_coarse(metric: str) -> bool:
    """Whether a metric sees only the predicted classes, so that many blends tie in it."""
    return metric != "log_loss" and not METRICS[metric].ranks


def _scores(space: str, stack: np.ndarray) -> np.ndarray:
    """float32 [m, n, c]: what is averaged in a space."""
    if space == "logodds":
        return np.log(np.clip(stack, CLIP, 1.0))
    if space == "rank":
        ranks = np.stack([average_ranks(member[:, 1]) for member in stack]).astype(np.float32)
        return np.stack([1 - ranks, ranks], 2)
    return stack


def _mix(weights: np.ndarray, stack: np.ndarray, *, is_log: bool = False) -> np.ndarray:
    """float64 [n, c]: the weighted sum of members, or of their log probabilities."""
    mixed = np.zeros(stack.shape[1:])
    for weight, member in zip(weights, stack, strict=True):
        if weight:
            mixed += weight * (np.log(np.clip(member, CLIP, 1.0)) if is_log else member)
    return mixed


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
