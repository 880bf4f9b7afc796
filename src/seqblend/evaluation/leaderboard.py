"""The leaderboard: runs and the blend ranked by a metric, by out-of-fold predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from seqblend.evaluation.bootstrap import bootstrap
from seqblend.evaluation.intervals import central_95
from seqblend.evaluation.metrics import score, sign_of
from seqblend.evaluation.paired import PairedDifference, compare_out_of_fold


class HasPredictions(Protocol):
    """A run, or a record of one: oof float [n, c], NaN where a row has no prediction."""

    @property
    def oof(self) -> np.ndarray:
        """Out of fold, or cross-fitted."""


Summarise = Callable[[np.ndarray, np.ndarray], dict[str, float | None]]  # of targets and array
Record = TypeVar("Record", bound=HasPredictions)


@dataclass(frozen=True)
class Candidate(Generic[Record]):
    """A run or blend to be ranked.

    record: has the predictions; remark: shown beside the score
    score, interval: where already computed, as for a blend; None: those of record.oof
    """

    name: str
    record: Record
    remark: str = ""
    is_blend: bool = False
    score: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class LeaderboardRow(Generic[Record]):
    """One line of the leaderboard: a model (out of fold) or the blend (cross-fitted).

    rows: int64 [rows with a fold and a prediction]; pooled: the metric over all of them together
    folds: the metric of each fold where it is defined; summary: accuracy, macro_f1, ...
    interval: 95 %; draws: float64 [r], the metric on resampled rows, paired with those of the same
        rows. All four are empty where the rows were only ranked.
    """

    name: str
    record: Record
    rows: np.ndarray
    pooled: float | None
    remark: str = ""
    is_blend: bool = False
    interval: tuple[float, float] | None = None
    folds: list[float] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    draws: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def split(self) -> str:
        """Which rows' predictions the score is of."""
        if self.is_blend:
            return "cross-fitted" + (f", members {self.remark}" if self.remark else "")
        return "out of fold" + (f", {self.remark}" if self.remark else "")

    @property
    def spread(self) -> float | None:
        """The standard deviation over folds; None below two."""
        return float(np.std(self.folds, ddof=1)) if len(self.folds) > 1 else None


def rank(
    metric: str,
    targets: np.ndarray,
    fold: np.ndarray,
    candidates: Sequence[Candidate[Record]],
    *,
    resamples: int = 0,
    summarise: Summarise | None = None,
) -> list[LeaderboardRow[Record]]:
    """The candidates, best first; ties in the order given, those without a defined score last.

    targets: see metric.Metric; fold: int64 [n], -1 where a row has no out-of-fold prediction
    resamples: of the bootstrap that intervals are read from; 0: scores alone, which is quick
    summarise: makes the rows' summaries, such as the task's; None: they are empty
    """
    rows = [_score(metric, targets, fold, each) for each in candidates]
    if resamples:
        drawn = _draw(metric, targets, rows, resamples)
        rows = [
            dataclasses.replace(
                _add_details(metric, targets, fold, row, summarise),
                draws=draws,
                interval=row.interval or central_95(draws),
            )
            for row, draws in zip(rows, drawn, strict=True)
        ]
    sign = sign_of(metric)
    return sorted(rows, key=lambda row: np.inf if row.pooled is None else -sign * row.pooled)


def submitted_row(rows: Sequence[LeaderboardRow[Record]]) -> LeaderboardRow[Record] | None:
    """What is submitted: the blend, or the best model without one; None where nothing is scored."""
    scored = [row for row in rows if row.pooled is not None]
    return next((row for row in scored if row.is_blend), scored[0] if scored else None)


def compare_rows(
    metric: str,
    targets: np.ndarray,
    fold: np.ndarray,
    first: LeaderboardRow[Record],
    second: LeaderboardRow[Record],
) -> PairedDifference | None:
    """By how much the first is better than the second on the rows that both have; None where a
    score is undefined. targets: see metric.Metric; fold: int64 [n]."""
    rows, draws = np.intersect1d(first.rows, second.rows), None
    if len(first.draws) and np.array_equal(first.rows, second.rows):
        draws = first.draws, second.draws
    predictions = (row.record.oof[rows] for row in (first, second))
    return compare_out_of_fold(metric, targets[rows], fold[rows], *predictions, draws=draws)


def _score(
    metric: str, targets: np.ndarray, fold: np.ndarray, candidate: Candidate[Record]
) -> LeaderboardRow[Record]:
    """The candidate's score on the rows with a fold and a prediction."""
    oof = candidate.record.oof
    rows = np.flatnonzero((fold >= 0) & np.isfinite(oof).all(axis=1))
    pooled = candidate.score
    if pooled is None:
        pooled = score(metric, targets[rows], oof[rows])
    return LeaderboardRow(
        candidate.name,
        candidate.record,
        rows,
        pooled,
        candidate.remark,
        candidate.is_blend,
        candidate.interval,
    )


def _add_details(
    metric: str,
    targets: np.ndarray,
    fold: np.ndarray,
    row: LeaderboardRow[Record],
    summarise: Summarise | None,
) -> LeaderboardRow[Record]:
    """With the folds' scores and the summary, where there are rows."""
    if not len(row.rows):
        return row
    targets, fold, array = targets[row.rows], fold[row.rows], row.record.oof[row.rows]
    by_fold = [score(metric, targets[fold == k], array[fold == k]) for k in np.unique(fold)]
    folds = [value for value in by_fold if value is not None]
    summary = summarise(targets, array) if summarise else {}
    return dataclasses.replace(row, folds=folds, summary=summary)


def _draw(
    metric: str, targets: np.ndarray, rows: list[LeaderboardRow[Record]], resamples: int
) -> list[np.ndarray]:
    """float64 [r] of each row: the metric on resampled rows, NaN where nothing is scored.

    Predictions of the same rows are resampled in one go: their draws are paired.
    """
    draws = [np.full(1, np.nan)] * len(rows)
    groups: dict[bytes, list[int]] = {}
    for i, row in enumerate(rows):
        groups.setdefault(row.rows.tobytes(), []).append(i)
    for group in groups.values():
        scored = rows[group[0]].rows
        if len(scored):
            several = [rows[i].record.oof[scored] for i in group]
            found = bootstrap(metric, targets[scored], several, resamples)
            for i, values in zip(group, found, strict=True):
                draws[i] = values
    return draws
