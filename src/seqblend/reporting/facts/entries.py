"""The entries of the leaderboard: what each scores, and by how much one leads another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqblend.blending.calibration import measure_reliability
from seqblend.evaluation.paired import PairedDifference, compare_out_of_fold
from seqblend.intervals import central_95
from seqblend.metrics import METRICS, score, summarise
from seqblend.reporting.facts.records import BlendRecord, ModelRecord, ReportData
from seqblend.resampling import bootstrap


@dataclass(frozen=True)
class Entry:
    """One line of the leaderboard: a model (out of fold) or the blend (cross-fitted).

    rows: int64 [n rows with a prediction]; pooled: the metric over all of them;
    folds: the metric of each fold where it is defined; summary: accuracy, macro_f1, ...
    draws: float64 [1000], the metric on resampled rows, paired with those of the same rows
    remark: what to know of the score: its own, or that of a member which the blend uses
    """

    name: str
    record: ModelRecord | BlendRecord
    rows: np.ndarray
    pooled: float | None
    folds: list[float]
    summary: dict[str, Any]
    draws: np.ndarray
    remark: str = ""

    @property
    def is_blend(self) -> bool:
        """Whether this is the blend."""
        return isinstance(self.record, BlendRecord)

    @property
    def split(self) -> str:
        """Which rows' predictions the score is of."""
        if isinstance(self.record, BlendRecord):
            return "cross-fitted" + (f", members {self.remark}" if self.remark else "")
        return "out of fold" + (f", {self.remark}" if self.remark else "")

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 %, None where nothing is defined: a blend's is its own, a model's by bootstrap."""
        if isinstance(self.record, BlendRecord):
            ends = self.record.whole.get("low"), self.record.whole.get("high")
            if None not in ends:
                return ends
        return central_95(self.draws)

    @property
    def spread(self) -> float | None:
        """The standard deviation over folds."""
        return float(np.std(self.folds, ddof=1)) if len(self.folds) > 1 else None


def rank_entries(data: ReportData) -> list[Entry]:
    """The blend and the models, best first; those without a defined score last."""
    named: list[tuple[str, ModelRecord | BlendRecord]] = [(r.name, r) for r in data.records]
    named += [("blend", data.blend)] if data.blend is not None else []
    rows = [_scored_rows(data, record) for _, record in named]
    draws = resample(data, [record for _, record in named], rows)
    entries = [
        _entry(data, name, record, *parts)
        for (name, record), *parts in zip(named, rows, draws, strict=True)
    ]
    sign = -1.0 if METRICS[data.metric].higher_is_better else 1.0
    return sorted(entries, key=lambda e: np.inf if e.pooled is None else sign * e.pooled)


def _scored_rows(data: ReportData, record: ModelRecord | BlendRecord) -> np.ndarray:
    """int64: the rows with a fold and a prediction."""
    return np.flatnonzero((data.fold >= 0) & np.isfinite(record.oof).all(1))


def resample(
    data: ReportData, records: list[ModelRecord | BlendRecord], rows: list[np.ndarray]
) -> list[np.ndarray]:
    """The metric on resampled rows, float64 [1000] each; those of the same rows in one go."""
    draws = [np.full(1, np.nan)] * len(records)
    groups: dict[bytes, list[int]] = {}
    for i, chosen in enumerate(rows):
        groups.setdefault(chosen.tobytes(), []).append(i)
    for members in groups.values():
        chosen = rows[members[0]]
        if len(chosen):
            predictions = [records[i].oof[chosen] for i in members]
            resampled = bootstrap(data.metric, data.labels[chosen], predictions)
            for i, values in zip(members, resampled, strict=True):
                draws[i] = values
    return draws


def _entry(
    data: ReportData,
    name: str,
    record: ModelRecord | BlendRecord,
    rows: np.ndarray,
    draws: np.ndarray,
) -> Entry:
    labels, fold, p = data.labels[rows], data.fold[rows], record.oof[rows]
    pooled = score(data.metric, labels, p) if len(rows) else None
    if isinstance(record, BlendRecord):
        pooled = record.cross_fitted
    per_fold = [score(data.metric, labels[fold == k], p[fold == k]) for k in np.unique(fold)]
    return Entry(
        name,
        record,
        rows,
        pooled,
        [value for value in per_fold if value is not None],
        _summarise(labels, p) if len(rows) else {},
        draws,
        _remark_of(data, record),
    )


def lead_of(entries: list[Entry]) -> Entry | None:
    """What is submitted: the blend, or the best model without one; None where nothing is scored."""
    scored = [entry for entry in entries if entry.pooled is not None]
    return next((entry for entry in scored if entry.is_blend), scored[0] if scored else None)


def compare(data: ReportData, chosen: Entry, other: Entry) -> PairedDifference | None:
    """By how much an entry is better than another, on the rows that both have; None where a score
    is undefined."""
    rows = np.intersect1d(chosen.rows, other.rows)
    draws = None
    if np.array_equal(chosen.rows, other.rows):
        draws = chosen.draws, other.draws
    return compare_out_of_fold(
        data.metric,
        data.labels[rows],
        data.fold[rows],
        chosen.record.oof[rows],
        other.record.oof[rows],
        draws=draws,
    )


def _summarise(labels: np.ndarray, p: np.ndarray) -> dict[str, Any]:
    return summarise(labels, p) | {"calibration_error": measure_reliability(labels, p).error}


def _remark_of(data: ReportData, record: ModelRecord | BlendRecord) -> str:
    """The record's remark; of a blend, that of the members it gives a weight."""
    if isinstance(record, ModelRecord):
        return record.remark
    members = [r.remark for r in data.records if record.weights.get(r.name)]
    return next(filter(None, members), "")
