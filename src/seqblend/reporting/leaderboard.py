"""Who stands where: every model and the blend scored on rows their parts have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqblend.calibration import measure_reliability
from seqblend.metrics import METRICS, score, summarise
from seqblend.reporting.curves import stack_units
from seqblend.reporting.intervals import central_95
from seqblend.reporting.records import BEST_REACHABLE, BlendRecord, ModelRecord, ReportData
from seqblend.reporting.tables import NOTHING, Column, Table
from seqblend.resampling import CERTAIN, bootstrap, difference_error


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
        """95 % by bootstrap over rows, None where nothing is defined."""
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


@dataclass(frozen=True)
class Lead:
    """By how much one entry is better than another, on the rows that both have.

    low, high: 95 % by paired bootstrap over rows; smallest: a gain is no noise from here on, of
    rows and of fits (see difference_error)
    """

    gain: float
    low: float
    high: float
    smallest: float


def compare(data: ReportData, chosen: Entry, other: Entry) -> Lead | None:
    """The lead of an entry over another; None where a score is undefined."""
    rows, pair = np.intersect1d(chosen.rows, other.rows), (chosen, other)
    labels, fold = data.labels[rows], data.fold[rows]
    oof = [entry.record.oof[rows] for entry in pair]
    scores = [score(data.metric, labels, p) for p in oof] if len(rows) else [None]
    if None in scores:
        return None
    sign = 1.0 if METRICS[data.metric].higher_is_better else -1.0
    ours, theirs = chosen.draws, other.draws
    if not np.array_equal(chosen.rows, other.rows):
        ours, theirs = resample(data, [chosen.record, other.record], [rows, rows])
    folds = [[score(data.metric, labels[fold == k], p[fold == k]) for p in oof]
             for k in np.unique(fold)]  # fmt: skip
    apart = np.array([one - two for one, two in folds if None not in (one, two)])
    drawn = sign * (ours - theirs)
    low, high = central_95(drawn) or (np.nan, np.nan)
    smallest = CERTAIN * difference_error(drawn, apart)
    return Lead(sign * (scores[0] - scores[1]), low, high, smallest)


def _summarise(labels: np.ndarray, p: np.ndarray) -> dict[str, Any]:
    return summarise(labels, p) | {"calibration_error": measure_reliability(labels, p).error}


def _remark_of(data: ReportData, record: ModelRecord | BlendRecord) -> str:
    """The record's remark; of a blend, that of the members it gives a weight."""
    if isinstance(record, ModelRecord):
        return record.remark
    members = [r.remark for r in data.records if record.weights.get(r.name)]
    return next(filter(None, members), "")


_SUMMARY = {
    "accuracy": "accuracy",
    "macro_precision": "macro P",
    "macro_recall": "macro R",
    "macro_f1": "macro F1",
    "auc": "AUC",
    "log_loss": "log loss",
    "calibration_error": "ECE",
}
_HELP = {
    "calibration_error": "expected calibration error: how far probabilities and shares lie apart"
}
_ASIDE = ("rows", "train_loss", "epochs", "epochs_to_99", "in_sample", "gap")  # in the CSV alone


_FLATTERS = "on the rows that chose the weights"


def tabulate(data: ReportData, entries: list[Entry]) -> Table:
    """The leaderboard; the blend's in-sample score has a column of its own, in the CSV."""
    has_test = any(entry.record.test for entry in entries)
    lead = lead_of(entries)
    against = f"against {lead.name}, which is submitted" if lead else ""
    goal = f"the {BEST_REACHABLE}" if BEST_REACHABLE in data.reference else "its best accuracy"
    columns = [
        Column("model", "model"),
        Column("split", "scored on", help="no row was scored by what had been fitted on it"),
        Column("rows", "rows", "count"),
        Column(data.metric, title_of(data.metric), "score", "over all rows together"),
        Column("low", "95 % from", "score", "bootstrap over rows"),
        Column("high", "to", "score", "bootstrap over rows"),
        Column("behind", "behind", "signed", against),
        Column("noise", "noise to", "score", "a difference up to this may be chance, 1 time in 20"),
        Column("fold_sd", "± folds", "score", "standard deviation of the folds' scores"),
        *([Column("test", f"{title_of(data.metric)}, test", "score")] if has_test else []),
        *(Column(k, v, "score", _HELP.get(k, "")) for k, v in _SUMMARY.items() if k != data.metric),
        Column("train_loss", "train loss", "score", "of the last epoch, mean over units"),
        Column("epochs", "epochs", "epochs", "mean over units"),
        Column("epochs_to_99", "to 99 %", "epochs", f"epochs to 99 % of {goal}"),
        Column("parameters", "parameters", "count"),
        Column("seconds", "trained for", "seconds", "over all units"),
        Column("tokens_per_second", "tokens/s", "count"),
        Column("weight", "weight", "score", "in the blend"),
        *([Column("in_sample", "in-sample", "score", _FLATTERS)] if data.blend else []),
        *([Column("gap", "gap", "signed", "in-sample less cross-fitted")] if data.blend else []),
    ]
    rows = [_line(data, entry, has_test, lead) for entry in entries]
    order = "descending" if METRICS[data.metric].higher_is_better else "ascending"
    return Table(tuple(columns), rows, data.metric, order)


def shorten(board: Table) -> Table:
    """The leaderboard as the page shows it; the rest is in leaderboard.csv."""
    return board.without(*_ASIDE)


def title_of(metric: str) -> str:
    """The metric's name as people write it."""
    return _SUMMARY.get(metric, metric.replace("_", " "))


def _line(data: ReportData, entry: Entry, has_test: bool, lead: Entry | None) -> list[Any]:
    test = (entry.record.test or {}).get(data.metric, NOTHING)
    return [
        entry.name,
        entry.split,
        len(entry.rows),
        entry.pooled,
        *(entry.interval or (None, None)),
        *_distance(data, entry, lead),
        entry.spread if len(entry.folds) > 1 else NOTHING,
        *([test] if has_test else []),
        *(entry.summary.get(key) for key in _SUMMARY if key != data.metric),
        *_cost(entry.record, data.reference.get(BEST_REACHABLE)),
        *(_flattery(entry.record) if data.blend else []),
    ]


def _distance(data: ReportData, entry: Entry, lead: Entry | None) -> list[Any]:
    """How far an entry is behind the lead (below 0: worse), and up to where that may be noise."""
    if lead is None or entry is lead:
        return [NOTHING, NOTHING]
    found = compare(data, lead, entry)
    return [None, None] if found is None else [-found.gain, found.smallest]


def _cost(record: ModelRecord | BlendRecord, best: float | None) -> list[Any]:
    """Training loss, epochs, epochs to 99 %, parameters, seconds, tokens/s, weight."""
    if isinstance(record, BlendRecord):
        return [NOTHING] * 7
    losses = [h["train_loss"][-1] for h in record.histories if h.get("train_loss")]
    reached = mean_epochs_to(record, best)
    return [
        float(np.mean(losses)) if losses else NOTHING,
        float(np.mean(record.epochs)) if any(record.epochs) else NOTHING,
        NOTHING if reached is None else reached,
        record.parameters,
        record.seconds,
        NOTHING if record.tokens_per_second is None else record.tokens_per_second,
        NOTHING if record.weight is None else record.weight,
    ]


def _flattery(record: ModelRecord | BlendRecord) -> list[Any]:
    """In-sample score and gap; a model has none."""
    if isinstance(record, ModelRecord):
        return [NOTHING, NOTHING]
    if record.in_sample is None or record.cross_fitted is None:
        return [NOTHING, NOTHING]
    return [record.in_sample, record.in_sample - record.cross_fitted]


def mean_epochs_to(record: ModelRecord, best: float | None) -> float | None:
    """Epochs to 99 % of the best reachable accuracy, mean over units; None unless all got there.

    best: the unit's own best accuracy where it is None
    """
    reached = [epochs_to_share(history, best) for history in record.histories]
    return float(np.mean(reached)) if reached and None not in reached else None


def epochs_to_share(history: dict[str, list[float]], best: float | None = None) -> int | None:
    """The first epoch, from 1, whose validation accuracy is 99 % of `best`, or of its own best."""
    values = stack_units([history], "valid_accuracy")
    if not np.isfinite(values).any():
        return None
    reached = values[0] >= 0.99 * (np.nanmax(values[0]) if best is None else best)
    return 1 + int(np.argmax(reached)) if reached.any() else None
