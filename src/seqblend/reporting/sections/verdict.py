"""The verdict: what to submit, what to expect of it, against whom, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqblend.blending.methods import NEGLIGIBLE
from seqblend.evaluation.paired import PairedDifference
from seqblend.reporting.elements.style import clean
from seqblend.reporting.facts.entries import Entry, compare, lead_of
from seqblend.reporting.facts.leaderboard import title_of
from seqblend.reporting.facts.records import BlendRecord, ReportData

BASELINE = "nblr"  # the linear model that everything has to beat


@dataclass(frozen=True)
class Verdict:
    """What the first of the board is expected to score, and against whom.

    interval: 95 % by bootstrap over rows, None where undefined
    leads: (other's name, what it is, the chosen one's lead over it)
    """

    entry: Entry
    interval: tuple[float, float] | None
    leads: list[tuple[str, str, PairedDifference]]


def judge(data: ReportData, entries: list[Entry]) -> Verdict | None:
    """The verdict on what is submitted: the blend, or the best model without one."""
    chosen = lead_of(entries)
    if chosen is None:
        return None
    models = [entry for entry in entries if entry.pooled is not None and entry is not chosen]
    rivals = {entry.name: (entry, "the best single model") for entry in models[:1]}
    for entry in models:
        if entry.name == BASELINE:
            what = "the best single model, linear" if BASELINE in rivals else "the linear baseline"
            rivals[BASELINE] = (entry, what)
    lone = lone_member(chosen)
    leads = [(e.name, w, compare(data, chosen, e)) for e, w in rivals.values() if e.name != lone]
    return Verdict(chosen, chosen.interval, [lead for lead in leads if lead[2] is not None])


def lone_member(entry: Entry) -> str | None:
    """The only model with a say in a blend; None for models and for blends of several."""
    weights = entry.record.weights if isinstance(entry.record, BlendRecord) else {}
    members = [name for name, weight in weights.items() if abs(weight) >= NEGLIGIBLE]
    return members[0] if len(members) == 1 else None


def headline(data: ReportData, verdict: Verdict) -> dict[str, Any]:
    """The verdict box in words: what to submit, what to expect, against whom."""
    entry, metric = verdict.entry, title_of(data.metric)
    what = "the blend" if entry.is_blend else f"{clean(entry.name, 40)}"
    lone = lone_member(entry)
    if lone is not None:
        what += f" ({clean(lone, 40)} alone: none of several is better beyond a standard error)"
    path = clean(data.submission.get("path", ""))
    interval = verdict.interval and "95 % interval {:.4f} to {:.4f}".format(*verdict.interval)
    return {
        "action": f"Submit {what}" + (f": {path}" if path else ""),
        "score": f"{entry.pooled:.4f}",
        "label": f"expected {metric}, {entry.split}, {len(entry.rows):,} rows",
        "interval": interval or "interval undefined",
        "gains": [_lead_sentence(*lead) for lead in verdict.leads],
        "tiles": _tiles(data, entry),
    }


def _lead_sentence(name: str, what: str, lead: PairedDifference) -> str:
    """`+0.0021 against bilstm, the best single model (95 % interval +0.0004 to +0.0038; ...)`."""
    text = f"{lead.mean:+.4f} against {clean(name, 40)}, {what}"
    if not np.isfinite([lead.low, lead.high, lead.margin]).all():
        return text
    doubt = "; it may be chance" if not lead.is_significant else ""
    return (
        f"{text} (95 % interval {lead.low:+.4f} to {lead.high:+.4f}; the smallest gain that is not "
        f"noise: {lead.margin:.4f}{doubt})"
    )


def _tiles(data: ReportData, entry: Entry) -> list[tuple[str, str]]:
    """Other scores that must not be taken for the expected one: (value, label)."""
    tiles = []
    has_scores = isinstance(entry.record, BlendRecord) and entry.record.cross_fitted is not None
    if has_scores and entry.record.in_sample is not None:
        gap = entry.record.in_sample - entry.record.cross_fitted
        tiles += [(f"{entry.record.in_sample:.4f}", "in-sample"), (f"{gap:+.4f}", "gap")]
    if entry.spread is not None:
        tiles.append((f"±{entry.spread:.4f}", f"over {len(entry.folds)} folds"))
    if (test := (entry.record.test or {}).get(data.metric)) is not None:
        tiles.append((f"{test:.4f}", "on the solution"))
    return tiles + [(f"{value:.4f}", clean(name)) for name, value in data.reference.items()]
