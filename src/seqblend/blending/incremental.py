"""The score of a growing sum of members: what one more would give, without scoring all again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from seqblend.blending.bounds import Rating, best_bounded, bound_area
from seqblend.metrics import CLIP, COUNTED, METRICS, class_auc, confusion_matrix

Step = tuple[int, float]  # a member, and how often it is added to the sum
_SLACK = 1e-6  # rounding of sums


class GrowingSum(Protocol):
    """A weighted sum of members whose score can be looked up one step ahead.

    `scores` are the members' values float32 [m, n, c]; only what a metric sees is kept of a sum.
    """

    m: int

    def clear(self) -> None:
        """Empty the sum."""

    def add(self, step: Step) -> None:
        """Put a member in."""

    def rate(self) -> Rating:
        """What the sum scores as it is."""

    def best(self, steps: Sequence[Step]) -> tuple[int, Rating]:
        """The position of the step that would score best, the first one on ties, and its rating."""


def open_sum(metric: str, scores: np.ndarray, labels: np.ndarray) -> GrowingSum:
    """An empty sum of members, rated by a metric.

    scores: float32 [m, n, c], probabilities or anything else that may be averaged
    labels: int64 [n]
    """
    if metric == "log_loss":
        return LossSum(scores, labels)
    return AreaSum(scores, labels) if METRICS[metric].ranks else CountSum(metric, scores, labels)


class LossSum:
    """Log loss: a sum is known by its probability of the right class, and of the rest if needed.

    A member with a negative weight may leave negative probabilities. What is then scored is the
    mixture clipped at CLIP with rows that sum to 1, as Blend.apply makes it.
    """

    def __init__(self, scores: np.ndarray, labels: np.ndarray) -> None:
        self.m, self.n, self.c = scores.shape
        self.scores, self.labels = scores, labels
        self.right = scores[:, np.arange(self.n), labels]  # [m, n]
        self.clear()

    def clear(self) -> None:
        """Empty the sum."""
        self.sum, self.size = np.zeros(self.n), 0.0
        self.steps: list[Step] = []
        self.has_negative = False

    def add(self, step: Step) -> None:
        """Put a member in."""
        member, times = step
        self.sum += times * self.right[member].astype(np.float64)
        self.size += times
        self.has_negative |= times < 0
        self.steps.append(step)

    def rate(self) -> Rating:
        """Minus the log loss."""
        return self._exact(0, 0.0) if self.has_negative else self._quick(0, 0.0), 0.0

    def best(self, steps: Sequence[Step]) -> tuple[int, Rating]:
        """The best step. Leaving the other classes out never makes a loss larger: a bound."""
        bounds = [self._quick(*step) for step in steps]
        if not self.has_negative and all(times >= 0 for _, times in steps):
            chosen = max(range(len(steps)), key=lambda i: bounds[i])
            return chosen, (bounds[chosen], 0.0)
        return best_bounded(bounds, lambda i: self._exact(*steps[i]))

    def _quick(self, member: int, times: float) -> float:
        """Minus the log loss where no other class is below 0, else more than that."""
        size = self.size + times
        mixed = self.sum + np.float64(times) * self.right[member] if times else self.sum
        mixed = np.clip(mixed.astype(np.float32), CLIP * size, size)
        return float(np.log(mixed).mean(dtype=np.float64) - np.log(size))

    def _exact(self, member: int, times: float) -> float:
        mixed = np.zeros((self.n, self.c))
        for each, count in (*self.steps, (member, times)):
            mixed += count * self.scores[each].astype(np.float64)
        mixed = np.maximum(mixed, CLIP * (self.size + times))
        right = mixed[np.arange(self.n), self.labels]
        return float(np.log(np.maximum(right / mixed.sum(1), CLIP)).mean())


class CountSum:
    """Metrics of predicted classes: only rows that a step can still turn over are looked at.

    A row keeps its class where that leads by more than any member can take away: where all members
    agree, from the start. Ties are
    broken by log loss, of the softmax where members are log probabilities.
    """

    def __init__(self, metric: str, scores: np.ndarray, labels: np.ndarray) -> None:
        self.m, self.n, self.c = scores.shape
        self.labels, self.measure = labels, COUNTED[metric]
        self.scores = np.ascontiguousarray(scores.transpose(0, 2, 1))  # [m, c, n]
        self.above, self.below = np.zeros((2, self.c, self.n), np.float32)
        for each in self.scores:  # by how much a class may fall behind, added or taken away
            np.maximum(self.above, each.max(0) - each, out=self.above)
            np.maximum(self.below, each - each.min(0), out=self.below)
        self.is_log = bool(scores.min() < 0)
        self.clear()

    def clear(self) -> None:
        """Empty the sum."""
        self.sum, self.size = np.zeros((self.c, self.n)), 0.0

    def add(self, step: Step) -> None:
        """Put a member in."""
        self.sum += step[1] * self.scores[step[0]].astype(np.float64)
        self.size += step[1]
        self._look()

    def _look(self) -> None:
        self.predicted = _top_of(self.sum)
        places = self.predicted, np.arange(self.n)
        others = self.sum.copy()
        others[places] = -np.inf
        self.lead = self.sum[places] - others.max(0)
        self.risk = self.above[places], self.below[places]
        self.counts = confusion_matrix(self.labels, self.predicted, self.c)

    def rate(self) -> Rating:
        """(metric, minus the log loss)."""
        return self._value(self.counts), self._tie_break(self.sum, self.size)

    def best(self, steps: Sequence[Step]) -> tuple[int, Rating]:
        """The best step; log loss is asked only of those that tie."""
        most = max(max(times, 0) for _, times in steps), max(max(-times, 0) for _, times in steps)
        risk = np.maximum(most[0] * self.risk[0], most[1] * self.risk[1])
        rows = np.flatnonzero(self.lead <= risk + _SLACK)
        labels, total = self.labels[rows], self.sum[:, rows]
        kept = self.counts - confusion_matrix(labels, self.predicted[rows], self.c)
        inside = {member: self.scores[member].take(rows, axis=1) for member, _ in steps}
        values = []
        for member, times in steps:
            predicted = _top_of(total + np.float64(times) * inside[member])
            values.append(self._value(kept + confusion_matrix(labels, predicted, self.c)))
        tied = [i for i, value in enumerate(values) if value == max(values)]
        losses = [self._tie_break_of(steps[i]) for i in tied]
        place = max(range(len(tied)), key=lambda i: losses[i])
        return tied[place], (values[tied[place]], losses[place])

    def _value(self, counts: np.ndarray) -> float:
        """The metric, 0 where it is undefined: log loss then decides."""
        value = self.measure(counts)
        return 0.0 if value is None else value

    def _tie_break_of(self, step: Step) -> float:
        total = self.sum + np.float64(step[1]) * self.scores[step[0]]
        return self._tie_break(total, self.size + step[1])

    def _tie_break(self, total: np.ndarray, size: float) -> float:
        right = total[self.labels, np.arange(self.n)] / size
        if self.is_log:
            logs = total / size
            top = logs.max(0)
            return float((right - top - np.log(np.exp(logs - top).sum(0))).mean())
        return float(np.log(np.clip(right, CLIP, 1.0)).mean())


def _top_of(total: np.ndarray) -> np.ndarray:
    """int64 [n]: the best class of sums float64 [c, n], the first one on ties."""
    if len(total) == 2:
        return (total[1] > total[0]).astype(np.int64)
    best, top = total[0], np.zeros(total.shape[1], np.int32)
    for k, values in enumerate(total[1:], 1):  # no branch on a row: 10 times faster than argmax
        top = np.maximum(top, (values > best) * np.int32(k))
        best = np.maximum(best, values)
    return top.astype(np.int64)


class AreaSum:
    """Area under the curve: bounded by a histogram, then counted exactly where that may win.

    Two classes: that of class 1; more: the mean over classes, each against the rest.
    """

    def __init__(self, scores: np.ndarray, labels: np.ndarray) -> None:
        self.m, self.n, c = scores.shape
        classes = [1] if c == 2 else range(c)
        sides = [(labels == k, np.ascontiguousarray(scores[:, :, k])) for k in classes]
        self.sides = [(is_class, own) for is_class, own in sides if 0 < is_class.sum() < self.n]
        self.clear()

    def clear(self) -> None:
        """Empty the sum."""
        self.sums = [np.zeros(self.n) for _ in self.sides]

    def add(self, step: Step) -> None:
        """Put a member in."""
        for total, (_, own) in zip(self.sums, self.sides, strict=True):
            total += step[1] * own[step[0]].astype(np.float64)

    def rate(self) -> Rating:
        """The area, 0 where it is undefined."""
        return self._exact(0, 0.0), 0.0

    def best(self, steps: Sequence[Step]) -> tuple[int, Rating]:
        """The best step: those whose bound cannot win are not sorted."""
        bounds = [self._mean(step, bound_area) for step in steps]
        return best_bounded(bounds, lambda i: self._exact(*steps[i]))

    def _exact(self, member: int, times: float) -> float:
        return self._mean((member, times), lambda is_class, mixed: class_auc(is_class, mixed) or 0)

    def _mean(self, step: Step, measure: Callable[[np.ndarray, np.ndarray], float]) -> float:
        """The mean of a measure over classes, with a step added; in float32: faster to sort."""
        values = [
            measure(is_class, (total + np.float64(step[1]) * own[step[0]]).astype(np.float32))
            for total, (is_class, own) in zip(self.sums, self.sides, strict=True)
        ]
        return sum(values) / len(values) if values else 0.0
