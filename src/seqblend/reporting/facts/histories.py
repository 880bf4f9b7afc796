"""Training histories: values by epoch and unit, and epochs to 99 % of the best accuracy."""

from __future__ import annotations

import numpy as np

from seqblend.reporting.facts.records import ModelRecord

HISTORY = "history.csv"  # every number of every epoch
Histories = list[dict[str, list[float]]]


def stack_units(histories: Histories, key: str) -> np.ndarray:
    """float64 [units, epochs]: one value an epoch, over the epochs that every unit has."""
    rows = [[np.nan if v is None else float(v) for v in h[key]] for h in histories if h.get(key)]
    shortest = min(map(len, rows), default=0)
    return np.array([row[:shortest] for row in rows], dtype=np.float64).reshape(len(rows), shortest)


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
