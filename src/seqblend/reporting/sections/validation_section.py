"""The section on validation: checks, shake-up, and leaderboard scores."""

from __future__ import annotations

from functools import partial

from seqblend.diagnosis.shakeup import ShakeUp
from seqblend.evaluation.check import Check
from seqblend.evaluation.score_text import score_format
from seqblend.reporting.elements.blocks import Block, Section
from seqblend.reporting.elements.metric_titles import title_of
from seqblend.reporting.elements.report_tables import (
    NOTHING,
    Column,
    ReportTable,
    score_kind,
    table_of,
    text_table,
)
from seqblend.reporting.facts.records import ModelRecord, ReportData

_PILOT = (
    "A network's number of epochs and its temperature come from a pilot inside the first fold's "
    "training rows. About a fifth of the other folds' rows were among those it was scored on; "
    "measured on three data sets, this is optimistic by about 0.001 or less. Pilots on the same "
    "rows also choose each network's settings and, in the default, which members are trained."
)


def validation_section(data: ReportData) -> Section:
    """Checks, shake-up forecast, and CV against leaderboard."""
    found, blocks, lead = data.diagnosis, [], ""
    if found is not None and found.checks:
        flagged = [check for check in found.checks if check.is_flagged]
        passed = [check for check in found.checks if not check.is_flagged]
        count = len(flagged) or "None"
        lead = f"{count} of {len(found.checks)} checks found a problem with the out-of-fold score."
        if flagged:
            blocks.append(Block("Problems found", table=_tabulate_checks(flagged)))
        if passed:
            table = _tabulate_checks(passed)
            blocks.append(Block("Checks without a problem", table=table, is_folded=True))
    if found is not None and found.shake_up:
        blocks.append(_shake_up_block(data, found.shake_up))
    if data.submissions:
        blocks.append(_leaderboard_block(data))
    if any(map(_has_pilot, data.records)):
        blocks.append(Block("What pilots choose", _PILOT))
    return Section("validation", "Validation", blocks, lead)


def _has_pilot(record: ModelRecord) -> bool:
    """Whether a pilot chose its epochs, neither the user nor each fold by early stopping."""
    train = record.settings.get("train", {})
    is_chosen = bool(train) and not train["epochs"] and not train["early_stopping"]
    return is_chosen and any(record.epochs)


def _tabulate_checks(checks: list[Check]) -> ReportTable:
    """A line a check; without advice where there is none."""
    names = ("check", "result", "meaning", "what to do", "how it was tested")
    rows = [[c.name, c.figure, c.means, c.advice, c.description] for c in checks]
    table = text_table(names, rows)
    return table if any(check.advice for check in checks) else table.without("what to do")


def _shake_up_block(data: ReportData, shake_up: list[ShakeUp]) -> Block:
    """The forecast for public leaderboards of several sizes."""
    kind = score_kind(data.metric)
    values = {
        Column("share", "public part"): [f"{100 * one.share:.0f} %" for one in shake_up],
        Column("rows", "rows", "count"): [one.rows for one in shake_up],
        Column("error", "standard deviation", kind, "of a public score"): [
            one.error for one in shake_up
        ],
        Column("gap", "public to private", kind, "95 % of the differences are below"): [
            one.gap for one in shake_up
        ],
        Column("flip", "best two swap", "score", "P(the better one is worse in private)"): [
            NOTHING if one.flip is None else one.flip for one in shake_up
        ],
    }
    text = (
        f"How far the {title_of(data.metric)} on a public part of the test rows may be from the "
        "private one, and how often the two best submissions swap, drawn from out-of-fold rows."
    )
    return Block("Shake-up forecast", text, table=table_of(values))


def _leaderboard_block(data: ReportData) -> Block:
    """The submissions that a leaderboard has scored, else where to write a score."""
    answered = [one for one in data.submissions if one.leaderboard is not None]
    text = "A leaderboard score goes into the column 'leaderboard' of submissions/log.csv."
    if not answered:
        return Block("CV against leaderboard", text)
    kind, form = score_kind(data.metric), partial(score_format(data.metric), is_signed=True)
    apart = [one.leaderboard - one.cross_fitted for one in answered]
    table = table_of(
        {
            Column("file", "submission"): [one.file for one in answered],
            Column("cross_fitted", f"{title_of(data.metric)}, cross-fitted", kind): [
                one.cross_fitted for one in answered
            ],
            Column("leaderboard", "leaderboard", kind): [one.leaderboard for one in answered],
            Column("difference", "difference", score_kind(data.metric, is_signed=True)): apart,
        }
    )
    text += (
        f" The leaderboard is {form(sum(apart) / len(apart))} from cross-validation on average, "
        f"between {form(min(apart))} and {form(max(apart))}: a shift that all share is harmless, "
        "another order is not."
    )
    return Block("CV against leaderboard", text, table=table, csv="cv_leaderboard.csv")
