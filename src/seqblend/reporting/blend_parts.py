"""What the blend is made of: weights, how alike its members err, and what each is worth."""

from __future__ import annotations

import numpy as np

from seqblend.blending.methods import METHODS, Blend
from seqblend.reporting.entries import Entry
from seqblend.reporting.heatmap import draw_heatmap
from seqblend.reporting.leaderboard import title_of
from seqblend.reporting.pictures import Picture
from seqblend.reporting.records import BlendRecord, ReportData
from seqblend.reporting.sections import Block, Section
from seqblend.reporting.style import clean
from seqblend.reporting.tables import NOTHING, Column, Table
from seqblend.resampling import CERTAIN, row_losses

_CARD = (
    Column("loss_without", "loss without", "signed", "of a log-odds blend, cross-fitted"),
    Column("correlation", "errors alike", "score", "correlation with the other members' mean"),
    Column("disagreement", "disagrees", "score", "rows with another class than the blend"),
    Column("unrest", "unrest", "score", "how much its fits differ on one test row"),
    Column("seconds", "a seed takes", "seconds"),
)
_CARDS = (
    " Loss without: the same of a log-odds blend refitted without it, cross-fitted. Unrest is the "
    "spread of its fits on a test row, which more seeds take away."
)
_SHOWN = 20  # members in the picture and in the tables, the best ones


def blend_section(data: ReportData, entries: list[Entry]) -> Section:
    """Methods cross-fitted against in-sample, weights, correlation of errors, value of members."""
    models = [entry for entry in entries if not entry.is_blend and len(entry.rows)]
    blocks = _tables(data, models) if data.blend else []
    if len(models) > 1:
        picture = draw_correlation(models, correlate_errors(data, models))
        blocks.append(Block("How alike the models err", pictures=[picture]))
    return Section("blend", "Blend", blocks)


def _tables(data: ReportData, models: list[Entry]) -> list[Block]:
    metric, blend, blocks = title_of(data.metric), data.blend, []
    if blend.table:
        columns = (
            Column("method", "method"),
            Column("cross_fitted", f"{metric}, cross-fitted", "score"),
            Column("in_sample", f"{metric}, in-sample", "score"),
            Column("gap", "gap", "signed", "by how much in-sample flatters"),
            Column("size", "members", "count", "with a weight of 0.001 or more"),
            Column("low", "95 % from", "score", "bootstrap over rows, the same for every method"),
            Column("high", "to", "score"),
            Column("beats_single", "P(beats single)", "score", "the best single model"),
            Column("forecast_low", "test from", "score", "95 % forecast for this test set"),
            Column("forecast_high", "to", "score"),
        )
        columns = columns if blend.whole else columns[:4]
        whole = blend.whole | {"method": "the choice of one, nested"}
        shown = [*blend.table, whole] if blend.whole else blend.table
        rows = [[row.get(c.key) for c in columns] for row in shown]
        text = (
            f"Chosen: {blend.method}, the smallest blend within one standard error of the best. "
            "The in-sample score is that of the rows which chose the weights; it flatters, and "
            "the gap says by how much. The last line is of choosing itself: each part of the rows "
            "is scored by the method and weights that the other parts choose."
        )
        blocks.append(Block("Methods", text, table=Table(columns, rows)))
    if blend.weights:
        board = tabulate_members(data, blend, models)
        text = (
            "What a member is worth: by how much the blend's log loss rises where it is left out "
            "and the other weights are scaled up, on the rows that chose the weights."
        )
        if data.diagnosis is not None and data.diagnosis.cards:
            text += _CARDS
        if data.diagnosis is not None and data.diagnosis.seeds_for:
            text += f" A further seed is worth most for {clean(data.diagnosis.seeds_for, 40)}."
        shown = Table(board.columns, board.rows[:_SHOWN])
        blocks.append(Block("Members", text, table=shown, csv="members.csv"))
    return blocks


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


def draw_correlation(models: list[Entry], matrix: np.ndarray) -> Picture:
    """The heatmap of the best models; the CSV has all of them."""
    names = [entry.name for entry in models]
    k = min(len(names), _SHOWN)
    columns = (Column("model", "model"), *(Column(name, name, "score") for name in names))
    data = Table(columns, [[n, *line] for n, line in zip(names, matrix.tolist(), strict=True)])
    figure = draw_heatmap(matrix[:k, :k], names[:k], names[:k], title="Correlation of errors")
    pairs = np.column_stack(np.triu_indices(len(names), 1))
    values = matrix[pairs[:, 0], pairs[:, 1]]
    (a, b), (c, d) = pairs[values.argmax()], pairs[values.argmin()]
    sentence = (
        f"{clean(names[a])} and {clean(names[b])} err most alike ({values.max():.2f})"
        + (f", {clean(names[c])} and {clean(names[d])} least" if len(values) > 1 else "")
        + (f" ({values.min():.2f})" if len(values) > 1 else "")
        + "; the less alike two equally good models err, the more their blend gains."
    )
    return Picture("error_correlation", "Correlation of errors", figure, sentence, data=data)
