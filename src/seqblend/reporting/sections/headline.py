"""The head of the page: what to submit, what to expect of it, and why to believe it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from seqblend.blending.methods import NEGLIGIBLE
from seqblend.evaluation.leaderboard import submitted_row
from seqblend.evaluation.paired import PairedDifference
from seqblend.evaluation.score_text import score_format
from seqblend.reporting.elements.metric_titles import title_of
from seqblend.reporting.elements.style import clean, shorten_paths
from seqblend.reporting.facts.entries import Ranked, compare
from seqblend.reporting.facts.records import BlendRecord, ReportData

BASELINE = "nblr"  # the linear model that everything has to beat


@dataclass(frozen=True)
class Verdict:
    """What is submitted, and by how much it leads others.

    leads: (other's name, what it is, the chosen one's lead over it)
    """

    entry: Ranked
    leads: list[tuple[str, str, PairedDifference]]


def judge(data: ReportData, entries: list[Ranked]) -> Verdict | None:
    """The verdict on what is submitted: the blend, or the best model without one."""
    chosen = submitted_row(entries)
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
    return Verdict(chosen, [lead for lead in leads if lead[2] is not None])


def lone_member(entry: Ranked) -> str | None:
    """The only model with a say in a blend; None for models and for blends of several."""
    weights = entry.record.weights if isinstance(entry.record, BlendRecord) else {}
    members = [name for name, weight in weights.items() if abs(weight) >= NEGLIGIBLE]
    return members[0] if len(members) == 1 else None


def headline(data: ReportData, verdict: Verdict) -> dict[str, Any]:
    """The verdict in words: what to submit, what to expect, and why to believe it."""
    entry, metric = verdict.entry, title_of(data.metric)
    what = clean(entry.name, 40)
    if isinstance(entry.record, BlendRecord):
        used = sum(abs(weight) >= NEGLIGIBLE for weight in entry.record.weights.values())
        what = f"the blend of {used} models by the method {clean(entry.record.method, 40)}"
    lone = lone_member(entry)
    if lone is not None:
        what = f"{clean(lone, 40)} alone (no blend of several is better by a standard error)"
    path = clean(shorten_paths(str(data.submission.get("path", ""))))
    form = score_format(data.metric)
    interval = entry.interval and "95 % interval {} to {}".format(*map(form, entry.interval))
    return {
        "action": f"Submit {path or what}",
        "what": f"It is {what}." if path else "",
        "score": form(entry.pooled),
        "label": f"expected {metric}",
        "interval": interval or "interval undefined",
        "reasons": _reasons(data, verdict),
        "tiles": _tiles(data, entry),
    }


def _reasons(data: ReportData, verdict: Verdict) -> list[str]:
    """How the score was measured, what the checks found, and what it is better than."""
    entry = verdict.entry
    nothing = "no model and no blend weight" if entry.is_blend else "no model"
    where = f"{entry.split.capitalize()}, {len(entry.rows):,} rows"
    reasons = [f"{where}: {nothing} was fitted on the row that it scores."]
    checks = data.diagnosis.checks if data.diagnosis else []
    flagged = [check.name for check in checks if check.is_flagged]
    if flagged:
        some = f"{len(flagged)} of {len(checks)} validation checks found a problem"
        reasons.append(f"{some}: {clean(', '.join(flagged))}.")
    elif checks:
        reasons.append(f"None of {len(checks)} validation checks found a problem.")
    return reasons + [_lead_sentence(data.metric, *lead) for lead in verdict.leads]


def _lead_sentence(metric: str, name: str, what: str, lead: PairedDifference) -> str:
    """`+0.0021 against bilstm, the best single model (95 % interval +0.0004 to +0.0038).`"""
    form = partial(score_format(metric), is_signed=True)
    text = f"{form(lead.mean)} against {clean(name, 40)}, {what}"
    if not np.isfinite([lead.low, lead.high, lead.margin]).all():
        return f"{text}."
    chance = "; not significant" if not lead.is_significant else ""
    return f"{text} (95 % interval {form(lead.low)} to {form(lead.high)}{chance})."


def _tiles(data: ReportData, entry: Ranked) -> list[tuple[str, str]]:
    """Other scores that must not be taken for the expected one: (value, label)."""
    tiles, record, form = [], entry.record, score_format(data.metric)
    if isinstance(record, BlendRecord):
        ends = [record.whole.get(f"forecast_{end}") for end in ("low", "high")]
        if None not in ends:
            label = "95 % forecast for this test set: a mean over folds, on its own rows"
            tiles.append(("–".join(map(form, ends)), label))
        if record.in_sample is not None and record.cross_fitted is not None:
            gap = form(record.in_sample - record.cross_fitted, is_signed=True)
            tiles.append((form(record.in_sample), f"in-sample (gap {gap})"))
    if entry.spread is not None:
        tiles.append(
            (f"±{form(entry.spread)}", f"standard deviation over {len(entry.folds)} folds")
        )
    if (test := (record.test or {}).get(data.metric)) is not None:
        tiles.append((form(test), "on the solution file"))
    if data.best_reachable is not None:
        best = score_format(data.best_metric)(data.best_reachable)
        tiles.append((best, data.best_name))
    return tiles
