"""Cross-fitting: no row is scored by a blend, a method or an adjustment that it helped choose."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field

import numpy as np

from seqblend.blending.calibration import fit_class_weights
from seqblend.blending.methods import Blend, adjust, available_methods, fit_blend, is_coarse
from seqblend.dealing import deal_rows
from seqblend.metrics import METRICS, better, score
from seqblend.resampling import influence, standard_error
from seqblend.seeds import rng_for
from seqblend.temperature import fit_temperature, temper

PARTS = 5  # rows of a single fold are cut into this many parts; more folds are joined to as many
NEAR = 1.0  # standard errors of a paired difference within which a smaller blend is as good
PAYS = 2.0  # standard errors that an adjustment has to bring


@dataclass(frozen=True)
class Choice:
    """What is done with some rows: the method, how its mixture is adjusted, and the alternatives.

    blended: method -> float64 [n, c], cross-fitted on these rows
    temperature, class_weights: as in Blend
    """

    method: str
    blended: dict[str, np.ndarray]
    temperature: float = 1.0
    class_weights: np.ndarray | None = None

    def finish(self, blend: Blend) -> Blend:
        """The blend with the adjustment."""
        return dataclasses.replace(
            blend, temperature=self.temperature, class_weights=self.class_weights
        )


@dataclass
class Fits:
    """Fits blends on subsets of rows, each subset once (nested parts ask twice).

    stack: float32 [m, n, c], labels: int64 [n]; is_interim: see available_methods
    """

    stack: np.ndarray
    labels: np.ndarray
    metric: str
    members: tuple[str, ...]
    is_interim: bool = False
    done: dict[tuple[str, bytes], Blend] = field(default_factory=dict)

    def fit(self, method: str, rows: np.ndarray) -> Blend:
        """The blend fitted on these rows (ascending positions)."""
        key = (method, hashlib.sha256(rows.tobytes()).digest())
        if key not in self.done:
            self.done[key] = fit_blend(
                method, self.stack[:, rows], self.labels[rows], self.metric, self.members
            )
        return self.done[key]

    def cross_fit(self, method: str, rows: np.ndarray, part: np.ndarray) -> np.ndarray:
        """float64 [len(rows), c]: each part of `rows` by a blend fitted on the other parts.

        part: int64 [len(rows)]
        """
        blended = np.empty((len(rows), self.stack.shape[2]))
        for k in np.unique(part):
            blend = self.fit(method, rows[part != k])
            blended[part == k] = blend.apply(self.stack[:, rows[part == k]])
        return blended

    def choose(self, rows: np.ndarray, part: np.ndarray) -> Choice:
        """The smallest blend within a standard error of the best, and its adjustment.

        Where the metric sees only predicted classes, log loss is asked next, in the same way: after
        the best temperature of each, since how sure it is moves no predicted class. The smallest
        has the fewest members, then the simplest method.
        """
        labels = self.labels[rows]
        m, _, c = self.stack.shape
        methods = available_methods(self.metric, c, m, is_interim=self.is_interim)
        blended = {method: self.cross_fit(method, rows, part) for method in methods}
        near = near_best(self.metric, labels, blended)
        if is_coarse(self.metric):
            near = near_best("log_loss", labels, {k: _tempered(p, labels) for k, p in near.items()})
        method = min(near, key=lambda name: self.fit(name, rows).size)
        return self._adjusted(Choice(method, blended), labels, part)

    def _adjusted(self, choice: Choice, labels: np.ndarray, part: np.ndarray) -> Choice:
        """The choice with class weights (or, for log loss, a temperature) that pay out of fold."""
        plain = choice.blended[choice.method]
        if self.metric == "log_loss":
            fitted = cross_fit_temperature(plain, labels, part)[0]
        elif is_coarse(self.metric):
            fitted = cross_fit_class_weights(self.metric, plain, labels, part)
        else:
            return choice
        if not pays(self.metric, labels, fitted, plain):
            return choice
        if self.metric == "log_loss":
            return dataclasses.replace(choice, temperature=fit_temperature(plain, labels)[0])
        weights = fit_class_weights(self.metric, plain, labels)
        return dataclasses.replace(choice, class_weights=weights)

    def finished(self, rows: np.ndarray, part: np.ndarray) -> dict[int, Blend]:
        """{part: what the other parts choose and fit}, the adjustment included."""
        blends = {}
        for k in np.unique(part).tolist():
            others = rows[part != k]
            inner = deal_parts(self.labels[others], part[part != k])
            choice = self.choose(others, inner) if len(others) else Choice("mean", {})
            blends[k] = choice.finish(self.fit(choice.method, others))
        return blends

    def nested(self, rows: np.ndarray, part: np.ndarray) -> np.ndarray:
        """float64 [len(rows), c]: each part by what the other parts choose and fit."""
        return self.apply_parts(self.finished(rows, part), rows, part)

    def apply_parts(
        self, blends: dict[int, Blend], rows: np.ndarray, part: np.ndarray
    ) -> np.ndarray:
        """float64 [len(rows), c]: each part by its own blend."""
        blended = np.empty((len(rows), self.stack.shape[2]))
        for k, blend in blends.items():
            blended[part == k] = blend.apply(self.stack[:, rows[part == k]])
        return blended


def _tempered(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float32 [n, c]: with the temperature of least loss on these rows."""
    plain = probabilities.astype(np.float32)
    return temper(plain, fit_temperature(plain, labels)[0])


def deal_parts(labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """int64 [n]: the folds, more than 5 joined to 5; a single one is cut into 5 stratified parts.

    labels: int64 [n], fold: int64 [n]
    """
    numbers, place = np.unique(fold, return_inverse=True)
    if len(numbers) > 1:
        return place % PARTS
    return deal_rows(labels, np.arange(len(labels)), PARTS, rng_for(0, "blend parts"))


def cross_fit_temperature(
    probabilities: np.ndarray, labels: np.ndarray, part: np.ndarray
) -> tuple[np.ndarray, list[float]]:
    """(float64 [n, c], temperatures): every part with the temperature that the others ask for.

    probabilities: float [n, c], labels and part: int64 [n]
    """
    scaled, found = np.empty(probabilities.shape), []
    for k in np.unique(part):
        own = part == k
        found.append(fit_temperature(probabilities[~own], labels[~own])[0])
        scaled[own] = adjust(probabilities[own].astype(np.float64), found[-1])
    return scaled, found


def cross_fit_class_weights(
    metric: str, probabilities: np.ndarray, labels: np.ndarray, part: np.ndarray
) -> np.ndarray:
    """float64 [n, c]: every part with the class weights that the others ask for.

    probabilities: float [n, c], labels and part: int64 [n]
    """
    weighted = np.empty(probabilities.shape)
    for k in np.unique(part):
        own = part == k
        weights = fit_class_weights(metric, probabilities[~own], labels[~own])
        weighted[own] = adjust(probabilities[own].astype(np.float64), class_weights=weights)
    return weighted


def near_best(
    metric: str, labels: np.ndarray, blended: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The methods, in order, that are within NEAR paired standard errors of the best."""
    scores = {name: score(metric, labels, predictions) for name, predictions in blended.items()}
    best = best_of(metric, scores)
    if scores[best] is None:
        return blended
    leader = influence(metric, labels, blended[best])
    near = {}
    for name, predictions in blended.items():
        if scores[name] is not None:
            apart = abs(scores[name] - scores[best])
            error = standard_error(influence(metric, labels, predictions) - leader)
            if apart <= NEAR * error:
                near[name] = predictions
    return near


def pays(metric: str, labels: np.ndarray, new: np.ndarray, old: np.ndarray) -> bool:
    """Whether new predictions beat old ones by more than PAYS paired standard errors."""
    scores = [score(metric, labels, each) for each in (new, old)]
    if None in scores:
        return False
    parts = [influence(metric, labels, each) for each in (new, old)]
    sign = 1 if METRICS[metric].higher_is_better else -1
    return sign * (scores[0] - scores[1]) > PAYS * standard_error(parts[0] - parts[1])


def best_of(metric: str, scores: dict[str, float | None]) -> str:
    """The name with the best score, the first one on ties."""
    best = next(iter(scores))
    for name, value in scores.items():
        best = name if better(metric, value, scores[best]) else best
    return best
