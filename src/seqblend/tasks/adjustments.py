"""What is done to a blend's mixture at the end: temperature, class weights, cut points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, logit

from seqblend.evaluation.calibration import fit_class_weights
from seqblend.evaluation.class_predictions import CLIP
from seqblend.evaluation.cut_points import apply_cut_points, fit_cut_points
from seqblend.evaluation.temperature import softmax
from seqblend.evaluation.thresholds import best_threshold


def log_odds(p: np.ndarray) -> np.ndarray:
    """float64 of the same shape: log-odds of probabilities, clipped at CLIP."""
    return logit(np.clip(p.astype(np.float64), CLIP, 1 - CLIP))


class Adjustment(ABC):
    """A change of predictions, fitted on some rows. title: its name for people."""

    title: ClassVar[str]

    @abstractmethod
    def apply(self, array: np.ndarray) -> np.ndarray:
        """Float64 [n, c] of predictions float64 [n, c]."""

    @abstractmethod
    def record(self) -> dict[str, Any]:
        """{name: JSON-able value}, for names and manifests."""


def adjustment_from_record(record: dict[str, Any]) -> Adjustment:
    """The adjustment of this record: {the name of its field: value}."""
    ((name, value),) = record.items()
    kinds = {field.name: kind for kind in Adjustment.__subclasses__() for field in fields(kind)}
    return kinds[name](np.array(value) if isinstance(value, list) else value)


@dataclass(frozen=True)
class Temperature(Adjustment):
    """Log probabilities over a temperature."""

    title: ClassVar[str] = "temperature"
    temperature: float

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Rows sum to 1."""
        return softmax(np.log(np.clip(array, CLIP, 1.0)) / self.temperature)

    def record(self) -> dict[str, Any]:
        """The temperature."""
        return {"temperature": self.temperature}


@dataclass(frozen=True)
class ColumnTemperatures(Adjustment):
    """The log-odds of each column over a temperature of its own: float64 [c]."""

    title: ClassVar[str] = "temperatures"
    temperatures: np.ndarray

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Probabilities, column by column."""
        return expit(log_odds(array) / self.temperatures)

    def record(self) -> dict[str, Any]:
        """The temperatures."""
        return {"temperatures": self.temperatures.tolist()}


@dataclass(frozen=True)
class ColumnThresholds(Adjustment):
    """Log-odds less a threshold, float64 [c]: a label is then predicted where P(1) is above 1/2."""

    title: ClassVar[str] = "thresholds"
    thresholds: np.ndarray

    @classmethod
    def fit(cls, array: np.ndarray, targets: np.ndarray) -> ColumnThresholds:
        """Each column's threshold of largest F1. targets: int64 [n, c]."""
        columns = zip(log_odds(array).T, targets.T == 1, strict=True)
        return cls(np.array([best_threshold(odds, is_one) for odds, is_one in columns]))

    @classmethod
    def fit_one(cls, array: np.ndarray, targets: np.ndarray) -> ColumnThresholds:
        """The threshold of largest F1 of all cells together, for every column."""
        one = best_threshold(log_odds(array).ravel(), (targets == 1).ravel())
        return cls(np.full(array.shape[1], one))

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Shifted probabilities; the order of a column's rows stays."""
        return expit(log_odds(array) - self.thresholds)

    def record(self) -> dict[str, Any]:
        """The thresholds."""
        return {"thresholds": self.thresholds.tolist()}


@dataclass(frozen=True)
class ClassWeights(Adjustment):
    """Classes times their weights, float64 [c]; rows sum to 1."""

    title: ClassVar[str] = "class weights"
    class_weights: np.ndarray

    @classmethod
    def fit(cls, metric: str, array: np.ndarray, targets: np.ndarray) -> ClassWeights:
        """Those that maximise a metric of predicted classes. targets: int64 [n]."""
        return cls(fit_class_weights(metric, array, targets))

    @classmethod
    def fit_threshold(cls, array: np.ndarray, targets: np.ndarray) -> ClassWeights:
        """Of two classes those with the largest F1 of the second. targets: int64 [n]."""
        half = best_threshold(log_odds(array)[:, 1], targets == 1) / 2
        return cls(np.exp([half, -half]))

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Rows sum to 1."""
        weighted = array * self.class_weights
        return weighted / weighted.sum(1, keepdims=True)

    def record(self) -> dict[str, Any]:
        """The weights."""
        return {"class_weights": self.class_weights.tolist()}


@dataclass(frozen=True)
class CutPoints(Adjustment):
    """Grades by cut points on the expected grade, float64 [c - 1], ascending."""

    title: ClassVar[str] = "cut points on the expected grade"
    cut_points: np.ndarray

    @classmethod
    def fit(cls, metric: str, array: np.ndarray, targets: np.ndarray) -> CutPoints:
        """Those that maximise a metric of predicted grades. targets: int64 [n]."""
        return cls(fit_cut_points(metric, array, targets))

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Half of each row's probability is moved to its grade, which so is the most probable."""
        return apply_cut_points(array, self.cut_points)

    def record(self) -> dict[str, Any]:
        """The cut points."""
        return {"cut_points": self.cut_points.tolist()}
