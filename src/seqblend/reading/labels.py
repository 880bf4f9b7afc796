"""Reads labels: text to sorted classes and class indices; also a stratified subset of rows."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from seqblend.core.errors import FlagError, InputError, listing
from seqblend.core.seeds import rng_for
from seqblend.reading.tables import RawTable

_UNDEFINED = {"", "nan", "inf", "+inf", "-inf", "infinity", "-infinity"}
_PADDED = re.compile(r"[-+]?0\d+")  # 007 is a name, not the number 7
_MOST_TEXT_CLASSES = 20  # more, in over half as many rows, are no classes


@dataclass(frozen=True)
class Labels:
    """classes: text, sorted (by value where all are numbers); values: int64 [n], their indices."""

    classes: tuple[str, ...]
    values: np.ndarray


def read_labels(table: RawTable, column: str, *, is_given: bool = False) -> Labels:
    """The classes and class indices of a label column; `is_given` where the user named it.

    0.0 and 1.0 are read as 0 and 1.
    raises: InputError, with count and first row, for empty, undefined or mixed labels; for one
        class only; for what looks like a regression target
    """
    texts = [text.strip() for text in table.texts(column)]
    where = f"{table.path.name}, column '{column}'"
    bad = [row for row, text in enumerate(texts) if text.lower() in _UNDEFINED]
    if bad:
        raise InputError(
            f"{where}: {len(bad)} labels are empty or not a number, the first ('{texts[bad[0]]}') "
            f"in {table.place(bad[0])}. Fill them in or leave these rows out"
        )
    distinct = sorted(set(texts))
    numbers = {text: value for text in distinct if (value := as_number(text)) is not None}
    if numbers and len(numbers) < len(distinct):
        _raise_mixed(table, where, texts, numbers)
    names = {text: normal_label(text) for text in distinct} if numbers else dict.fromkeys(distinct)
    if any(_PADDED.fullmatch(text) for text in distinct) or not numbers:
        names = {text: text for text in distinct}
    classes = sort_values(set(names.values()))
    _check_classes(where, classes, len(texts), is_given=is_given)
    position = {name: i for i, name in enumerate(classes)}
    index = {text: position[names[text]] for text in distinct}
    return Labels(tuple(classes), np.array([index[text] for text in texts], dtype=np.int64))


def as_number(text: str) -> float | None:
    """The text as a finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def normal_label(text: str) -> str:
    """The normal form of a label: `1.0` -> `1`; `True` -> `true`; else unchanged."""
    if text.lower() in ("true", "false"):
        return text.lower()
    value = as_number(text)
    if value is None or _PADDED.fullmatch(text) or re.fullmatch(r"-?\d+", text):
        return text
    return str(int(value)) if value.is_integer() else repr(value)


def sort_values(texts: set[str]) -> list[str]:
    """Sorted by value where all are numbers, else by text."""
    values = {text: as_number(text) for text in texts}
    if all(value is not None for value in values.values()):
        return sorted(texts, key=lambda text: (values[text], text))
    return sorted(texts)


def factorise(texts: list[str]) -> np.ndarray:
    """int64 [n]: the position of each text among the sorted distinct ones."""
    position = {text: i for i, text in enumerate(sort_values(set(texts)))}
    return np.array([position[text] for text in texts], dtype=np.int64)


def stratified_rows(labels: np.ndarray, rows: int) -> np.ndarray:
    """int64 [about rows], ascending: a stratified sample with at least one row of each class.

    labels: int64 [n]; rows: 0 or more than n selects all rows
    """
    if rows < 0:
        raise FlagError(f"data.rows expects 0 (all) or more, got {rows}")
    n = len(labels)
    if rows == 0 or rows >= n:
        return np.arange(n)
    order = rng_for(0, "subset").permutation(n)
    place = np.empty(n)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
        place[members[0]] = -1.0
    most = max(rows, len(np.unique(labels)))
    return np.sort(np.lexsort((order, place))[:most])


def _raise_mixed(table: RawTable, where: str, texts: list[str], numbers: dict[str, float]) -> None:
    is_number = [text in numbers for text in texts]
    is_few = 2 * sum(is_number) < len(texts)  # the rarer type is the likely mistake
    rare = [row for row, flag in enumerate(is_number) if flag == is_few]
    raise InputError(
        f"{where}: numbers and text are mixed; {len(rare)} labels are "
        f"{'numbers' if is_few else 'no numbers'}, the first ('{texts[rare[0]]}') in "
        f"{table.place(rare[0])}. Write all labels as text or all as numbers"
    )


def _check_classes(where: str, classes: list[str], n: int, *, is_given: bool) -> None:
    if len(classes) == 1:
        raise InputError(
            f"{where}: every label is '{classes[0]}'; expected at least two classes. "
            "Name the label's column with --set data.target=COLUMN"
        )
    values = [as_number(name) for name in classes]
    has_fractions = any(value is not None and not value.is_integer() for value in values)
    if 2 * len(classes) > n and (
        has_fractions or (len(classes) > _MOST_TEXT_CLASSES and not is_given)
    ):
        raise InputError(
            f"{where}: {len(classes)} different labels in {n} rows ({listing(classes, 4)}) look "
            "like a regression target or an id; expected classes. Bin the values, or name the "
            "label's column with --set data.target=COLUMN"
        )
