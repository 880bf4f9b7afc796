"""What to do next: a few steps, each with a figure that is its reason."""

from __future__ import annotations

import numpy as np

from seqblend.reporting.elements.style import clean, percent
from seqblend.reporting.facts.datacard import cut_share
from seqblend.reporting.facts.entries import Ranked
from seqblend.reporting.facts.records import ModelRecord, ReportData

_CUT = 0.02  # share of tokens beyond the cut from which a longer one is worth a try


def next_steps(data: ReportData, entries: list[Ranked]) -> list[str]:
    """A sentence each, what costs least first."""
    models = [e.record for e in entries if isinstance(e.record, ModelRecord)]
    steps = [
        _finish(data),
        _raise_max_len(data, models),
        _tune(data, models),
        _add_a_seed(data, models),
    ]
    return [step for step in steps if step]


def _finish(data: ReportData) -> str:
    if not data.missing:
        return ""
    some = ", ".join(clean(name, 40) for name in data.missing[:3])
    more = ", …" if len(data.missing) > 3 else ""
    return f"Type the same command again: {len(data.missing)} units are missing ({some}{more})."


def _raise_max_len(data: ReportData, models: list[ModelRecord]) -> str:
    cuts = [m.settings["vocabulary"]["max_len"] for m in models if _is_neural(m) and m.settings]
    if not cuts:
        return ""
    cut = min(cuts)
    share = cut_share(data.lengths, cut)
    if share < _CUT:
        return ""
    longer = int(np.quantile(data.lengths, 0.95))
    return (
        f"Cut rows later (--set vocabulary.max_len={max(longer, cut + 1)}): {percent(share)} of "
        f"the tokens lie beyond {cut}, where neural models do not read."
    )


def _tune(data: ReportData, models: list[ModelRecord]) -> str:
    neural = [m for m in models if _is_neural(m)]
    tuned = {record["model"] for record in data.tuned}
    if not neural or neural[0].name in tuned or neural[0].remark:
        return ""
    minutes = max(10, round(12 * _unit_seconds(neural[0]) / 60))
    return (
        f"Tune {clean(neural[0].name, 40)}, the best neural model (--tune {minutes}m): a "
        "search over all of its hyperparameters."
    )


def _add_a_seed(data: ReportData, models: list[ModelRecord]) -> str:
    """A second seed of what has a weight, with its price."""
    used = [m for m in models if m.weight and _is_neural(m)]
    folds = len(np.unique(data.fold[data.fold >= 0]))
    if not used or len(used[0].epochs) > folds:
        return ""
    minutes = sum(m.seconds for m in used) / 60
    return (
        f"Add a second seed (--seeds 2): about {max(minutes, 1):.0f} more minutes on one core; "
        "averaging over seeds reduces the variance."
    )


def _is_neural(record: ModelRecord) -> bool:
    return any(record.epochs)


def _unit_seconds(record: ModelRecord) -> float:
    return record.seconds / max(len(record.epochs), 1)
