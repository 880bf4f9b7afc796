"""The blend's members: what each is worth, and how alike they err."""

from __future__ import annotations

import numpy as np

from seqblend.blending.methods import METHODS, Blend
from seqblend.reporting.elements.report_tables import NOTHING, Column, Table
from seqblend.reporting.facts.entries import Entry
from seqblend.reporting.facts.records import BlendRecord, ReportData
from seqblend.resampling import CERTAIN, row_losses

_CARD = (
    Column("loss_without", "loss without", "signed", "of a log-odds blend, cross-fitted"),
    Column("correlation", "errors alike", "score", "correlation with the other members' mean"),
    Column("disagreement", "disagrees", "score", "rows with another class than the blend"),
    Column("unrest", "unrest", "score", "how much its fits differ on one test row"),
    Column("seconds", "a seed takes", "seconds"),
)


def tabulate_members(data: ReportData, blend: BlendRecord, models: list[Entry]) -> Table:
    """Weight and worth of each member with its 95 % interval and its card; the heaviest first."""
    cards = {card.name: card for card in data.diagnosis.cards} if data.diagnosis else {}
    columns = (
        Column("model", "model"),
        Column("weight", "weight", "bar"),
        Column("worth", "worth, log loss", "signed"),
        Column("low", "95 % from", "signed"),
        Column("high", "to", "signed"),
        *(_CARD if cards else ()),
    )
    worth = member_worth(data, blend, models)
    nothing = (NOTHING, NOTHING, NOTHING)
    heaviest = sorted(blend.weights.items(), key=lambda item: -item[1])
    rows = [[name, w, *worth.get(name, nothing)] for name, w in heaviest]
    if cards:
        rows = [row + [getattr(cards[row[0]], c.key) if row[0] in cards else NOTHING for c in _CARD]
                for row in rows]  # fmt: skip
    return Table(columns, rows)


def member_worth(
    data: ReportData, blend: BlendRecord, models: list[Entry]
) -> dict[str, tuple[float, float, float]]:
    """{member with a weight: (rise of the log loss without it, low, high)}, 95 % over rows.

    Nothing where a member has no probabilities here, or is the only one.
    """
    used = {name: weight for name, weight in blend.weights.items() if weight > 0}
    known = {entry.name: entry for entry in models}
    if len(used) < 2 or not used.keys() <= known.keys() or blend.method not in METHODS:
        return {}
    names, rows = tuple(used), common_rows([known[name] for name in used])
    stack = np.stack([known[name].record.oof[rows] for name in names])
    labels, weights = data.labels[rows], np.array(list(used.values()))

    def losses(kept: np.ndarray) -> np.ndarray:
        """float64 [n]: each row's loss under the weights of these members alone."""
        scaled = weights[kept] / weights[kept].sum()
        blended = Blend(blend.method, scaled, ()).apply(stack[kept])
        return row_losses(labels, blended)

    places = np.arange(len(names))
    whole, result = losses(places), {}
    for i, name in enumerate(names):
        rise = losses(places[places != i]) - whole
        mean, half = rise.mean(), CERTAIN * rise.std(ddof=1) / np.sqrt(len(rows))
        result[name] = (float(mean), float(mean - half), float(mean + half))
    return result


def common_rows(entries: list[Entry]) -> np.ndarray:
    """int64: the rows that all of them have predictions of."""
    rows = entries[0].rows
    for entry in entries[1:]:
        if not np.array_equal(rows, entry.rows):
            rows = np.intersect1d(rows, entry.rows)
    return rows


def correlate_errors(data: ReportData, models: list[Entry]) -> np.ndarray:
    """float64 [m, m]: correlation over rows of what each leaves to the true class's probability.

    0 where a model is constant, 1 on the diagonal.
    """
    rows = common_rows(models)
    labels = data.labels[rows]
    missing = np.stack([1.0 - entry.record.oof[rows, labels] for entry in models])
    missing = missing.astype(np.float64) - missing.mean(1, keepdims=True, dtype=np.float64)
    norms = np.sqrt((missing**2).sum(1))
    scaled = np.divide(
        missing, norms[:, None], out=np.zeros_like(missing), where=norms[:, None] > 0
    )
    matrix = np.clip(scaled @ scaled.T, -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    return matrix
