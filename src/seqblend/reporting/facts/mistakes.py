"""The worst rows with what they hang on, and rows whose label may be wrong, as tables."""

from __future__ import annotations

import numpy as np

from seqblend.metrics import predict_classes
from seqblend.reporting.elements.style import clean, display_labels
from seqblend.reporting.elements.tables import NOTHING, Column, Table
from seqblend.reporting.facts.entries import Entry
from seqblend.reporting.facts.explanations import Explanation
from seqblend.reporting.facts.records import ReportData, RowTexts, Suspects

WORST, SUSPECTS = "worst_rows.csv", "suspected_labels.csv"
_WORST = 30
_EXCERPT = 160  # characters of a row
_TELLING = 4  # tokens named as the explanation of a row
_TELLING_METHODS = ("gradients", "occlusion", "ngrams", "attention")  # the most telling first


def tabulate_worst(data: ReportData, entries: list[Entry]) -> Table:
    """The 30 wrong rows with the least probability of their class, by the blend or the best."""
    scored = [entry for entry in entries if len(entry.rows)]
    chosen = next((entry for entry in scored if entry.is_blend), scored[0])
    labels, p = data.labels[chosen.rows], chosen.record.oof[chosen.rows]
    wrong = np.flatnonzero(predict_classes(p) != labels)
    worst = wrong[np.argsort(p[wrong, labels[wrong]], kind="stable")[:_WORST]]
    return _tabulate(data, scored, chosen, chosen.rows[worst])


def find_suspects(data: ReportData) -> Suspects:
    """What a diagnosis found; without one the rows that every model gives to the same other class.

    The least mean probability of the label comes first.
    """
    if data.suspects is not None:
        return data.suspects
    oof = [record.oof for record in data.records if np.isfinite(record.oof).all(1).any()]
    how = "every model gives them, out of fold, to one and the same other class. Many are only hard"
    known = (data.fold >= 0) & np.all([np.isfinite(p).all(1) for p in oof], axis=0)
    rows = np.flatnonzero(known)
    if len(oof) < 2 or not len(rows):  # one model's error is no doubt
        return Suspects(np.zeros(0, dtype=np.int64), how)
    guesses = np.stack([predict_classes(p[rows]) for p in oof])
    labels = data.labels[rows]
    agree = (guesses == guesses[0]).all(0) & (guesses[0] != labels)
    rows, labels = rows[agree], labels[agree]
    mean = np.mean([p[rows, labels] for p in oof], axis=0)
    return Suspects(rows[np.argsort(mean, kind="stable")], how)


def tabulate_suspects(data: ReportData, entries: list[Entry]) -> Table:
    """Every doubted row, the most doubtful first."""
    scored = [entry for entry in entries if len(entry.rows)]
    chosen = next((entry for entry in scored if entry.is_blend), scored[0])
    rows = find_suspects(data).rows
    return _tabulate(data, scored, chosen, rows[np.isin(rows, chosen.rows)])


def _tabulate(data: ReportData, entries: list[Entry], chosen: Entry, rows: np.ndarray) -> Table:
    """A line a row: label, prediction, its probability, how many models are right, the text."""
    names = display_labels(data.classes)
    models = [entry for entry in entries if not entry.is_blend] or entries
    p = chosen.record.oof[rows]
    guesses, labels = predict_classes(p) if len(rows) else rows, data.labels[rows]
    right = sum(
        (predict_classes(np.nan_to_num(e.record.oof[rows])) == labels).astype(np.int64)
        for e in models
    ) if len(rows) else rows  # fmt: skip
    whose, words = _telling_tokens(data, rows)
    columns = [
        Column(name := "row" if data.texts is None else "id", name),
        Column("label", "label"),
        Column("predicted", "predicted"),
        Column("p", "p of the label", "score"),
        Column("right", "models right", "count", f"of {len(models)}"),
        Column("tokens", "tokens", "count"),
        *([Column("because", f"hangs on ({whose})")] if words else []),
        *([Column("text", "begins with")] if data.texts else []),
    ]
    lines = []
    for i, row in enumerate(rows):
        lines.append([
            f"{row}" if data.texts is None else clean(data.texts.ids[row], 40),
            names[labels[i]], names[guesses[i]], float(p[i, labels[i]]), int(right[i]),
            int(data.lengths[row]),
            *([words.get(int(row), NOTHING)] if words else []),
            *([clean(data.texts.excerpt(int(row), _EXCERPT))] if data.texts else []),
        ])  # fmt: skip
    return Table(tuple(columns), lines)


def _telling_tokens(data: ReportData, rows: np.ndarray) -> tuple[str, dict[int, str]]:
    """(whose, {row: the tokens that weigh most}), of the first model that explains any."""
    for explanation in data.explanations if data.texts else []:
        method = next(name for name in _TELLING_METHODS if name in explanation.weights)
        told = {
            row: _name_tokens(data.texts, explanation, method, i)
            for i, row in enumerate(explanation.rows.tolist())
            if row in rows
        }
        if told:
            return f"{method} of {clean(explanation.model, 24)}", told
    return "", {}


def _name_tokens(texts: RowTexts, explanation: Explanation, method: str, i: int) -> str:
    """`not −0.310, bad −0.204`: a token's weights are added up over its places."""
    span = explanation.span(i)
    tokens, places = np.unique(explanation.tokens[span], return_inverse=True)
    sums = np.bincount(places, explanation.weights[method][span], minlength=len(tokens))
    most = np.argsort(-np.abs(sums), kind="stable")[:_TELLING]
    return ", ".join(f"{clean(texts.lexicon[tokens[k]], 24)} {sums[k]:+.3f}" for k in most)
