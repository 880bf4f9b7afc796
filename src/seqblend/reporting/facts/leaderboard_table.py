"""The leaderboard: every model out of fold and the blend cross-fitted, best first."""

from __future__ import annotations

from typing import Any

import numpy as np

from seqblend.evaluation.leaderboard import submitted_row
from seqblend.reporting.elements.metric_titles import title_of
from seqblend.reporting.elements.report_tables import NOTHING, Column, ReportTable, score_kind
from seqblend.reporting.facts.entries import Ranked, compare
from seqblend.reporting.facts.histories import mean_epochs_to
from seqblend.reporting.facts.records import BlendRecord, ModelRecord, ReportData

BOARD = "leaderboard.csv"
_SHOWN = (  # scores besides the metric, where the task has them
    *("qwk", "accuracy", "macro_precision", "macro_recall", "macro_f1", "auc", "log_loss"),
    *("calibration_error", "mean_auc", "mean_average_precision"),
    *("column_macro_f1", "column_micro_f1", "mean_log_loss"),
    *("rmse", "mae", "mcrmse", "r2", "pearson", "spearman"),
)
_HELP = {
    "calibration_error": "expected calibration error: how far probabilities and shares lie apart"
}
_ASIDE = ("rows", "epochs", "epochs_to_99")  # in the CSV alone


def tabulate(data: ReportData, entries: list[Ranked]) -> ReportTable:
    """The leaderboard; the blend's in-sample score is in the table of methods alone."""
    has_test = any(entry.record.test for entry in entries)
    lead = submitted_row(entries)
    against = f"score less that of {lead.name}, which is submitted" if lead else ""
    shown = _summary_keys(data, entries)
    kind, signed = score_kind(data.metric), score_kind(data.metric, is_signed=True)
    goal = f"the {data.best_name}" if data.best_reachable else "its best accuracy"
    columns = [
        Column("model", "model"),
        Column("split", "scored on", help="no row was scored by what had been fitted on it"),
        Column("rows", "rows", "count"),
        Column(data.metric, title_of(data.metric), kind, "over all rows together"),
        Column("low", "95 % from", kind, "bootstrap over rows"),
        Column("high", "to", kind, "bootstrap over rows"),
        Column("difference", "difference", signed, against),
        Column("margin", "margin", kind, "half the 95 % interval of the difference"),
        Column("fold_sd", "fold std", kind, "standard deviation of the folds' scores"),
        *([Column("test", f"{title_of(data.metric)}, test", kind)] if has_test else []),
        *(Column(key, title_of(key), score_kind(key), _HELP.get(key, "")) for key in shown),
        Column("epochs", "epochs", "epochs", "mean over units"),
        Column("epochs_to_99", "epochs to 99 %", "epochs", f"epochs to 99 % of {goal}"),
        Column("parameters", "parameters", "count"),
        Column("seconds", "training time", "seconds", "over all units"),
        Column("tokens_per_second", "tokens/s", "count"),
        Column("weight", "weight", "score", "in the blend"),
    ]
    rows = [_line(data, entry, shown, has_test, lead) for entry in entries]
    board = ReportTable(tuple(columns), rows)
    return board if data.task.has_classes else board.without("epochs_to_99")


def _summary_keys(data: ReportData, entries: list[Ranked]) -> list[str]:
    """The scores beside the metric that any entry has."""
    known = {key for entry in entries for key in entry.summary}
    return [key for key in _SHOWN if key in known and key != data.metric]


def shorten(board: ReportTable) -> ReportTable:
    """The leaderboard as the page shows it; the rest is in leaderboard.csv."""
    return board.without(*_ASIDE)


def _line(
    data: ReportData, entry: Ranked, shown: list[str], has_test: bool, lead: Ranked | None
) -> list[Any]:
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
        *(entry.summary.get(key) for key in shown),
        *_cost(entry.record, data.best_reachable if data.best_metric == "accuracy" else None),
    ]


def _distance(data: ReportData, entry: Ranked, lead: Ranked | None) -> list[Any]:
    """The difference to what is submitted (below 0: worse), and half its 95 % interval."""
    if lead is None or entry is lead:
        return [NOTHING, NOTHING]
    found = compare(data, lead, entry)
    return [None, None] if found is None else [-found.mean, found.margin]


def _cost(record: ModelRecord | BlendRecord, best: float | None) -> list[Any]:
    """Epochs, epochs to 99 %, parameters, seconds, tokens/s, weight."""
    if isinstance(record, BlendRecord):
        return [NOTHING] * 6
    reached = mean_epochs_to(record, best)
    return [
        float(np.mean(record.epochs)) if any(record.epochs) else NOTHING,
        NOTHING if reached is None else reached,
        record.parameters,
        record.seconds,
        NOTHING if record.tokens_per_second is None else record.tokens_per_second,
        NOTHING if record.weight is None else record.weight,
    ]
