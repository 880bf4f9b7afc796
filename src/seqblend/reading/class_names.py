"""Matches names of classes: columns, values and files may write one class in different ways."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

Words = tuple[str, ...]
_POSITIVE = {"1", "yes", "y", "true", "t", "pos", "positive"}
_NEGATIVE = {"0", "-1", "no", "n", "false", "f", "neg", "negative"}
_NEGATIONS = {"not", "non", "no", "without"}
_LONG = {"neg": "negative", "pos": "positive", "neu": "neutral", "y": "yes", "n": "no"}
_LONG |= {"t": "true", "f": "false", "m": "male"}
_SHORT = {long: short for short, long in _LONG.items()}
_SHORTEST = 3  # letters of an abbreviation
_PADDED = re.compile(r"[-+]?0\d+")  # 007 is a name, not the number 7


def as_number(text: str) -> float | None:
    """The text as a finite number, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def whole_number(text: str) -> str | None:
    """`1`, `1.0` and `+1` as `1`; None for other texts, `007` and `1e5` among them."""
    match = re.fullmatch(r"\+?(-?\d+)(?:\.0*)?", text)
    return match[1] if match and not _PADDED.fullmatch(text) else None


def split_words(text: str) -> Words:
    """The words of a name in lower case: `ham_prob`, `hamProb` and `Ham prob` are (ham, prob).

    Letters and digits are separate words; a point between digits and a leading minus belong to
    the number: `class-1` is (class, 1), `-1` is (-1,), `3.10` is (3.10,).
    """
    text = unicodedata.normalize("NFKC", text).strip()
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    number = r"(?:(?<![^\W_])-)?\d+(?:\.\d+)*"
    return tuple(re.findall(rf"{number}|[^\W\d_]+", text.casefold()))


def match_names(names: Sequence[str], classes: Sequence[str]) -> dict[str, str] | None:
    """The class of each name, where names and classes belong together one to one; else None.

    The first of these rules that fits all names counts: the same text; the same whole number; the
    same text but for case and Unicode form; the same words; the class's words in a row within the
    name, where all names have the same further words before and after (`p_spam`, `p_ham`); one is
    the beginning of the other (`pos`, `Positive`); yes and no, true and false, 1 and 0 in another
    form (`Y`, `1`); one is the first letter of the other (`F`, `female`).
    """
    if len(set(names)) != len(names) or len(names) != len(classes):
        return None
    keys: tuple[Callable[[str], object], ...] = (
        str,
        lambda text: whole_number(text.strip()) or text,
        lambda text: unicodedata.normalize("NFKC", text).strip().casefold(),
        lambda text: "".join(split_words(text)) or text,
    )
    for key in keys:
        known = {key(name): name for name in classes}
        matched = {name: known[key(name)] for name in names if key(name) in known}
        if len(known) == len(classes) == len(set(matched.values())):
            return matched
    return (
        _match_within(names, classes)
        or _match_beginnings(names, classes, _begin_alike)
        or _match_truths(names, classes)
        or _match_beginnings(names, classes, _is_initial)
    )


def _match_beginnings(
    names: Sequence[str], classes: Sequence[str], are_alike: Callable[[str, str], bool]
) -> dict[str, str] | None:
    matched = {
        name: fitting[0]
        for name in names
        if len(fitting := [each for each in classes if are_alike(name, each)]) == 1
    }
    is_whole = len(matched) == len(names) == len(set(matched.values()))
    return matched if is_whole else None


def _begin_alike(one: str, other: str) -> bool:
    """Whether one name is an abbreviation of the other: its first three letters or more."""
    words = sorted((split_words(one), split_words(other)), key=lambda w: len("".join(w)))
    if [len(each) for each in words] != [1, 1]:
        return False
    (short,), (long,) = words
    return len(short) >= _SHORTEST and short.isalpha() and long.startswith(short)


def _is_initial(one: str, other: str) -> bool:
    """Whether one name is the other's first letter."""
    short, long = sorted((one.strip().casefold(), other.strip().casefold()), key=len)
    return len(short) == 1 and short.isalpha() and long.isalpha() and long.startswith(short)


def _match_truths(names: Sequence[str], classes: Sequence[str]) -> dict[str, str] | None:
    """Of two names and two classes the positive and the negative one: 1 and Y, 0 and N."""
    if len(names) != len(classes) or len(classes) != 2:
        return None
    name, place = positive_class(names), positive_class(classes)
    if name is None or place is None:
        return None
    return {names[name]: classes[place], names[1 - name]: classes[1 - place]}


def _match_within(names: Sequence[str], classes: Sequence[str]) -> dict[str, str] | None:
    """Classes whose words are a part of the names, which have the same other words."""
    found: dict[tuple[Words, Words], dict[str, str]] = {}
    for name in names:
        words = split_words(name)
        for each in classes:
            for place in places_of(split_words(each), words):
                affixes = words[:place], words[place + len(split_words(each)) :]
                found.setdefault(affixes, {})[name] = each
    fitting = [
        matched
        for matched in found.values()
        if len(matched) == len(names) and len(set(matched.values())) == len(classes)
    ]
    return fitting[0] if len(fitting) == 1 else None


def places_of(inner: Words, words: Words) -> list[int]:
    """The positions at which the words `inner` stand in a row within `words`."""
    if not inner:
        return []
    last = len(words) - len(inner)
    return [at for at in range(last + 1) if words[at : at + len(inner)] == inner]


def find_class(text: str, classes: Sequence[str]) -> int | None:
    """The class that a text names, by the first rules of match_names; None where none or several.

    text: a value, such as a label in a file of predictions
    """
    for key in (
        str,
        lambda value: whole_number(value.strip()) or value.strip(),
        lambda value: unicodedata.normalize("NFKC", value).strip().casefold(),
    ):
        fitting = [i for i, name in enumerate(classes) if key(name) == key(text)]
        if len(fitting) == 1:
            return fitting[0]
    fitting = [i for i, name in enumerate(classes) if _begin_alike(name, text)]
    return fitting[0] if len(fitting) == 1 else None


def class_of_column(column: str, classes: Sequence[str]) -> int | None:
    """The class whose words are in a column's name, the one with most words; None if none is.

    `not_spam` is the other of two classes.
    """
    words = split_words(column)
    places = [places_of(split_words(name), words) for name in classes]
    lengths = [
        len(split_words(name)) if found else 0 for name, found in zip(classes, places, strict=True)
    ]
    most = max(lengths)
    if not most or lengths.count(most) > 1:
        return None
    chosen = lengths.index(most)
    before = places[chosen][0] - 1
    is_negated = before >= 0 and words[before] in _NEGATIONS
    if not is_negated:
        return chosen
    return 1 - chosen if len(classes) == 2 else None


def positive_class(classes: Sequence[str]) -> int | None:
    """Which of two classes is the positive one by its name (1, yes, true, positive); else None."""
    names = ["".join(split_words(name)) for name in classes]
    for first, second in ((0, 1), (1, 0)):
        if names[first] in _NEGATIVE and names[second] in _POSITIVE:
            return second
    return None


def write_like(classes: Sequence[str], samples: Iterable[str]) -> tuple[tuple[str, ...], list[str]]:
    """(each class as the sample writes it, values of the sample that are no class).

    A class that the sample does not hold is written in the way of those that it does: with `.0`,
    or in its case (TRUE for true where FALSE stands for false).
    """
    samples = sorted({text.strip() for text in samples})
    is_numeric = all(as_number(name) is not None for name in classes)
    truth = None if is_numeric else _as_truth_values(classes, samples)
    if truth is not None:
        return truth, []
    whole = match_names(samples, classes)
    if whole is not None:
        return tuple(sorted(whole, key=lambda text: classes.index(whole[text]))), []
    places = {text: find_class(text, classes) for text in samples}
    unknown = [text for text, place in places.items() if place is None]
    written = {place: text for text, place in places.items() if place is not None}
    if len(set(places.values()) - {None}) < len(places) - len(unknown):
        written = {}  # two ways of writing one class: the labels' own is taken
    ways: tuple[Callable[[str], str], ...] = (
        str,
        lambda name: f"{name}.0" if whole_number(name) == name else name,
    )
    cases = (str, str.upper, str.lower, str.title, str.capitalize)
    ways += tuple(
        lambda name, case=case, table=table: case(table.get(name.casefold(), name))
        for table in ({}, _LONG, _SHORT)
        for case in cases
    )
    for way in ways:
        if written and all(way(classes[place]) == text for place, text in written.items()):
            return tuple(map(way, classes)), unknown
    return tuple(written.get(i, name) for i, name in enumerate(classes)), unknown


def _as_truth_values(classes: Sequence[str], samples: list[str]) -> tuple[str, ...] | None:
    """1 for the positive of two classes (true, yes), 0 for the other, as the sample has them."""
    place = positive_class(classes) if len(classes) == 2 else None
    if place is None or not samples or not set(samples) <= {"0", "1", "0.0", "1.0"}:
        return None
    zero, one = ("0.0", "1.0") if "." in samples[0] else ("0", "1")
    return (zero, one) if place == 1 else (one, zero)
