"""Blending with an honest score: weights and method are chosen on other rows than those scored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqblend.blend_methods import Blend, available_methods, fit_blend, is_coarse
from seqblend.dealing import deal_rows
from seqblend.errors import InputError
from seqblend.metrics import METRICS, better, score
from seqblend.probabilities import check_probabilities
from seqblend.seeds import rng_for

PARTS = 5  # rows of a single fold are cut into this many parts to cross-fit on
BLOCKS = 20  # row blocks from which a paired standard error is read
NEAR = 0.25  # standard errors within which a simpler method is as good


@dataclass(frozen=True)
class BlendResult:
    """The chosen blend, what it scores, and what choosing it scores on unseen rows.

    blend: fitted on all scored rows; method: its method
    in_sample: its score on the rows it was fitted on
    cross_fitted: the score of `oof`, in which every fold's method and weights come from the others
    oof: float32 [n, c], NaN for rows without a fold
    table: for each method {method, cross_fitted, in_sample, gap}; gap > 0: in-sample flatters
    best_single: the member with the best score, and that score
    """

    blend: Blend
    method: str
    in_sample: float | None
    cross_fitted: float | None
    oof: np.ndarray
    table: list[dict[str, Any]]
    best_single: str
    best_single_score: float | None


@dataclass
class _Fits:
    """Fits blends on subsets of rows, each subset once (nested folds ask twice)."""

    stack: np.ndarray
    labels: np.ndarray
    metric: str
    members: tuple[str, ...]
    done: dict[tuple[str, bytes], Blend] = field(default_factory=dict)

    def fit(self, method: str, rows: np.ndarray) -> Blend:
        """The blend fitted on these rows (ascending positions)."""
        key = (method, hashlib.sha256(rows.tobytes()).digest())
        if key not in self.done:
            self.done[key] = fit_blend(
                method, self.stack[:, rows], self.labels[rows], self.metric, self.members
            )
        return self.done[key]

    def cross_fit(self, method: str, rows: np.ndarray, fold: np.ndarray) -> np.ndarray:
        """float64 [len(rows), c]: each part of `rows` by a blend fitted on the other parts."""
        part = _parts(self.labels[rows], fold[rows])
        blended = np.empty((len(rows), self.stack.shape[2]))
        for k in np.unique(part):
            blend = self.fit(method, rows[part != k])
            blended[part == k] = blend.apply(self.stack[:, rows[part == k]])
        return blended

    def choose(self, rows: np.ndarray, fold: np.ndarray) -> tuple[str, dict[str, np.ndarray]]:
        """The method to use for these rows, and every method's cross-fitted predictions."""
        labels = self.labels[rows]
        methods = available_methods(self.metric, self.stack.shape[2])
        blended = {method: self.cross_fit(method, rows, fold) for method in methods}
        near = _near_best(self.metric, labels, blended)
        if is_coarse(self.metric):
            near = _near_best("log_loss", labels, near)
        return next(iter(near)), blended


def cross_fit(
    method: str, stack: np.ndarray, labels: np.ndarray, fold: np.ndarray, metric: str
) -> np.ndarray:
    """float64 [n, c]: every fold blended with weights from the other folds; NaN where fold is -1.

    stack: float32 [m, n, c], labels: int64 [n], fold: int64 [n]
    With a single fold its rows are cut into 5 stratified parts.
    """
    rows = np.flatnonzero(fold >= 0)
    fits = _Fits(stack, labels, metric, tuple(map(str, range(len(stack)))))
    return _spread(fits.cross_fit(method, rows, fold), rows, len(fold))


def select_blend(
    stack: np.ndarray,
    labels: np.ndarray,
    fold: np.ndarray,
    metric: str,
    members: tuple[str, ...],
) -> BlendResult:
    """The blend with the best cross-fitted score, and the nested score of the whole procedure.

    stack: float32 [m, n, c], labels: int64 [n], fold: int64 [n], -1 for rows without predictions
    Among methods within a quarter of a paired standard error of the best, the simplest is taken;
    where the metric sees only predicted classes, log loss is asked first, in the same way.
    raises: InputError that names the member with NaN or with rows that do not sum to 1
    """
    check_stack(stack, labels, fold, members)
    rows = np.flatnonzero(fold >= 0)
    fits = _Fits(stack, labels, metric, tuple(members))
    nested = _nested(fits, rows, fold)
    method, blended = fits.choose(rows, fold)
    table = [_table_row(fits, name, rows, predictions) for name, predictions in blended.items()]
    singles = {
        name: score(metric, labels[rows], member[rows])
        for name, member in zip(members, stack, strict=True)
    }
    best_single = _best(metric, singles)
    return BlendResult(
        blend=fits.fit(method, rows),
        method=method,
        in_sample=next(row["in_sample"] for row in table if row["method"] == method),
        cross_fitted=score(metric, labels[rows], nested),
        oof=_spread(nested, rows, len(fold)).astype(np.float32),
        table=table,
        best_single=best_single,
        best_single_score=singles[best_single],
    )


def check_stack(
    stack: np.ndarray, labels: np.ndarray, fold: np.ndarray, members: tuple[str, ...]
) -> None:
    """Raise InputError naming the first member whose scored rows are not probabilities.

    stack: float32 [m, n, c], labels and fold: int64 [n]
    """
    if stack.ndim != 3 or not len(members) == len(stack) > 0:
        raise ValueError(f"stack {stack.shape} does not hold {len(members)} members [m, n, c]")
    if not stack.shape[1] == len(labels) == len(fold):
        raise ValueError(f"{stack.shape[1]} rows, {len(labels)} labels, {len(fold)} folds")
    rows = np.flatnonzero(fold >= 0)
    if not len(rows):
        raise InputError("no row has an out-of-fold prediction yet. Train at least one fold first")
    remedy = "Train this member again or leave it out with --models"
    for name, member in zip(members, stack, strict=True):
        check_probabilities(
            member[rows], f"{name}, out of fold", remedy, lambda row: f"row {rows[row]}"
        )


def _nested(fits: _Fits, rows: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """float64 [len(rows), c]: each part by the method and weights that the other parts choose."""
    part = _parts(fits.labels[rows], fold[rows])
    whole = np.full(len(fold), -1)
    whole[rows] = part
    blended = np.empty((len(rows), fits.stack.shape[2]))
    for k in np.unique(part):
        others = rows[part != k]
        method = fits.choose(others, whole)[0] if len(others) else "mean"
        blended[part == k] = fits.fit(method, others).apply(fits.stack[:, rows[part == k]])
    return blended


def _parts(labels: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """int64 [n]: the folds themselves, or 5 stratified parts where there is only one fold."""
    if len(np.unique(fold)) > 1:
        return fold
    return deal_rows(labels, np.arange(len(labels)), PARTS, rng_for(0, "blend parts"))


def _near_best(
    metric: str, labels: np.ndarray, blended: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The methods, in order, that are within NEAR paired standard errors of the best."""
    scores = {name: score(metric, labels, predictions) for name, predictions in blended.items()}
    best = _best(metric, scores)
    if scores[best] is None:
        return blended
    return {
        name: predictions
        for name, predictions in blended.items()
        if scores[name] is not None
        and abs(scores[name] - scores[best])
        <= NEAR * _paired_error(metric, labels, predictions, blended[best])
    }


def _paired_error(metric: str, labels: np.ndarray, a: np.ndarray, b: np.ndarray) -> float:
    """Standard error of score(a) - score(b), from the spread of the difference over row blocks."""
    differences = []
    for start in range(BLOCKS):
        block = slice(start, None, BLOCKS)
        one, other = (score(metric, labels[block], each[block]) for each in (a, b))
        if one is not None and other is not None:
            differences.append(one - other)
    if len(differences) < 2:
        return 0.0
    return float(np.std(differences, ddof=1) / np.sqrt(len(differences)))


def _best(metric: str, scores: dict[str, float | None]) -> str:
    """The name with the best score, the first one on ties."""
    best = next(iter(scores))
    for name, value in scores.items():
        best = name if better(metric, value, scores[best]) else best
    return best


def _table_row(
    fits: _Fits, method: str, rows: np.ndarray, cross_fitted: np.ndarray
) -> dict[str, Any]:
    """One method's cross-fitted score, its in-sample score, and by how much the latter flatters."""
    labels = fits.labels[rows]
    honest = score(fits.metric, labels, cross_fitted)
    in_sample = score(fits.metric, labels, fits.fit(method, rows).apply(fits.stack[:, rows]))
    gap = None
    if honest is not None and in_sample is not None:
        sign = 1 if METRICS[fits.metric].higher_is_better else -1
        gap = sign * (in_sample - honest)
    return {"method": method, "cross_fitted": honest, "in_sample": in_sample, "gap": gap}


def _spread(values: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """float64 [n, c]: values at their rows, NaN elsewhere."""
    spread = np.full((n, values.shape[1]), np.nan)
    spread[rows] = values
    return spread
