"""Reads labels: text to sorted classes and class indices; also a stratified subset of rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from seqblend.core.errors import FlagError, InputError, listing
from seqblend.core.seeds import rng_for
from seqblend.reading.class_names import as_number, whole_number
from seqblend.reading.json_tables import Cell
from seqblend.reading.tables import RawTable

_UNDEFINED = {"nan", "inf", "+inf", "-inf", "infinity", "-infinity"}  # among numbers
_MOST_TEXT_CLASSES = 20  # more, in over half as many rows, are no classes
_STRAY = 0.01  # share of labels of another type that is taken for mistakes
_ROUNDING = 1e-6  # relative, of steps between grades
_MOST_FRACTIONS = 10  # more different numbers with fractions are no classes


@dataclass(frozen=True)
class Labels:
    """classes: text, sorted (by value where all are numbers); values: int64 [n], their indices."""

    classes: tuple[str, ...]
    values: np.ndarray


def read_labels(
    table: RawTable, column: str, cells: list[Cell] | None = None, *, is_given: bool = False
) -> Labels:
    """The classes and class indices of a label column; `is_given` where the user named it.

    cells: the labels, where the column is made of others

    A class is a text, unless all labels are whole numbers: then 0.0 and 1.0 are 0 and 1.
    raises: InputError, with count and first row, for empty, undefined or mixed labels; for one
        class only; for what looks like a regression target
    """
    if cells is not None:
        table = replace(table, columns={column: cells})
    texts = [text.strip() for text in table.texts(column)]
    where = f"{table.path.name}, column '{column}'"
    distinct = sorted(set(texts))
    numbers = {text for text in distinct if as_number(text) is not None}
    is_numeric = len(numbers) > 0 and all(
        text in numbers or not text or text.lower() in _UNDEFINED for text in distinct
    )
    bad = [
        row
        for row, text in enumerate(texts)
        if not text or (is_numeric and text.lower() in _UNDEFINED)
    ]
    if bad:
        raise InputError(
            f"{where}: {len(bad)} labels are empty or not a number, the first ('{texts[bad[0]]}') "
            f"in {table.place(bad[0])}. Fill them in or leave these rows out"
        )
    if numbers and not is_numeric and not is_given:
        _check_mixed(table, where, texts, numbers)
    names = name_classes(distinct)
    classes = sort_values(set(names.values()))
    _check_classes(where, classes, len(texts), is_given=is_given)
    position = {name: i for i, name in enumerate(classes)}
    index = {text: position[names[text]] for text in distinct}
    return Labels(tuple(classes), np.array([index[text] for text in texts], dtype=np.int64))


def name_classes(texts: list[str]) -> dict[str, str]:
    """Label as written -> class: whole numbers and truth values in one form, texts unchanged."""
    whole = {text: whole_number(text) for text in texts}
    if all(name is not None for name in whole.values()):
        return whole  # type: ignore[return-value]
    if all(text.lower() in ("true", "false") for text in texts):
        return {text: text.lower() for text in texts}
    return {text: text for text in texts}


def fraction_warning(classes: tuple[str, ...]) -> list[str]:
    """A warning where classes are numbers with fractions: they may be meant as a quantity."""
    numbers = [as_number(name) for name in classes]
    if None in numbers or all(value.is_integer() for value in numbers if value is not None):
        return []
    if len(set(numbers)) < len(classes):
        return []  # 3.1 and 3.10 are names
    return [
        f"the labels are numbers with fractions ({listing(classes, 5)}): each is taken for a class "
        "of its own"
    ]


def spacing_warning(grades: tuple[str, ...]) -> list[str]:
    """A warning where grades, numbers in their order, are not equally far apart."""
    values = np.array([float(grade) for grade in grades])
    steps = np.diff(values)
    wide = np.flatnonzero(steps > steps.min() * (1 + _ROUNDING)) if len(steps) else []
    if len(wide) == 0:
        return []
    some = "; ".join(f"{grades[k]}, {grades[k + 1]}" for k in wide[:3])
    return [f"grades are not equally spaced ({some}): kappa counts steps between those that occur"]


def case_warning(classes: tuple[str, ...]) -> list[str]:
    """A warning where classes differ in case or spaces alone: they may be meant as one."""
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault("".join(name.casefold().split()), []).append(name)
    several = [names for names in alike.values() if len(names) > 1]
    if not several:
        return []
    return [
        f"labels that differ in case or spaces alone are classes of their own: "
        f"{'; '.join(listing(names, 4) for names in several[:3])}. Write them in one way if they "
        "are meant as one"
    ]


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

    labels: int64 [n], classes or other strata; rows: 0 or more than n selects all rows
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


def _check_mixed(table: RawTable, where: str, texts: list[str], numbers: set[str]) -> None:
    """InputError where hardly any label is a text among numbers, or a number among texts."""
    is_number = [text in numbers for text in texts]
    is_few = 2 * sum(is_number) < len(texts)  # the rarer type is the likely mistake
    rare = [row for row, flag in enumerate(is_number) if flag == is_few]
    if len(rare) > max(_STRAY * len(texts), 1):
        return
    raise InputError(
        f"{where}: numbers and text are mixed; {len(rare)} labels are "
        f"{'numbers' if is_few else 'no numbers'}, the first ('{texts[rare[0]]}') in "
        f"{table.place(rare[0])}. Correct them, or name the column with --set data.target=COLUMN "
        "where they are classes"
    )


def _check_classes(where: str, classes: list[str], n: int, *, is_given: bool) -> None:
    if len(classes) == 1:
        raise InputError(
            f"{where}: every label is '{classes[0]}'; expected at least two classes. "
            "Name the label's column with --set data.target=COLUMN"
        )
    if is_given:
        return
    fractions = [name for name in classes if not whole_number(name) and as_number(name) is not None]
    numbers = {as_number(name) for name in classes}
    is_measured = len(fractions) > 0 and None not in numbers and len(numbers) == len(classes)
    many = 2 * len(classes) > n
    if (is_measured and (many or len(classes) > _MOST_FRACTIONS)) or (
        many and len(classes) > _MOST_TEXT_CLASSES
    ):
        raise InputError(
            f"{where}: {len(classes)} different labels in {n} rows ({listing(classes, 4)}) look "
            "like a regression target or an id; expected classes. Take a metric of numbers, such "
            "as --metric rmse, name the label's column with --set data.target=COLUMN, or take each "
            "value as a class with --set data.task=single_label"
        )
