"""Matches the rows of test and sample submission by their ids, whatever the columns are called."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seqblend.core.errors import InputError, listing
from seqblend.reading.id_columns import (
    check_unique,
    is_content,
    is_row_number,
    is_unique,
    looks_like_an_id,
    plain_number,
    trailing_number,
)
from seqblend.reading.tables import RawTable

ID_NAMES = ("id", "index", "row_id", "rowid", "")


@dataclass(frozen=True)
class RowIds:
    """How test rows and the sample submission's lines belong together.

    column: the id column of test; None where rows have only their number
    sample_column: that of the sample; None without a sample
    ids: of the test rows, as the submission writes them
    order: the ids in the order the submission has them; why: the reason, for display
    is_repeated: each id belongs to several rows of test, the steps of one sequence
    """

    column: str | None
    sample_column: str | None
    ids: list[str]
    order: list[str]
    why: str
    is_repeated: bool = False
    warnings: tuple[str, ...] = ()


def match_rows(test: RawTable, sample: RawTable | None, wanted: str = "") -> RowIds:
    """The rows' ids: by equal values of a column of test and one of the sample.

    wanted: the user's column of test
    raises: InputError for ids that are missing from, beyond, or repeated in one of the files
    """
    if sample is None:
        return _from_test_alone(test, wanted)
    for normal, how in _NORMAL_FORMS:
        fits = [
            _Fit(column, sample_column, ids, asked)
            for sample_column in _sample_columns(sample, wanted)
            for asked in (sample.texts(sample_column),)
            for column in ([wanted] if wanted else _id_candidates(test, sample_column))
            if (ids := _match_values(test.texts(column), asked, normal)) is not None
        ]
        if fits:
            return _choose_fit(fits, how, test, sample).row_ids(how)
    return _without_equal_values(test, sample, wanted)


@dataclass(frozen=True)
class _Fit:
    """A column of test and one of the sample with the same values."""

    column: str
    sample_column: str
    ids: list[str]
    asked: list[str]

    @property
    def pairing(self) -> tuple[int, ...]:
        """The sample's line of each row of test."""
        place = {text: line for line, text in enumerate(self.asked)}
        return tuple(place[text] for text in self.ids)

    def row_ids(self, how: str) -> RowIds:
        """The pairing, for which the rows' values have to be equal in the way of `how`."""
        why = f"{how} in test and sample submission"
        if self.sample_column != self.column:
            why += f", there '{self.sample_column}'"
        is_repeated = len(self.ids) > len(self.asked)
        if is_content(self.asked):  # the sample repeats the text: no column is left out for it
            why = f"{self.column}: {why}"
            return RowIds(None, self.sample_column, self.ids, self.asked, why, is_repeated)
        return RowIds(self.column, self.sample_column, self.ids, self.asked, why, is_repeated)


def _choose_fit(fits: list[_Fit], how: str, test: RawTable, sample: RawTable) -> _Fit:
    """The likeliest of several fits; ids go before row numbers, equal names before others.

    raises: InputError where two fits pair the rows in different ways and neither is likelier
    """
    ranked = sorted(
        fits,
        key=lambda fit: (
            is_row_number(fit.column, test.columns[fit.column]),
            is_content(fit.asked),
            fit.column.casefold() != fit.sample_column.casefold(),
        ),
    )
    best, *others = ranked
    likely = [fit for fit in others if _likelihood(fit, test) == _likelihood(best, test)]
    rival = next((fit for fit in likely if fit.pairing != best.pairing), None)
    if rival is None:
        return best
    raise InputError(
        f"{test.path.name}: '{best.column}' and '{rival.column}' both have the {how} as "
        f"{sample.path.name}, in different orders. Name the id's column with --set data.id=COLUMN"
    )


def _likelihood(fit: _Fit, test: RawTable) -> tuple[bool, bool]:
    is_number = is_row_number(fit.column, test.columns[fit.column])
    return is_number, fit.column.casefold() == fit.sample_column.casefold()


def _sample_columns(sample: RawTable, wanted: str) -> list[str]:
    """The sample's columns that may hold ids, the likeliest first: unique ones, by position."""
    unique = [name for name in sample.columns if is_unique(sample.columns[name])]
    return sorted(unique, key=lambda name: (name != wanted, is_content(sample.columns[name])))


def _id_candidates(test: RawTable, sample_column: str) -> list[str]:
    """Columns of test that may hold the ids: first those named alike."""
    plain = [name for name, cells in test.columns.items() if all(isinstance(c, str) for c in cells)]
    folded = sample_column.strip().casefold()
    return sorted(plain, key=lambda name: (name != sample_column, name.casefold() != folded))


def _match_values(
    cells: list[str], asked: list[str], normal: Callable[[str], str]
) -> list[str] | None:
    """The asked id of each cell, where both hold the same values in a normal form; else None."""
    known = {normal(text): text for text in asked}
    if len(known) < len(asked) or len(cells) < len(asked) or normal(cells[0]) not in known:
        return None
    values = [normal(cell) for cell in cells]
    return [known[value] for value in values] if set(values) == set(known) else None


_NORMAL_FORMS = (
    (str, "same values"),
    (plain_number, "same numbers"),
    (trailing_number, "same trailing numbers"),
)


def find_id_column(table: RawTable, name: str, ids: Sequence[str]) -> str | None:
    """The column with a row's id: of this name, but for case, else the one that holds these ids."""
    alike = [each for each in table.columns if each.casefold() == name.strip().casefold()]
    if name.strip() in table.columns:
        return name.strip()
    wanted = set(ids)
    holding = [
        each
        for each, cells in table.columns.items()
        if all(isinstance(cell, str) for cell in cells) and wanted <= set(table.texts(each))
    ]
    return next(iter([*alike, *holding]), None)


def _without_equal_values(test: RawTable, sample: RawTable, wanted: str) -> RowIds:
    """Ids that differ: another order of rows is taken only where that is proved to be right."""
    shared = [name for name in sample.columns if name in test.columns]
    same = [name for name in shared if test.columns[name] == sample.columns[name]]
    if same and same == shared and not wanted:
        return _in_order(sample, same[0])
    column = wanted or next((name for name in shared if is_unique(test.columns[name])), "")
    first = next(iter(sample.columns))
    if column and (column in sample.columns or wanted):
        sample_column = column if column in sample.columns else first
        return _overlapping(test, sample, column, sample_column)
    if shared and not is_unique(test.columns[shared[0]]):
        check_unique(test.texts(shared[0]), test)
    rivals = [name for name in test.columns if looks_like_an_id(test, name)]
    if len(test) != len(sample) or rivals:
        held = f"'{rivals[0]}' has others" if rivals else "no column holds them"
        raise InputError(
            f"{sample.path.name} has {len(sample)} ids in '{first}' (the first: "
            f"{listing(sample.texts(first), 3)}), {test.path.name} has {len(test)} rows; expected "
            f"a column of {test.path.name} with the same ids, but {held}. Take test and sample "
            "submission of the same competition, or name the id's column with "
            "--set data.id=COLUMN"
        )
    asked = sample.texts(first)
    warning = (
        f"{test.path.name} has no ids: its rows are matched with those of {sample.path.name} by "
        "their order"
    )
    check_unique(asked, sample)
    return RowIds(None, first, asked, asked, "row number", warnings=(warning,))


def is_rerun() -> bool:
    """Whether Kaggle runs this notebook again, on the hidden test rows of a code competition."""
    return bool(os.environ.get("KAGGLE_IS_COMPETITION_RERUN"))


def _in_order(sample: RawTable, name: str) -> RowIds:
    """Rows that the sample repeats in the order of test, some of them more than once."""
    ids = [str(row) for row in range(len(sample))]
    why = f"row number: '{name}' is the same in test and sample submission, row by row"
    return RowIds(None, None, ids, ids, why)


def _overlapping(test: RawTable, sample: RawTable, column: str, sample_column: str) -> RowIds:
    """Ids some of which are in one file only: an error, or the hidden rerun of a kernel."""
    ids, asked = test.texts(column), sample.texts(sample_column)
    check_unique(ids, test)
    check_unique(asked, sample)
    if is_rerun():
        warning = "the test file has other ids than the sample (hidden rerun): test order"
        return RowIds(column, sample_column, ids, ids, "hidden rerun", warnings=(warning,))
    parts = [
        f"{len(rows)} ids of {here} are not in {there} (the first: {listing(rows, 3)})"
        for rows, here, there in (
            (_beyond(asked, ids), sample.path.name, test.path.name),
            (_beyond(ids, asked), test.path.name, sample.path.name),
        )
        if rows
    ]
    raise InputError(
        f"{'; '.join(parts)}. Take test and sample submission of the same competition, name the "
        "id's column with --set data.id=COLUMN, or do without the sample: --set data.sample=none"
    )


def _beyond(ids: list[str], others: list[str]) -> list[str]:
    known = set(others)
    return [text for text in ids if text not in known]


def _from_test_alone(test: RawTable, wanted: str) -> RowIds:
    """Without a sample: the unique column that is named or looks like an id, else row numbers."""
    named = [name for name in test.columns if name.casefold() in ID_NAMES]
    prefixes = [re.sub(r"\d+$", "", name) for name in test.columns]
    looking = [
        name
        for name, prefix in zip(test.columns, prefixes, strict=True)
        if prefixes.count(prefix) == 1 and looks_like_an_id(test, name)  # t1, t2, .. are steps
    ]
    unique = [name for name in named if is_unique(test.columns[name])]
    if wanted:
        ids = test.texts(wanted)
        return RowIds(wanted, None, ids, ids, "asked for", is_repeated=len(set(ids)) < len(ids))
    for name, why in ((unique, "by its name"), (looking, "short and unique")):
        if name and (len(test.columns) > 1 or name is unique):
            ids = test.texts(name[0])
            return RowIds(name[0], None, ids, ids, why)
    if named and named[0]:
        check_unique(test.texts(named[0]), test)
    ids = [str(row) for row in range(len(test))]
    return RowIds(None, None, ids, ids, "no unique short column")
