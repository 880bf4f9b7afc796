"""The report's section on tuning: what was found, what it is worth, and every trial."""

from __future__ import annotations

from typing import Any

from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.report_tables import NOTHING, Column, ReportTable, score_kind
from seqblend.reporting.elements.style import percent

_SHOWN = 12  # trials on the page, the best ones


def tuning_section(records: list[dict[str, Any]]) -> Section:
    """One block of results and one of trials for each model that was tuned on these rows.

    records: what the tuner kept of each, as in tuned/<model>.json
    """
    blocks = []
    for record in records:
        model, table = record["model"], tabulate_trials(record)
        order = sorted(
            range(len(table.rows)), key=lambda i: _rank(record["table"][i], _loss_of(record)[1])
        )
        shown = ReportTable(table.columns, [table.rows[i] for i in order[:_SHOWN]])
        text, notes = f"{record['verdict']}.", [*_importance(record), *record["warnings"]]
        csv = f"tuning_{model}.csv"
        blocks += [
            Block(model, text, notes, tabulate_scores(record)),
            Block(f"Trials of {model}, the best first", table=shown, csv=csv, data=table.frame()),
        ]
    return Section("tuning", "Tuning", blocks, "Hyperparameters that were searched on these rows.")


def _importance(record: dict[str, Any]) -> list[str]:
    """The hyperparameters that explain most of the trials' ranks; none where that is unknown."""
    shares = record["importance"]
    names = sorted(shares, key=shares.__getitem__, reverse=True)[:5]
    listed = ", ".join(f"{name} {percent(shares[name])}" for name in names)
    return [f"Most important (fANOVA, share of the variance of ranks): {listed}."] if names else []


def tabulate_scores(record: dict[str, Any]) -> ReportTable:
    """Scores of default and finalists: in the search, and on new folds with a new seed."""
    loss, key = _loss_of(record)
    kind, signed = _kinds_of(record)
    folds = "new" if record.get("has_new_folds", True) else "same"
    columns = (
        Column("trial", "trial"),
        Column("found", f"{loss}, search", kind, "on the folds that chose it: optimistic"),
        Column("confirmed", f"{loss}, {folds} folds and new seed", kind),
        Column("gain", "gain over the default", signed),
        Column("low", "95 % from", signed),
        Column("high", "to", signed),
        Column("p_value", "p, Holm-corrected", "score"),
    )
    losses = {t["number"]: t[key] for t in record["table"]}
    default = record["default"] or {}
    rows = []
    for number, after in record["after"].items():
        is_default = int(number) == default.get("trial")
        gain = [NOTHING] * 3 if is_default else [after["gain"][k] for k in ("mean", "low", "high")]
        name = "the default" if is_default else f"trial {number}"
        p_value = NOTHING if is_default else after.get("p_value", NOTHING)
        rows.append([name, losses.get(int(number)), after[key], *gain, p_value])
    return ReportTable(columns, sorted(rows, key=lambda row: row[2]))


def tabulate_trials(record: dict[str, Any]) -> ReportTable:
    """Every trial in the order of the search, with its values."""
    names, (loss, key) = list(record["space"]), _loss_of(record)
    columns = (
        Column("trial", "trial", "count"),
        Column("role", "role"),
        Column("outcome", "outcome"),
        Column(key, loss, _kinds_of(record)[0], "of a pruned trial, the expected value"),
        Column("metric", record["metric"], score_kind(record["metric"])),
        Column("folds", "folds", "count"),
        Column("seconds", "seconds", "seconds"),
        *(Column(name, name.partition(".")[2]) for name in names),
        Column("run", "run"),
    )
    keys = ("number", "role", "reason", key, "metric", "folds", "seconds")
    rows = []
    for trial in record["table"]:
        cells = [trial[key] for key in keys]
        values = [_text(trial["values"].get(name)) for name in names]
        rows.append([*(NOTHING if cell is None else cell for cell in cells), *values, trial["run"]])
    return ReportTable(columns, rows)


def _loss_of(record: dict[str, Any]) -> tuple[str, str]:
    """The name of the loss, and its key in the record."""
    name = record.get("loss", "log loss")
    return name, name.replace(" ", "_")


def _kinds_of(record: dict[str, Any]) -> tuple[str, str]:
    """The kinds of columns of the loss, and of differences of it."""
    metric = record.get("loss_metric", "log_loss")
    return score_kind(metric), score_kind(metric, is_signed=True)


def _rank(trial: dict[str, Any], key: str) -> tuple:
    loss = trial[key]
    return (trial["outcome"] != "done", loss is None or not trial["folds"], loss or 0.0)


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
