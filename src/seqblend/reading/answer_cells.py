"""Tells what the cells of the sample submission hold: labels, several guesses, probabilities."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from seqblend.core.errors import InputError
from seqblend.reading.class_names import as_number, find_class, positive_class, write_like


def write_like_sample(
    classes: tuple[str, ...], texts: Sequence[str]
) -> tuple[tuple[str, ...], list[str]]:
    """class_names.write_like for the sample's cells, each of which may hold several guesses."""
    parts = [part for text in texts for part in text.split()]
    are_guesses = all(find_class(part, classes) is not None for part in set(parts))
    return write_like(classes, parts if are_guesses else texts)


def count_guesses(texts: Sequence[str], classes: Sequence[str]) -> int:
    """How many classes, separated by spaces, each cell holds; 1 where not all hold several.

    raises: InputError where names of classes contain spaces themselves
    """
    distinct = {text.strip() for text in texts}
    if not distinct or any(find_class(text, classes) is not None for text in distinct):
        return 1
    cells = [text.split() for text in distinct]
    if any(find_class(part, classes) is None for part in {p for cell in cells for p in cell}):
        _check_spaces(distinct, classes)
        return 1
    counts = {len(cell) for cell in cells}
    return counts.pop() if len(counts) == 1 else 1


def check_no_spaces(classes: Sequence[str]) -> None:
    """InputError where several classes in one cell, separated by spaces, cannot be told apart."""
    spaced = next((name for name in classes if len(name.split()) != 1), None)
    if spaced is not None:
        raise InputError(
            f"several guesses in one cell are separated by spaces, and the class '{spaced}' "
            "contains one. Replace the spaces in the training labels, such as by _"
        )


def holds_probabilities(texts: Iterable[str], classes: Sequence[str]) -> bool:
    """Whether some value is a fraction and no class."""
    values = [as_number(text) for text in set(texts) if find_class(text, classes) is None]
    return any(value is not None and not value.is_integer() for value in values)


def is_constant_zero(texts: Iterable[str], classes: Sequence[str]) -> bool:
    """Whether two classes are 0 and 1 and every value is 0: a label, or a probability."""
    values = {as_number(text) for text in texts}
    is_binary = {as_number(name) for name in classes} == {0, 1} or positive_class(
        classes
    ) is not None
    return len(values) == 1 and values <= {0.0, 1.0} and len(classes) == 2 and is_binary


def _check_spaces(cells: set[str], classes: Sequence[str]) -> None:
    """InputError where every cell is several classes, and some of these contain spaces."""
    if all(" " not in name for name in classes):
        return
    name = "|".join(re.escape(each) for each in sorted(classes, key=len, reverse=True))
    several = re.compile(rf"(?:{name})(?: (?:{name}))+")
    if all(several.fullmatch(cell) for cell in cells):
        check_no_spaces(classes)
