"""The verdict: what to submit, what to expect of it, against whom, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seqblend.metrics import METRICS, score
from seqblend.reporting.intervals import central_95
from seqblend.reporting.leaderboard import Entry, resample, title_of
from seqblend.reporting.records import BlendRecord, ReportData
from seqblend.reporting.style import clean

BASELINE = "nblr"  # the linear model that everything has to beat


@dataclass(frozen=True)
class Verdict:
    """What the first of the board is expected to score, and against whom.

    interval: 95 % by bootstrap over rows, None where undefined
    gains: (other's name, what it is, gain, low, high), positive where the chosen one is better
    """

    entry: Entry
    interval: tuple[float, float] | None
    gains: list[tuple[str, str, float, float, float]]


def judge(data: ReportData, entries: list[Entry]) -> Verdict | None:
    """The verdict on what is submitted: the blend, or the best model without one."""
    scored = [entry for entry in entries if entry.pooled is not None]
    if not scored:
        return None
    chosen = next((entry for entry in scored if entry.is_blend), scored[0])
    models = [entry for entry in scored if entry is not chosen]
    rivals = {entry.name: (entry, "the best single model") for entry in models[:1]}
    for entry in models:
        if entry.name == BASELINE:
            what = "the best single model, linear" if BASELINE in rivals else "the linear baseline"
            rivals[BASELINE] = (entry, what)
    gains = [(e.name, what, *_gain(data, chosen, e)) for e, what in rivals.values()]
    return Verdict(chosen, chosen.interval, gains)


def _gain(data: ReportData, chosen: Entry, other: Entry) -> tuple[float, float, float]:
    """Gain over another on the rows both have, with its paired 95 % interval; NaN without rows."""
    rows = np.intersect1d(chosen.rows, other.rows)
    scores = [score(data.metric, data.labels[rows], e.record.oof[rows]) for e in (chosen, other)]
    if None in scores:
        return np.nan, np.nan, np.nan
    sign = 1.0 if METRICS[data.metric].higher_is_better else -1.0
    ours, theirs = chosen.draws, other.draws
    if not np.array_equal(chosen.rows, other.rows):
        ours, theirs = resample(data, [chosen.record, other.record], [rows, rows])
    low, high = central_95(sign * (ours - theirs)) or (np.nan, np.nan)
    return sign * (scores[0] - scores[1]), low, high


def headline(data: ReportData, verdict: Verdict) -> dict[str, Any]:
    """The verdict box in words: what to submit, what to expect, against whom."""
    entry, metric = verdict.entry, title_of(data.metric)
    what = "the blend" if entry.is_blend else f"{clean(entry.name, 40)}"
    path = clean(data.submission.get("path", ""))
    interval = verdict.interval and "95 % interval {:.4f} to {:.4f}".format(*verdict.interval)
    gains = [gain for gain in verdict.gains if np.isfinite(gain[2])]
    return {
        "action": f"Submit {what}" + (f": {path}" if path else ""),
        "score": f"{entry.pooled:.4f}",
        "label": f"expected {metric}, {entry.split}, {len(entry.rows):,} rows",
        "interval": interval or "interval undefined",
        "gains": [_gain_sentence(gain) for gain in gains],
        "tiles": _tiles(data, entry),
    }


def _gain_sentence(gain: tuple[str, str, float, float, float]) -> str:
    """`+0.0021 against bilstm, the best single model (95 % +0.0004 to +0.0038)`."""
    name, what, value, low, high = gain
    text = f"{value:+.4f} against {clean(name, 40)}, {what}"
    if not np.isfinite([low, high]).all():
        return text
    doubt = "; it may be chance" if low <= 0 <= high else ""
    return f"{text} (95 % interval {low:+.4f} to {high:+.4f}{doubt})"


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
