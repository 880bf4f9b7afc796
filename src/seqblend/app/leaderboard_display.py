"""The leaderboard on the terminal."""

from __future__ import annotations

import numpy as np

from seqblend.evaluation.leaderboard import format_score, submitted_row
from seqblend.reporting.facts.entries import Ranked, compare
from seqblend.reporting.facts.histories import mean_epochs_to
from seqblend.reporting.facts.records import ModelRecord, ReportData


def leaderboard_rows(data: ReportData, entries: list[Ranked]) -> tuple[list[str], list[list[str]]]:
    """(columns, rows), best first; out-of-fold and test scores have columns of their own."""
    has_test = any(record.test for record in data.records)
    best = data.best_reachable
    others = [name for name in ("accuracy", "log_loss") if name != data.metric]
    columns = ["model", f"OOF {data.metric}", *(name.replace("_", " ") for name in others)]
    columns += ["diff. ± margin", "epochs", "time"]
    columns += [f"test {data.metric}"] if has_test else []
    columns += ["to 99 %"] if best else []  # epochs to that share of what can be reached
    differences, rows = _differences(data, entries), []
    for entry in entries:
        epochs, seconds, reached = _costs(entry, best)
        cells = [_title(entry), format_score(entry.pooled)]
        cells += [format_score(entry.summary.get(name)) for name in others]
        cells += [differences.get(entry.name, ""), epochs, seconds]
        cells += [format_score((entry.record.test or {}).get(data.metric))] if has_test else []
        cells += [reached] if best else []
        rows.append(cells)
    return columns, rows


DIFFERENCE_NOTE = (
    "diff.: difference to what is submitted, below 0 where worse; significant where it is larger "
    "than its 95 % margin"
)


def _title(entry: Ranked) -> str:
    if entry.is_blend:
        return "blend, cross-fitted"
    return entry.name + (f", {entry.remark}" if entry.remark else "")


def _costs(entry: Ranked, best: float | None) -> tuple[str, str, str]:
    """(epochs, seconds, epochs to 99 % of the best reachable) of a model; a blend has none."""
    record = entry.record
    if not isinstance(record, ModelRecord):
        return "", "", ""
    epochs = f"{np.mean(record.epochs):.0f}" if any(record.epochs) else "-"
    reached = mean_epochs_to(record, best) if best else None
    return epochs, f"{record.seconds:.0f} s", f"{reached:.1f}" if reached else "-"


def _differences(data: ReportData, entries: list[Ranked]) -> dict[str, str]:
    """{model: `-0.0088 ±0.0021`}: difference to what is submitted, and its 95 % margin."""
    lead, differences = submitted_row(entries), {}
    for entry in entries if lead else ():
        found = None if entry is lead else compare(data, lead, entry)
        if found is not None:
            differences[entry.name] = f"{0.0 - found.mean:+.4f} ±{found.margin:.4f}"
    return differences
