"""Cross-fitting of blends: each fold is predicted by what was chosen and fitted on the others."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from seqblend.blending.methods import Blend, fit_blend
from seqblend.core.seeds import rng_for
from seqblend.data.stratify import stratified_group_split
from seqblend.evaluation.metrics import better, is_of_classes, score
from seqblend.evaluation.paired import compare_scores
from seqblend.tasks.adjustments import Adjustment
from seqblend.tasks.task import Task

Fit = Callable[[np.ndarray, np.ndarray], Adjustment]
Name = TypeVar("Name")

FOLDS = 5  # of the blend: a single fold is split into 5, more than 5 are merged into 5
NEAR = 1.0  # standard errors of a paired difference within which a smaller blend is as good
_ROUNDING = 1e-6  # difference of scores that is none
PAYS = 2.0  # standard errors by which an adjustment has to raise the score


@dataclass(frozen=True)
class BlendSpec:
    """What was chosen on some rows: the method, how its mixture is adjusted, and the alternatives.

    cross_fitted: method -> float64 [n, c], every row by a fit on the other folds
    adjustment: as in Blend
    """

    method: str
    cross_fitted: dict[str, np.ndarray]
    adjustment: Adjustment | None = None


@dataclass
class BlendFitter:
    """Fits and chooses blends on subsets of rows.

    stack: float32 [m, n, c]; targets: n rows, as the task has them
    `rows` are ascending positions int64 [r] in the stack, `fold` the fold of each, int64 [r].
    """

    stack: np.ndarray
    targets: np.ndarray
    metric: str
    members: tuple[str, ...]
    task: Task
    _fitted: dict[tuple[str, bytes], Blend] = field(default_factory=dict, repr=False)

    def fit(self, method: str, rows: np.ndarray) -> Blend:
        """The blend fitted on these rows; each subset is fitted once (nested folds ask twice)."""
        key = (method, hashlib.sha256(rows.tobytes()).digest())
        if key not in self._fitted:
            self._fitted[key] = fit_blend(
                method,
                self.stack[:, rows],
                self.targets[rows],
                self.metric,
                self.members,
                self.task,
            )
        return self._fitted[key]

    def fit_spec(self, spec: BlendSpec, rows: np.ndarray) -> Blend:
        """The chosen method fitted on these rows, with the chosen adjustment."""
        return dataclasses.replace(self.fit(spec.method, rows), adjustment=spec.adjustment)

    def predict_per_fold(
        self, blends: dict[int, Blend], rows: np.ndarray, fold: np.ndarray
    ) -> np.ndarray:
        """float64 [r, c]: each fold by its blend."""
        blended = np.empty((len(rows), self.stack.shape[2]))
        for k, blend in blends.items():
            blended[fold == k] = blend.apply(self.stack[:, rows[fold == k]])
        return blended

    def cross_fit(self, method: str, rows: np.ndarray, fold: np.ndarray) -> np.ndarray:
        """float64 [r, c]: each fold by the method's blend fitted on the other folds."""
        blends = {k: self.fit(method, rows[fold != k]) for k in np.unique(fold).tolist()}
        return self.predict_per_fold(blends, rows, fold)

    def select(self, rows: np.ndarray, fold: np.ndarray) -> BlendSpec:
        """The smallest blend within a standard error of the best, and its adjustment.

        Where the metric sees only predicted classes, log loss decides among the best, in the same
        way. It is taken after the best temperature of each, since a temperature changes no
        predicted class. The smallest has the fewest members, then the simplest method.
        """
        targets = self.targets[rows]
        methods = self.task.blend_methods if len(self.stack) > 1 else ("single",)
        blended = {method: self.cross_fit(method, rows, fold) for method in methods}
        near = near_best(self.metric, targets, blended)
        if is_of_classes(self.metric):
            scaled = {name: self._scale(p, targets) for name, p in near.items()}
            near = near_best(self.task.loss_metric, targets, scaled)
        method = min(near, key=lambda name: self.fit(name, rows).size)
        return self._add_adjustment(BlendSpec(method, blended), targets, fold)

    def _scale(self, array: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """float32 [n, c]: with the temperature of least loss on these rows."""
        plain = array.astype(np.float32)
        return self.task.apply_temperature(plain, self.task.fit_temperature(plain, targets)[0])

    def _add_adjustment(self, spec: BlendSpec, targets: np.ndarray, fold: np.ndarray) -> BlendSpec:
        """The spec with the adjustment that scores best out of fold, if one helps."""
        plain = spec.cross_fitted[spec.method]
        fits = self.task.adjustments(self.metric)
        adjusted = [cross_fit_adjustment(fit, plain, targets, fold) for fit in fits]
        scores = {k: score(self.metric, targets, p) for k, p in enumerate(adjusted)}
        best = best_of(self.metric, scores) if scores else None
        if best is None or not pays(self.metric, targets, adjusted[best], plain):
            return spec
        return dataclasses.replace(spec, adjustment=fits[best](plain, targets))

    def fit_per_fold(self, rows: np.ndarray, fold: np.ndarray) -> dict[int, Blend]:
        """{fold: what the other folds choose and fit}, the adjustment included.

        The score of their predictions is that of the whole procedure, the choice of the method
        included (Varma and Simon 2006, Bias in error estimation when using cross-validation for
        model selection).
        """
        blends = {}
        for k in np.unique(fold).tolist():
            others = rows[fold != k]
            spec = BlendSpec("mean", {})  # a single fold has no others to choose on
            if len(others):
                strata = self.task.strata(self.targets[others])
                inner = make_blend_folds(strata, fold[fold != k])
                spec = self.select(others, inner)
            blends[k] = self.fit_spec(spec, others)
        return blends


def cross_fit(
    method: str, stack: np.ndarray, targets: np.ndarray, fold: np.ndarray, metric: str, task: Task
) -> np.ndarray:
    """float64 [n, c]: every fold blended with weights from the other folds; NaN where fold is -1.

    stack: float32 [m, n, c]; targets: n rows; fold: int64 [n]
    With a single fold its rows are split into 5 stratified folds.
    """
    rows = np.flatnonzero(fold >= 0)
    fitter = BlendFitter(stack, targets, metric, tuple(map(str, range(len(stack)))), task)
    blend_fold = make_blend_folds(task.strata(targets[rows]), fold[rows])
    return fill_rows(fitter.cross_fit(method, rows, blend_fold), rows, len(fold))


def fill_rows(values: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """float64 [n, c]: values float [r, c] at their rows, NaN elsewhere."""
    filled = np.full((n, values.shape[1]), np.nan)
    filled[rows] = values
    return filled


def make_blend_folds(strata: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """int64 [n]: the folds, more than 5 merged into 5; a single one split into 5 stratified ones.

    strata: int64 [n], fold: int64 [n]
    """
    numbers, place = np.unique(fold, return_inverse=True)
    if len(numbers) > 1:
        return place % FOLDS
    rng = rng_for(0, "blend parts")  # the name is part of the seed: a new one changes scores
    return stratified_group_split(strata, np.arange(len(strata)), FOLDS, rng)


def cross_fit_adjustment(
    fit: Fit, array: np.ndarray, targets: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    """float64 [n, c]: every fold with the adjustment fitted on the others.

    array: float [n, c], fold: int64 [n]
    """
    adjusted = np.empty(array.shape)
    for k in np.unique(fold):
        rows = fold == k
        adjusted[rows] = fit(array[~rows], targets[~rows]).apply(array[rows].astype(np.float64))
    return adjusted


def near_best(
    metric: str, targets: np.ndarray, blended: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The methods, in order, that are within NEAR paired standard errors of the best.

    The one standard error rule of Breiman et al. (1984), Classification and regression trees. The
    error is of the paired difference: rows that both get wrong cancel.
    """
    scores = {name: score(metric, targets, predictions) for name, predictions in blended.items()}
    best = best_of(metric, scores)
    if scores[best] is None:
        return blended
    near = {}
    for name, predictions in blended.items():
        behind = compare_scores(metric, targets, blended[best], predictions)
        if behind is not None and abs(behind.mean) <= NEAR * behind.error + _ROUNDING:
            near[name] = predictions
    return near


def pays(metric: str, targets: np.ndarray, new: np.ndarray, old: np.ndarray) -> bool:
    """Whether new predictions are better by more than PAYS paired standard errors."""
    gain = compare_scores(metric, targets, new, old)
    return gain is not None and gain.mean > PAYS * gain.error


def best_of(metric: str, scores: dict[Name, float | None]) -> Name:
    """The name with the best score, the first one on ties."""
    best = next(iter(scores))
    for name, value in scores.items():
        best = name if better(metric, value, scores[best]) else best
    return best
