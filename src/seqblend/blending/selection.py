"""The choice of a blend, and its score by nested cross-validation with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqblend.blending.crossfit import (
    BlendFitter,
    best_of,
    fill_rows,
    make_blend_folds,
)
from seqblend.blending.methods import Blend
from seqblend.evaluation.bootstrap import bootstrap
from seqblend.evaluation.metrics import metric_for, score, sign_of
from seqblend.evaluation.paired import compare_scores
from seqblend.tasks.task import Task

TAIL = 0.025  # share of the resamples beyond either end of a 95 % interval


@dataclass(frozen=True)
class BlendResult:
    """The chosen blend, its scores, and the cross-validated score of the whole procedure.

    blend: fitted on all scored rows
    oof: float32 [n, c], every fold by the method and weights of the others, NaN without a fold
    table: a dict per method: method, size, in_sample, cross_fitted, gap (in-sample optimism),
        low, high, beats_single
    nested: the same of the whole procedure by nested cross-validation, the choice among methods
        included, and gain (over the best single member) with gain_error, its standard error; its
        interval is of `blend`, which has more rows to learn on than a fold's (burman_corrected)
    best_single: the member with the best score, and that score
    unadjusted: float32 [n, c], as oof, by the chosen method without an adjustment
    resampled: float64 [r], the whole procedure's score on resampled rows, of the same `blend`
    """

    blend: Blend
    oof: np.ndarray
    table: list[dict[str, Any]]
    nested: dict[str, Any]
    best_single: str
    best_single_score: float | None
    unadjusted: np.ndarray
    resampled: np.ndarray

    @property
    def weights(self) -> dict[str, float]:
        """{member: weight} of the chosen blend."""
        return dict(zip(self.blend.members, self.blend.weights.tolist(), strict=True))

    def believed(self, metric: str) -> np.ndarray:
        """float32 [n, c]: `oof` before an adjustment that serves predicted classes alone."""
        return self.oof if metric == self.blend.task.loss_metric else self.unadjusted

    @property
    def method(self) -> str:
        """The chosen blend's."""
        return self.blend.method

    @property
    def in_sample(self) -> float | None:
        """The chosen blend's score on the rows it was fitted on."""
        return self.nested["in_sample"]

    @property
    def cross_fitted(self) -> float | None:
        """The score of `oof`."""
        return self.nested["cross_fitted"]


def select_blend(
    stack: np.ndarray,
    targets: np.ndarray,
    fold: np.ndarray,
    metric: str,
    members: tuple[str, ...],
    task: Task,
) -> BlendResult:
    """The smallest blend near the best cross-fitted score, and the nested score of choosing it.

    stack: float32 [m, n, c]; targets: n rows, as the task has them
    fold: int64 [n], -1 for rows without predictions
    """
    rows = np.flatnonzero(fold >= 0)
    scored, known = stack[:, rows], targets[rows]
    blend_fold = make_blend_folds(task.strata(known), fold[rows])
    fitter = BlendFitter(stack, targets, metric, tuple(members), task)
    fold_blends = fitter.fit_per_fold(rows, blend_fold)
    oof = fitter.predict_per_fold(fold_blends, rows, blend_fold)
    spec = fitter.select(rows, blend_fold)
    blend = fitter.fit_spec(spec, rows)
    singles = {name: score(metric, known, p) for name, p in zip(members, scored, strict=True)}
    best_single = best_of(metric, singles)
    single = scored[members.index(best_single)]
    fitted = [blend, *(fitter.fit(method, rows) for method in spec.cross_fitted)]
    by = _Scoring(metric, known, single)
    (whole, *table), resampled = _score_blends(
        by, fitted, scored, [oof, *spec.cross_fitted.values()], list(fold_blends.values())
    )
    gain = compare_scores(metric, known, oof, single)
    return BlendResult(
        blend=blend,
        oof=fill_rows(oof, rows, len(fold)).astype(np.float32),
        table=table,
        nested=whole | {"gain": gain and gain.mean, "gain_error": gain and gain.error},
        best_single=best_single,
        best_single_score=singles[best_single],
        unadjusted=fill_rows(spec.cross_fitted[spec.method], rows, len(fold)).astype(np.float32),
        resampled=resampled,
    )


@dataclass(frozen=True)
class _Scoring:
    """How blends are scored, and the best single member that they are compared with.

    targets: n rows; single: float [n, c]
    """

    metric: str
    targets: np.ndarray
    single: np.ndarray


def _score_blends(
    by: _Scoring,
    blends: list[Blend],
    stack: np.ndarray,
    cross_fitted: list[np.ndarray],
    per_fold: list[Blend],
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """A record for each blend, see BlendResult.table, and the resampled scores of the first one.

    The first one is the whole procedure's.
    stack: float32 [m, n, c] of the scored rows; cross_fitted: each blend's float64 [n, c]
    per_fold: what the whole procedure chose and fitted for each fold
    """
    in_sample = [blend.apply(stack) for blend in blends]
    of_folds = [blend.apply(stack) for blend in per_fold]
    of_single, draws = _resample(by, in_sample[0], of_folds, cross_fitted)
    records = [
        {"method": blend.method, "size": blend.size}
        | _compare_scores(by.metric, by.targets, inside, outside)
        | _intervals(by.metric, drawn, of_single)
        for blend, inside, outside, drawn in zip(
            blends, in_sample, cross_fitted, draws, strict=True
        )
    ]
    return [_contain_score(record) for record in records], draws[0]


def _contain_score(record: dict[str, Any]) -> dict[str, Any]:
    """The record, its interval widened to the score: on few rows the correction may leave it."""
    score, low, high = (record[name] for name in ("cross_fitted", "low", "high"))
    if score is None or low is None:
        return record
    return record | {"low": min(low, score), "high": max(high, score)}


def _resample(
    by: _Scoring, full: np.ndarray, of_folds: list[np.ndarray], cross_fitted: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Scores on the same resampled rows: of the best single float64 [r], of each blend [k, r].

    full: float [n, c], of the blend of all rows; of_folds: of each fold's blend on all rows;
    cross_fitted: of the whole procedure (corrected), then of each method
    All scores are NaN where the metric is undefined.
    """
    if score(by.metric, by.targets, by.single) is None:
        return np.full(1, np.nan), np.full((len(cross_fitted), 1), np.nan)
    draws = bootstrap(by.metric, by.targets, [by.single, full, *of_folds, *cross_fitted])
    drawn_folds, drawn = np.split(draws[2:], [len(of_folds)])
    drawn[0] = burman_corrected(drawn[0], draws[1], drawn_folds)
    return draws[0], drawn


def burman_corrected(
    cross_fitted: np.ndarray, of_full: np.ndarray, of_folds: np.ndarray
) -> np.ndarray:
    """float64 [r]: cross-fitted scores on resampled rows, moved to those of the full blend.

    cross_fitted: float64 [r]; of_full: [r], the blend of all rows, on the same resamples;
    of_folds: [k, r], each fold's blend, on all rows

    A fold's blend had fewer rows to learn on. Burman (1989), A comparative study of ordinary
    cross-validation, v-fold cross-validation and the repeated learning-testing methods, adds the
    full blend's score on all rows less the mean of the folds' blends on the same rows. It is
    resampled with the rest: as a constant it would keep the luck of these rows.
    """
    return cross_fitted + of_full - of_folds.mean(axis=0)


def _compare_scores(
    metric: str, targets: np.ndarray, fitted: np.ndarray, cross_fitted: np.ndarray
) -> dict[str, float | None]:
    """In-sample and cross-fitted score, and by how much the former is optimistic."""
    in_sample, honest = (score(metric, targets, p) for p in (fitted, cross_fitted))
    gap = None
    if honest is not None and in_sample is not None:
        gap = sign_of(metric) * (in_sample - honest)
    return {"in_sample": in_sample, "cross_fitted": honest, "gap": gap}


def _intervals(metric: str, own: np.ndarray, single: np.ndarray) -> dict[str, float | None]:
    """95 % interval, and probability of beating the best single member.

    own, single: float64 [r] of the same resamples
    """
    names = ("low", "high", "beats_single")
    is_known = np.isfinite(own) & np.isfinite(single)
    if not is_known.any():
        return dict.fromkeys(names)
    own, single = own[is_known], single[is_known]
    low, high = clip_scores(metric, np.quantile(own, [TAIL, 1 - TAIL]))
    wins = sign_of(metric) * own > sign_of(metric) * single
    beats = wins.mean() + (own == single).mean() / 2
    return {name: float(value) for name, value in zip(names, (low, high, beats), strict=True)}


def clip_scores(metric: str, values: np.ndarray) -> np.ndarray:
    """float64 of the same shape: no score beyond the metric's best and worst."""
    known = metric_for(metric)
    return np.clip(values, known.lowest, known.highest)
