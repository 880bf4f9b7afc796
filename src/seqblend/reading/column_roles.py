"""Tells what a column holds: text, a category, a number, or nothing to learn from."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from seqblend.core.config import DataConfig
from seqblend.core.errors import InputError
from seqblend.reading.class_names import as_number, split_words
from seqblend.reading.json_tables import Cell
from seqblend.reading.kinds import (
    NEARLY_ALL,
    ColumnKind,
    detect_kind,
    is_flat,
    is_object,
    make_tokenizer,
    measured_kind,
    object_texts,
    typical_cells,
)
from seqblend.reading.tables import RawTable
from seqblend.reading.words import count_words

_CODES = {  # what single words of a column are, where nearly all of them match
    "URLs": re.compile(r"(?:https?|ftp)://\S+|www\.\S+", re.IGNORECASE),
    "addresses": re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"),
    "IP addresses": re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?"),
    "UUIDs": re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE),
    "hashes": re.compile(r"(?=.*\d)(?=.*[a-f])(?:[0-9a-f]{8,10}|[0-9a-f]{16,128})", re.IGNORECASE),
    "paths": re.compile(
        r"(?:[A-Za-z]:)?(?:[\w.~-]*[/\\])+[\w. ~-]+\.\w{2,5}|(?:[\w.~-]+[/\\]){2,}[\w.~-]+"
        r"|[\w.-]+\.(?:jpe?g|png|gif|wav|mp[34]|txt|csv|json)"
    ),
    "handles": re.compile(r"@\w+"),
    "dates": re.compile(
        r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ]\d{1,2}:\d{2}.*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}"
        r"(?: \d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[APap][Mm])?"
        r"|(?:\w{3,9},? )?\d{1,2} [A-Za-z]{3,9},? \d{4}.*|[A-Z][a-z]{2,8} \d{1,2},? \d{4}.*"
        r"|[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d .*\d{4}"
        r"|(?:19|20)\d{6}(?:T?\d{6})?Z?"
    ),
}
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)
MISSING = {"", "?", "-", "na", "n/a", "nan", "null", "none", "missing", "unknown"}  # of numbers
_OBJECT_WORDS = 5.0  # mean words of the texts in JSON objects from which they are read
IDS_OF_STEPS = "ids of steps"
SHORT_NAMES = "short names, hardly any comes again"
_FEW_VALUES = 20  # numbers with so few different values are categories
_REPEATS = 3.0  # mean rows per value from which words are categories
_LONGEST_CATEGORY = 60  # characters
_SHORTEST_TEXT = 2.0  # mean words per row of a text
_LONGEST_KEY = 40  # characters
_FOREIGN_REPEATS = 1.5  # mean rows per value from which words that test lacks are groups' names
_KNOWN = 0.5  # share of test rows whose category is in train, from which it tells something


@dataclass(frozen=True)
class ColumnRole:
    """What a column holds.

    name: sequence, category, number, or ignored; kind: how a sequence is tokenized
    why: for an ignored column, the reason
    """

    name: str
    kind: ColumnKind | None = None
    why: str = ""

    @property
    def may_be_sequence(self) -> bool:
        """Whether the column is the sequence where no other is: words, or short names."""
        return self.name in ("sequence", "category") or self.why == SHORT_NAMES


def find_role(name: str, train: RawTable, test: RawTable, data: DataConfig) -> ColumnRole:
    """The role of a column that train and test share, by its values."""
    both = [*typical_cells(train.columns[name]), *typical_cells(test.columns[name])]
    if any(isinstance(cell, list) for cell in both):
        return _list_role(typical_cells(train.columns[name]), data)
    texts = [cell.strip() for cell in both if isinstance(cell, str) and cell.strip()]
    distinct = set(texts)
    if len(distinct) < 2:
        return ColumnRole("ignored", why="one value" if distinct else "empty")
    if _are_foreign(train.texts(name), test.texts(name)):
        return ColumnRole("ignored", why="test rows have other values than train")
    if _share_of(texts, _OBJECT) > NEARLY_ALL and any(map(is_object, texts[:20])):
        return _object_role(texts)
    for what, pattern in _CODES.items():
        if _share_of(texts, pattern) > NEARLY_ALL:
            kind = None if what == "dates" else ColumnKind("chars", why=what)
            return ColumnRole("ignored", kind, what)
    known = [text for text in texts if text.lower() not in MISSING]
    if known and all(to_number(text) is not None for text in known):
        return _number_role(name, train, test, data)
    kind = detect_kind(both, data.kind)
    if kind.separator == "list" and not all(map(is_flat, texts)):
        return ColumnRole("ignored", kind, "nested values")
    if _is_category(name, train, test):
        return ColumnRole("category")
    if kind.name == "text" and sum(map(count_words, texts)) < _SHORTEST_TEXT * len(texts):
        return ColumnRole("ignored", kind, SHORT_NAMES)
    if kind.name == "chars" and _are_keys(texts):
        return ColumnRole("ignored", kind, "ids")
    return ColumnRole("sequence", kind)


def _list_role(cells: list[Cell], data: DataConfig) -> ColumnRole:
    """A sequence, unless its members are one value, or codes none of which comes again."""
    members = [member for cell in cells if isinstance(cell, list) for member in cell if member]
    if len(set(members)) < 2:
        return ColumnRole("ignored", why="one value" if members else "empty")
    is_coded = all(any(c.isdigit() for c in member) for member in members)
    if is_coded and len(set(members)) == len(members) and not measured_kind([members]):
        return ColumnRole("ignored", ColumnKind("tokens", "list"), IDS_OF_STEPS)
    return ColumnRole("sequence", detect_kind(cells, data.kind))


def _object_role(texts: list[str]) -> ColumnRole:
    """JSON objects are read as the texts in them, where these are prose."""
    inner = [" ".join(object_texts(text)) for text in texts]
    words = sum(map(count_words, inner))
    if words < _OBJECT_WORDS * len(inner) or len(set(inner)) < 0.5 * len(inner):
        return ColumnRole("ignored", why="JSON objects")
    return ColumnRole("sequence", ColumnKind("text", "object", "texts in JSON objects"))


def _are_foreign(train: list[str], test: list[str]) -> bool:
    """Whether single words come again within train, and test has none of them."""
    known = {cell for cell in train if cell}
    if any(" " in cell or len(cell) > _LONGEST_KEY for cell in known):
        return False
    return len(train) >= _FOREIGN_REPEATS * len(known) and known.isdisjoint(filter(None, test))


def mean_tokens(name: str, table: RawTable, data: DataConfig, kind: ColumnKind | None) -> float:
    """The mean number of tokens of typical cells; kind: None where it is to be detected."""
    cells = typical_cells(table.columns[name], 200)
    tokenize = make_tokenizer(kind or detect_kind(cells, data.kind), table, name, data)
    return sum(len(tokenize(cell)) for cell in cells) / max(len(cells), 1)


def _share_of(texts: list[str], pattern: re.Pattern[str]) -> float:
    return sum(bool(pattern.fullmatch(text)) for text in texts) / len(texts)


def _number_role(name: str, train: RawTable, test: RawTable, data: DataConfig) -> ColumnRole:
    """A category where values are few and come again, an id where they count rows, else a number.

    Long strings of digits, none of which comes again, are spelt: a sequence of characters.
    """
    texts = train.texts(name)
    filled = [text for text in texts if text.strip().lower() not in MISSING]
    kind = detect_kind(list(filled), data.kind)
    if kind.name == "chars" and all(text.strip().isdecimal() for text in filled):
        return ColumnRole("sequence", kind)
    if _is_category(name, train, test) and len(set(texts)) <= _FEW_VALUES:
        return ColumnRole("category")
    if _are_row_ids(name, filled):
        return ColumnRole("ignored", why="ids: a number for each row")
    seen = {to_number(text) for text in filled}
    values = [value for text in test.texts(name) if (value := to_number(text)) is not None]
    low, high = min(v for v in seen if v is not None), max(v for v in seen if v is not None)
    if np.mean([low <= value <= high for value in values] or [0.0]) < _KNOWN:
        return ColumnRole("ignored", why="test rows have other values than train")
    return ColumnRole("number")


def _are_row_ids(name: str, texts: list[str]) -> bool:
    """Whether whole numbers, a different one in each row, only number the rows.

    They do where the column is named so, ascend in the file, or leave few numbers out.
    """
    if len(set(texts)) < len(texts) or not all(text.strip().isdecimal() for text in texts):
        return False
    numbers = np.array([int(text) for text in texts], dtype=np.float64)
    is_named = bool({"id", "ids", "index", "key", "number", "no", "nr"} & set(split_words(name)))
    is_dense = np.ptp(numbers) < 3 * len(numbers)
    return is_named or is_dense or bool((np.diff(numbers) > 0).all())


def to_number(text: str) -> float | None:
    """The text as a number, also with a currency or percent sign and thousands separators."""
    plain = re.sub(r"[$€£¥%]", "", text).strip()
    if re.fullmatch(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", plain):
        plain = plain.replace(",", "")
    return as_number(plain)


def _is_category(name: str, train: RawTable, test: RawTable) -> bool:
    """Whether values are short, come again, and are those of most test rows."""
    cells = [cell for cell in train.texts(name) if cell.strip()]
    known = set(cells)
    if not cells or max(map(len, known)) > _LONGEST_CATEGORY or len(known) < 2:
        return False
    if len(cells) < _REPEATS * len(known):
        return False
    asked = [cell for cell in test.texts(name) if cell.strip()]
    return sum(cell in known for cell in asked) >= _KNOWN * len(asked)


def _are_keys(texts: list[str]) -> bool:
    """Whether single words are ids: a digit in nearly each, of about one length, never again."""
    if len(set(texts)) < 0.9 * len(texts) or any(" " in text for text in texts):
        return False
    lengths = {len(text) for text in texts}
    has_digits = sum(any(c.isdigit() for c in text) for text in texts) > NEARLY_ALL * len(texts)
    return has_digits and max(lengths) - min(lengths) <= 4 and max(lengths) <= 40


def read_names(text: str, table: RawTable, setting: str) -> tuple[str, ...]:
    """The columns that a setting lists; InputError where the table has none of a name."""
    names = tuple(filter(None, (part.strip() for part in text.split(","))))
    unknown = [name for name in names if name not in table.columns]
    if unknown:
        raise InputError(f"data.{setting}: {table.path.name} has no column '{unknown[0]}'")
    return names
