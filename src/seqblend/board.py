"""The leaderboard of the terminal."""

from __future__ import annotations

import numpy as np

from seqblend.metrics import METRICS, summarise
from seqblend.reporting.facts.entries import Entry, compare, lead_of
from seqblend.reporting.facts.histories import mean_epochs_to
from seqblend.reporting.facts.records import BEST_REACHABLE, BlendRecord, ModelRecord, ReportData


def leaderboard_rows(data: ReportData, entries: list[Entry]) -> tuple[list[str], list[list[str]]]:
    """(columns, rows): OOF, cross-fitted and test scores never mixed."""
    known, best = data.fold >= 0, data.reference.get(BEST_REACHABLE)
    scored = list(dict.fromkeys([data.metric, "accuracy", "log_loss"]))
    has_test = any(record.test for record in data.records)
    columns = ["model", f"OOF {data.metric}", *(name.replace("_", " ") for name in scored[1:])]
    columns += ["behind ± noise", "epochs", "time", *[f"test {data.metric}"] * has_test]
    columns += ["to 99 %"] if best else []  # epochs to that share of what can be reached

    def cells_of(record: ModelRecord | BlendRecord, name: str, *cost: str) -> tuple:
        """(score, cells of the row): the last cell is for a model's epochs to the best."""
        scores = summarise(data.labels[known], record.oof[known].astype(np.float64))
        test = [_cell(record.test, data.metric)] * has_test
        cells = [name, *(_cell(scores, key) for key in scored), *cost[:-1], *test]
        return scores[data.metric], cells + [cost[-1]] * bool(best)

    behind, ranked = _distances(data, entries), []
    for record in data.records:
        epochs = f"{np.mean(record.epochs):.0f}" if any(record.epochs) else "-"
        reached = mean_epochs_to(record, best) if best else None
        name = record.name + (f", {record.remark}" if record.remark else "")
        cost = epochs, f"{record.seconds:.0f} s", f"{reached:.1f}" if reached else "-"
        ranked.append(cells_of(record, name, behind.get(record.name, ""), *cost))
    sign = -1 if METRICS[data.metric].higher_is_better else 1
    ranked.sort(key=lambda pair: (pair[0] is None, sign * (pair[0] or 0.0)))
    if data.blend is not None:
        ranked.append(cells_of(data.blend, "blend, cross-fitted", "", "", "", ""))
    return columns, [cells for _, cells in ranked]


def _distances(data: ReportData, entries: list[Entry]) -> dict[str, str]:
    """{model: `-0.0088 ±0.0021`}: how far it is behind what is submitted, and what is noise."""
    lead = lead_of(entries)
    leads = {e.name: compare(data, lead, e) for e in entries if lead and e is not lead}
    return {name: f"{0.0 - k.mean:+.4f} ±{k.margin:.4f}" for name, k in leads.items() if k}


def _cell(scores: dict | None, name: str) -> str:
    value = (scores or {}).get(name)
    return "undefined" if value is None else f"{value:.4f}"
