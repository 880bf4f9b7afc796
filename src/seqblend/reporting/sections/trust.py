"""The section on trust: what the doctor found, how scores spread, and what a leaderboard said."""

from __future__ import annotations

from typing import Any

from seqblend.diagnosis.check import Check
from seqblend.diagnosis.shakeup import ShakeUp
from seqblend.diagnosis.variance import VarianceLedger
from seqblend.reporting.elements.sections import Block, Section
from seqblend.reporting.elements.tables import NOTHING, Column, Table
from seqblend.reporting.facts.leaderboard import title_of
from seqblend.reporting.facts.records import ReportData
from seqblend.reporting.figures.submissions import draw_answers


def trust_section(data: ReportData) -> Section:
    """Checks, variance ledger, shake-up forecast, and CV against leaderboard."""
    found, blocks = data.diagnosis, []
    if found is not None and found.checks:
        flags = sum(check.is_flagged for check in found.checks)
        text = (
            f"{flags} of {len(found.checks)} checks speak against the score out of fold: they "
            "stand first." if flags else
            f"None of {len(found.checks)} checks speaks against the score out of fold."
        )  # fmt: skip
        blocks.append(
            Block("Can the score be trusted?", text, table=_tabulate_checks(found.checks))
        )
    if found is not None and found.variance is not None:
        text = "Where the spread of a fold's score comes from, as standard deviations."
        table = _tabulate_variance(found.variance)
        blocks.append(Block("Variance ledger", text, table=table))
    if found is not None and found.shake_up:
        blocks.append(_shake_up_block(data, found.shake_up))
    if data.submissions:
        blocks.append(_leaderboard_block(data))
    return Section("trust", "Trust", blocks)


def _tabulate_checks(checks: list[Check]) -> Table:
    """A line a check, what is flagged first; without advice where there is none."""
    names = ("check", "figure", "what it means", "what to do", "looked at")
    rows: list[list[Any]] = [
        [f"{'⚠ ' if check.is_flagged else ''}{check.name}", check.figure, check.means,
         check.advice, check.looked_at]
        for check in sorted(checks, key=lambda check: not check.is_flagged)
    ]  # fmt: skip
    table = Table(tuple(Column(name, name) for name in names), rows)
    return table if any(check.advice for check in checks) else table.without("what to do")


def _tabulate_variance(ledger: VarianceLedger) -> Table:
    """A line a source."""
    columns = (
        Column("source", "source"),
        Column("spread", "spread", "score"),
        Column("meaning", "what it is"),
    )
    one_seed = "another seed, all else the same"
    rows: list[list[Any]] = [
        ["folds", ledger.fold, "easy and hard folds, the same for all models"],
        ["seed", NOTHING if ledger.seed is None else ledger.seed,
         one_seed if ledger.seed is not None else f"{one_seed}: one seed cannot tell (--seeds 2)"],
        ["model", ledger.model, "how far the models are apart"],
        ["model by fold", ledger.rest, "folds that suit one model and not another"],
        ["rows alone", ledger.rows, "drawing other rows for a fold, the model as it is"],
    ]  # fmt: skip
    return Table(columns, rows)


def _shake_up_block(data: ReportData, shake_up: list[ShakeUp]) -> Block:
    """What public leaderboards of several sizes would tell."""
    columns = (
        Column("share", "public part"),
        Column("rows", "rows", "count"),
        Column("error", "spread", "score", "standard deviation of a public score"),
        Column("gap", "to private", "score", "95 % of public scores are this near to the private"),
        Column("flip", "best two flip", "score", "chance that the better one is worse in private"),
    )
    rows: list[list[Any]] = [
        [f"{100 * one.share:.0f} %", one.rows, one.error, one.gap,
         NOTHING if one.flip is None else one.flip]
        for one in shake_up
    ]  # fmt: skip
    text = (
        f"A public leaderboard of {title_of(data.metric)} on a part of the test rows, drawn from "
        "rows out of fold: how far its scores spread by chance, how far the private score may be "
        "from them, and how often the order of the two best submissions (a blend of several and "
        "the best model) turns round."
    )
    return Block("Shake-up forecast", text, table=Table(columns, rows))


def _leaderboard_block(data: ReportData) -> Block:
    """The logged submissions; a picture as soon as a leaderboard has said something of two."""
    columns = (
        Column("file", "submission"),
        Column("cross_fitted", f"{title_of(data.metric)}, cross-fitted", "score"),
        Column("leaderboard", "leaderboard", "score"),
        Column("difference", "difference", "signed"),
    )
    rows: list[list[Any]] = []
    for one in data.submissions:
        known = one.leaderboard is not None
        apart = one.leaderboard - one.cross_fitted if known else NOTHING
        rows.append([one.file, one.cross_fitted, one.leaderboard if known else NOTHING, apart])
    answered = [row for row in rows if row[2] != NOTHING]
    text = "What a leaderboard says is recorded with python src/blend.py --lb FILE=SCORE."
    table = Table(columns, answered or rows[-1:])
    pictures = [draw_answers(data, table)] if len(answered) > 1 else []
    return Block("CV against leaderboard", text, table=table, pictures=pictures)
