"""Linear member on random convolutions of real-valued steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.data.sequences import SequenceSet, View
from seqblend.models.random_convolutions import RandomConvolutions, summarise_steps
from seqblend.models.registry import register
from seqblend.tasks.task import Task

_fitted: WeakKeyDictionary[SequenceSet, dict] = WeakKeyDictionary()  # for options that are tried
_LEAST_DEVIATION = 1e-6  # of a feature that is not taken for a constant
_ROWS = 256  # predicted at once, always so many: a product's last digits depend on its shape


@dataclass(frozen=True)
class RocketOptions:
    """What the features and the regression are made of; paths: values tried on inner splits."""

    paths: ClassVar[dict[str, tuple[Any, ...]]] = {
        "strength": (30.0, 300.0, 3000.0),
        "summaries": (0.5, 1.0, 2.0),
    }
    features: int = knob(10_000, Choice((5_000, 10_000, 20_000)), "convolved features", least=168)
    summaries: float = knob(1.0, Span(0.1, 10.0, log=True), "length of the summaries", least=0)
    strength: float = knob(300.0, Span(1.0, 1e5, log=True), "inverse L2 penalty (C)", above=0)
    tolerance: float = share(1e-3, help="the gradient's norm at the end, as a share of the first")
    most_values: int = knob(150_000_000, help="of all rows; with more, fewer features (1.2 GB)")


def why_no_steps(view: View) -> str:
    """Why there are no real-valued steps to convolve; empty where there are."""
    return "" if view.sequences.steps is not None else "reads real-valued steps, and there are none"


@register("rocket", RocketOptions, kind="linear", why_not=why_no_steps, reads_steps=True, cost=3.0)
class RocketRegression:
    """The task's regression, such as logistic, on features of random_convolutions.py.

    The features are standardised, and those of convolutions together have length 1 in the mean of
    the training rows, so that one strength suits any number of them; the summaries have a length of
    their own.
    """

    def __init__(
        self,
        convolutions: RandomConvolutions,
        centre: np.ndarray,
        scale: np.ndarray,
        weights: np.ndarray,
        bias: np.ndarray,
        task: Task,
    ) -> None:
        """centre, scale: float32 [v]; weights: float32 [p, v]; bias: float64 [p]."""
        self.convolutions, self.centre, self.scale = convolutions, centre, scale
        self.weights, self.bias, self.task = weights, bias, task

    @classmethod
    def fit(
        cls,
        train: SequenceSet,
        targets: np.ndarray,
        *,
        task: Task,
        view: View,
        options: RocketOptions,
        seed: int,
    ) -> RocketRegression:
        """Fit biases and weights on the given rows. targets: as the task has them."""
        count = min(options.features, max(options.most_values // len(targets), 1))
        convolutions, x = _fit_features(train.steps, count, seed)
        centre, deviation = _moments(x)
        counts = convolutions.biases.size, x.shape[1] - convolutions.biases.size
        lengths = np.repeat([1.0, options.summaries] / np.sqrt(counts), counts)
        is_varied = deviation > _LEAST_DEVIATION * (1 + np.abs(centre))
        scale = np.where(is_varied, lengths / np.where(is_varied, deviation, 1), 0)
        centre, scale = centre.astype(np.float32), scale.astype(np.float32)
        x = (x - centre) * scale
        weights, bias = task.fit_linear(x, targets, options.strength, options.tolerance)
        return cls(convolutions, centre, scale, weights, bias, task)

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], as the task's arrays are."""
        block = np.zeros((_ROWS, len(self.centre)), dtype=np.float32)
        scores = np.empty((len(sequences), len(self.weights)))
        for start in range(0, len(sequences), _ROWS):
            part = sequences.steps.take(slice(start, start + _ROWS))
            block[: len(part)] = _features(self.convolutions, part)
            block -= self.centre
            block *= self.scale
            scores[start : start + len(part)] = (block @ self.weights.T)[: len(part)]
        return self.task.clip(self.task.answer_linear(scores + self.bias))

    @property
    def parameters(self) -> int:
        """Fitted coefficients."""
        return self.weights.size + self.bias.size

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that predict needs."""
        names = ("centre", "scale", "weights", "bias")
        return self.convolutions.arrays() | {name: getattr(self, name) for name in names}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], view: View, task: Task) -> RocketRegression:
        """The member that gave these arrays."""
        own = (arrays[name] for name in ("centre", "scale", "weights", "bias"))
        return cls(RandomConvolutions.from_arrays(arrays), *own, task)


def _fit_features(
    steps: SequenceSet, count: int, seed: int
) -> tuple[RandomConvolutions, np.ndarray]:
    """Convolutions, and the rows' features; the same ones again as long as the rows are in use."""
    if (count, seed) not in (found := _fitted.setdefault(steps, {})):
        convolutions = RandomConvolutions.fit(steps, count, seed)
        found[count, seed] = convolutions, _features(convolutions, steps)
    return found[count, seed]


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(means, standard deviations) float64 [v] of x float32 [n, v].

    By blocks, for a sum of many float32 numbers is not exact: a constant would not seem to be one.
    """
    blocks = range(0, len(x), _ROWS)
    mean = sum(x[i : i + _ROWS].sum(axis=0, dtype=np.float64) for i in blocks) / len(x)
    squares = sum(((x[i : i + _ROWS] - mean) ** 2).sum(axis=0) for i in blocks)
    return mean, np.sqrt(squares / len(x))


def _features(convolutions: RandomConvolutions, steps: SequenceSet) -> np.ndarray:
    """float32 [n, v]: of convolutions, then summaries."""
    return np.hstack([convolutions.transform(steps), summarise_steps(steps)])
