"""Reads target columns of numbers; tells them from columns of classes that are numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from seqblend.core.errors import InputError, listing
from seqblend.reading.class_names import as_number, whole_number
from seqblend.reading.column_roles import MISSING
from seqblend.reading.tables import RawTable

_TRUTH = {"true": 1.0, "false": 0.0}
_UNDEFINED = {"inf", "+inf", "-inf", "infinity", "-infinity"}
_MOST_CLASSES = 20  # more different numbers are no classes where most of them are rare
_RARE = 5  # a class that can be learnt has as many rows
_FRACTION = re.compile(r"[-+]?\d*\.(\d*[1-9]\d*)")


def read_numbers(table: RawTable, columns: Sequence[str]) -> np.ndarray:
    """float64 [n, q]: the columns' numbers; true is 1 and false 0.

    raises: InputError, with count and first row, for missing values and for what is no number
    """
    return np.stack([_read_column(table, name) for name in columns], axis=1)


def check_binary(table: RawTable, columns: Sequence[str], values: np.ndarray) -> None:
    """InputError, with count and first row, where values float64 [n, q] are neither 0 nor 1."""
    remedy = (
        "Correct them, or take a metric of numbers such as --metric mcrmse, without "
        "data.task=multi_label"
    )
    for name, column in zip(columns, values.T, strict=True):
        _refuse(table, name, ~np.isin(column, (0, 1)), "neither 0 nor 1", remedy)


def why_measured(texts: Sequence[str], answers: Iterable[str]) -> str:
    """Why labels are a quantity and not classes; "" where they are classes.

    They are where numbers have fractions, or most of many come in a few rows alone, or the
    sample's column (answers) has fractions that are no label. Numbers that are names, such as the
    versions 3.1 and 3.10 or the code 007, are classes.
    """
    counts = Counter(text for text in map(str.strip, texts) if not _is_missing(text))
    distinct, numbers = set(counts), {text: as_number(text) for text in counts}
    values = {value for value in numbers.values() if value is not None}
    if not values or None in numbers.values() or _are_names(distinct):
        return ""
    if any(not value.is_integer() for value in values):
        return f"numbers with fractions ({listing(sorted(distinct, key=float), 4)})"
    if 2 * len(values) > len(texts) and len(values) > _MOST_CLASSES:
        return f"{len(values):,} different numbers in {len(texts):,} rows"
    rows: Counter[float | None] = Counter()
    for text, count in counts.items():
        rows[numbers[text]] += count
    rare = sum(count < _RARE for count in rows.values())
    if 2 * rare > len(values) > _MOST_CLASSES:
        return f"{len(values):,} different whole numbers, {rare:,} of them in under {_RARE} rows"
    asked = [value for text in set(answers) if (value := as_number(text)) is not None]
    fractions = [value for value in asked if not value.is_integer()]
    if fractions and len(values) > 2:
        return f"the sample has numbers with fractions ({fractions[0]:g})"
    return ""


def _are_names(texts: set[str]) -> bool:
    """Whether numbers are written as no quantity is: 007, or 3.10 beside 3.1."""
    if any(whole_number(text) is None and re.fullmatch(r"[-+]?0\d+", text) for text in texts):
        return True
    decimals = {match[1] for text in texts if (match := _FRACTION.fullmatch(text))}
    is_padded = any(text.endswith("0") for text in decimals)
    return is_padded and len({len(text) for text in decimals}) > 1


def _is_missing(text: str) -> bool:
    return text.lower() in MISSING or text.lower() in _UNDEFINED


def _read_column(table: RawTable, name: str) -> np.ndarray:
    """float64 [n]."""
    texts = [text.strip() for text in table.texts(name)]
    values = {text: _TRUTH.get(text.lower(), as_number(text)) for text in set(texts)}
    missing = np.array([_is_missing(text) for text in texts])
    _refuse(table, name, missing, "missing", "Fill them in or leave these rows out")
    wrong = np.array([values[text] is None for text in texts])
    remedy = (
        "Correct them, name the column to predict with --set data.target=COLUMN, or take a metric "
        "of labels such as --metric accuracy"
    )
    _refuse(table, name, wrong, "no numbers", remedy)
    return np.array([values[text] for text in texts], dtype=np.float64)


def _refuse(table: RawTable, name: str, is_wrong: np.ndarray, what: str, remedy: str) -> None:
    """InputError where rows are wrong (bool [n])."""
    rows = np.flatnonzero(is_wrong)
    if len(rows):
        raise InputError(
            f"{table.path.name}, column '{name}': {len(rows)} values are {what}, the first "
            f"('{table.texts(name)[rows[0]]}') in {table.place(int(rows[0]))}. {remedy}"
        )
