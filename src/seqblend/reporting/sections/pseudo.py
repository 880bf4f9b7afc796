"""The report's section on pseudo-labels: each model's score without and with them."""

from __future__ import annotations

from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.tables import NOTHING, Column, Table
from seqblend.reporting.facts.entries import Entry, compare
from seqblend.reporting.facts.leaderboard import title_of
from seqblend.reporting.facts.records import ModelRecord, ReportData

PSEUDO = "pseudo.csv"
_TEXT = (
    "A second stage fits each model once more on its training rows and on the test rows that the "
    "first stage is surest of. The pseudo-labels of a fold come from that fold's own fits, which "
    "have seen no label of its rows, so both scores are out of fold. The gain is that of single "
    "fits: a submission is the mean of the folds' fits, and averaging takes a part of it away."
)


def pseudo_section(data: ReportData, entries: list[Entry]) -> Section:
    """The scores side by side; no block where no model had a second stage."""
    table = tabulate_pseudo(data, entries)
    blocks = [Block(text=_TEXT, table=table, csv=PSEUDO)] if table.rows else []
    return Section("pseudo", "Pseudo-labels", blocks)


def tabulate_pseudo(data: ReportData, entries: list[Entry]) -> Table:
    """A row a model with two stages, in the leaderboard's order."""
    models = [entry for entry in entries if isinstance(entry.record, ModelRecord)]
    bases = {entry.record.run: entry for entry in models}
    pairs = [(entry.record.pseudo, entry) for entry in models if entry.record.pseudo is not None]
    pairs = [(facts, entry) for facts, entry in pairs if facts.base in bases]
    has_test = any(entry.record.test for _, entry in pairs)
    has_right = any(facts.right is not None for facts, _ in pairs)
    rows = [
        [
            *_scores(data, bases[facts.base], entry),
            f"{min(facts.rows):,} to {max(facts.rows):,}",
            facts.confidence,
            *([_or_nothing(facts.right)] if has_right else []),
            *([_test(data, bases[facts.base]), _test(data, entry)] if has_test else []),
        ]
        for facts, entry in pairs
    ]
    return Table(_columns(title_of(data.metric), has_right, has_test), rows)


def _columns(title: str, has_right: bool, has_test: bool) -> tuple[Column, ...]:
    test = (Column("test", f"{title}, test", "score"),
            Column("test_pseudo", f"{title}, test, with", "score"))  # fmt: skip
    right = (
        Column("right", "labels right", "score", "the share of pseudo-labels, by the answers"),
    )
    return (
        Column("model", "model"),
        Column("oof", f"{title}, OOF", "score"),
        Column("oof_pseudo", f"{title}, OOF, with", "score", "with pseudo-labels"),
        Column("gain", "gain", "signed", "above 0 where pseudo-labels help"),
        Column("error", "± error", "score", "the gain's standard error, paired, of rows and fits"),
        Column("rows", "test rows a fold", help="the fewest and the most that a unit learnt"),
        Column("confidence", "from", "score", "the least mean probability of such a row"),
        *(right if has_right else ()),
        *(test if has_test else ()),
    )


def _scores(data: ReportData, base: Entry, second: Entry) -> list:
    """Name, score without, score with, gain and its standard error."""
    lead = compare(data, second, base)
    gain = [None, None] if lead is None else [lead.mean, lead.error]
    return [base.name, base.pooled, second.pooled, *gain]


def _or_nothing(value: float | None) -> float | str:
    return NOTHING if value is None else value


def _test(data: ReportData, entry: Entry) -> float | str | None:
    return entry.record.test.get(data.metric) if entry.record.test else NOTHING
