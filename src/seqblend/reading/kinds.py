"""Detects the kind of a sequence column (text, chars, tokens, numbers); tokenizes its cells."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from heapq import nsmallest

import numpy as np

from seqblend.core.config import DataConfig
from seqblend.core.errors import FlagError, InputError, nearest
from seqblend.core.seeds import rng_for
from seqblend.reading.json_tables import Cell
from seqblend.reading.list_cells import is_list, parse_list
from seqblend.reading.tables import RawTable
from seqblend.reading.words import CJK, split_text

KINDS = ("auto", "text", "chars", "tokens", "numbers")
MEASURED = (
    "numbers",
    "times",
    "counters",
    "amounts",
)  # kinds of real-valued steps: see measurements.py
VIEW_NAMES = {"text": "words", "chars": "chars", "tokens": "ids"} | dict.fromkeys(MEASURED, "ids")
Tokenizer = Callable[[Cell], list[str]]

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(rf"\s*{NUMBER}(?:(?:\s*[,;|]\s*|\s+){NUMBER})*\s*")
_IS_FRACTION = re.compile(r"[-+]?\d*\.\d*[1-9]\d*(?:[eE][-+]?\d+)?|[-+]?\d+(?:\.\d*)?[eE]-\d+")
IS_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d|$)")
NEARLY_ALL = 0.95
_IS_WHOLE = re.compile(r"[-+]?\d{1,15}(?:\.0*)?")
_WHOLE_FLOAT = re.compile(r"([-+]?\d+)\.0*")
_CODE = re.compile(r"[\w.:#/+-]*(?:\d|_)[\w.:#/+-]*")
_MANY_FRACTIONS = 20  # different fractions, or negative numbers, from which steps are measurements
_MANY_NUMBERS = 50  # different whole numbers from which on they may be measurements too
_HARDLY_REPEATED = 0.5  # share of different ones above which ascending numbers are no ids of a set
_SMOOTH = 0.4  # mean difference of neighbours below which they are, as a share of any two numbers'
_LONG_DIGITS = 8  # mean digits from which different strings of digits are spelt, not numbers
_PROSE_WORDS = 3.5  # mean words of a list's members from which they are sentences
_NAME_WORDS = 1.3  # mean words of a list's members from which they are names, read as words
_MANY_NAMES, _OPEN_SET = 50, 0.1  # different ones, and their share, from which they are no codes
_LETTERS = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True)
class ColumnKind:
    """How a column is tokenized.

    name: text, chars, tokens or one of MEASURED; separator: of a cell's tokens
    why: the reason, for display
    """

    name: str
    separator: str = ""
    why: str = ""


def typical_cells(cells: list[Cell], most: int = 500) -> list[Cell]:
    """Up to `most` non-empty cells; which ones does not depend on the order of the rows."""
    filled = [cell for cell in cells if cell]
    if len(filled) <= most:
        return filled
    return nsmallest(most, filled, key=_hash_of)


def _hash_of(cell: Cell) -> int:
    """Of a text, or of a list's length, first and last members."""
    part = (len(cell), cell[:8], cell[-8:]) if isinstance(cell, list) else cell
    return zlib.crc32(repr(part).encode(errors="replace"))


def detect_kind(cells: list[Cell], wanted: str = "auto") -> ColumnKind:
    """The column's kind, judged by typical cells; `wanted` overrides it unless `auto`."""
    if wanted not in KINDS:
        raise FlagError(
            f"data.kind expects {', '.join(KINDS)}, got '{wanted}'{nearest(wanted, KINDS)}"
        )
    wanted = "tokens" if wanted == "numbers" else wanted
    typical = typical_cells(cells)
    if any(isinstance(cell, list) for cell in typical):
        lists = [cell for cell in typical if isinstance(cell, list)]
        return _list_kind(lists, "a list of tokens per row", wanted)
    texts = [cell.strip() for cell in typical if isinstance(cell, str) and cell.strip()]
    tokens = _tokens_kind(texts, wanted)
    if wanted == "tokens":
        return tokens or ColumnKind("tokens", " ", "asked for")
    if wanted != "auto":
        return ColumnKind(wanted, why="asked for")
    if tokens:
        return tokens
    if texts and _has_few_spaces(texts):
        return ColumnKind("chars", why="hardly any spaces")
    if texts and _is_spelt(texts):
        return ColumnKind("chars", why="long strings of digits")
    return ColumnKind("text", why="free text")


def _share(texts: list[str], is_so: Callable[[str], object]) -> float:
    return sum(bool(is_so(text)) for text in texts) / max(len(texts), 1)


def _has_few_spaces(texts: list[str]) -> bool:
    words = sum(len(text.split()) for text in texts)
    return words <= 1.5 * len(texts) and _share(texts, re.compile(f"[{CJK}]").search) < 0.2


def _list_kind(lists: list[list[str]], why: str, wanted: str) -> ColumnKind:
    """Tokens, or text where the members are names, or sentences: long, hardly any comes again."""
    members = [member for cells in lists for member in cells if member]
    words = sum(len(member.split()) for member in members)
    is_prose = words > _PROSE_WORDS * len(members) and len(set(members)) > 0.5 * len(members)
    if members and is_prose and wanted in ("auto", "text"):
        return ColumnKind("text", "list", "a list of sentences per row")
    if _are_names(members) and wanted in ("auto", "text"):
        return ColumnKind("text", "list", "a list of names of several words per row")
    return ColumnKind("tokens", "list", why)


def _are_names(members: list[str]) -> bool:
    """Whether members are names of several words, such as ingredients, with words in common.

    Names of a small set, such as the events of a log, are codes: the same ones come all the time.
    """
    words = sum(len(member.split()) for member in members)
    different = len(set(members))
    is_open = different >= _MANY_NAMES and different > _OPEN_SET * len(members)
    return is_open and words > _NAME_WORDS * len(members) and _share(members, _LETTERS.search) > 0.9


def _tokens_kind(texts: list[str], wanted: str) -> ColumnKind | None:
    """The kind of cells with a list, numbers, or words with a separator; else None."""
    if not texts:
        return None
    if _share(texts, is_list) > 0.95:
        lists = [parse_list(text, "") for text in texts[:100] if is_flat(text)]
        return _list_kind(lists, "a list in each cell", wanted)
    if _share(texts, _NUMBERS.fullmatch) > 0.98 and not _is_spelt(texts):
        separator = next((s for s in ",;|" if _share(texts, lambda t, s=s: s in t) > 0.3), " ")
        return ColumnKind("tokens", separator, "numbers in one cell")
    for separator in "|;,":
        if _share(texts, lambda t, s=separator: s in t) > 0.8 and _are_short(texts, separator):
            parts = [part for text in texts for part in text.split(separator)]
            if wanted == "auto" and _are_names(parts):
                return None
            return ColumnKind("tokens", separator, f"words separated by '{separator}'")
    words = [word for text in texts for word in text.split()]
    is_coded = _share(words, _CODE.fullmatch) > 0.5
    if len(words) > 1.5 * len(texts) and is_coded and not _is_spelt(texts):
        return ColumnKind("tokens", " ", "codes separated by spaces")
    return None


def is_flat(text: str) -> bool:
    """Whether a cell is a list without lists or dictionaries in it."""
    try:
        parse_list(text, "")
    except InputError:
        return False
    return True


def _is_spelt(texts: list[str]) -> bool:
    """Whether cells are long strings of digits (0110...), hardly any of which comes again."""
    words = [word for text in texts for word in text.split()]
    if not words or not all(word.isdecimal() for word in words):
        return False
    is_long = sum(map(len, words)) >= _LONG_DIGITS * len(words)
    return is_long and len(set(words)) > 0.5 * len(words) and any(w[0] == "0" for w in words)


def _are_short(texts: list[str], separator: str) -> bool:
    """Whether the parts are names, not clauses of prose."""
    parts = [part for text in texts for part in text.split(separator)]
    words = sum(len(part.split()) for part in parts)
    return words <= 3 * len(parts) and _share(texts, re.compile(r"[.!?:\"]").search) < 0.2


def make_tokenizer(kind: ColumnKind, table: RawTable, column: str, data: DataConfig) -> Tokenizer:
    """The function that splits a cell of this column into tokens."""
    where = f"{table.path.name}, column '{column}'"
    if kind.name == "text" and kind.separator == "list":
        return lambda cell: split_text(" , ".join(_split_list(cell, where)), data)
    if kind.name == "text" and kind.separator == "object":
        return lambda cell: split_text(" ".join(object_texts(str(cell))), data)
    if kind.name == "text":
        return partial(split_text, data=data)
    if kind.name == "chars":
        return lambda cell: list(cell.strip() if isinstance(cell, str) else "".join(cell))
    if kind.separator == "list":
        return partial(_split_list, where=where)
    return partial(_split_at, separator=kind.separator)


def is_object(cell: str) -> bool:
    """Whether a cell is a JSON object."""
    try:
        return isinstance(json.loads(cell), dict)
    except (ValueError, RecursionError):
        return False


def object_texts(cell: str) -> list[str]:
    """The texts among the values of a JSON object; none where the cell is no object."""
    try:
        value = json.loads(cell)
    except (ValueError, RecursionError):
        return []
    return [v for v in value.values() if isinstance(v, str)] if isinstance(value, dict) else []


def _split_at(cell: Cell, separator: str) -> list[str]:
    if isinstance(cell, list):
        return cell
    if separator == " ":
        return cell.split()
    return [part.strip() for part in cell.split(separator)] if cell.strip() else []


def _split_list(cell: Cell, where: str) -> list[str]:
    return cell if isinstance(cell, list) else parse_list(cell, where)


def plain_number(token: str) -> str:
    """`3.0` -> `3`; any other token is unchanged."""
    match = _WHOLE_FLOAT.fullmatch(token)
    return match[1] if match else token


def measured_kind(rows: list[list[str]], *, is_beside: bool = False) -> str:
    """How rows of tokens are measurements, one of MEASURED; "" for codes.

    is_beside: whether another column has the same steps. Then ascending numbers that hardly come
        again are counters, such as clocks, which alone may be the ids of a set; other whole numbers
        are amounts, which may be codes all the same

    Numbers have many different fractions, or are whole and negative in part, which ids are not, or
    smooth: a step is closer to the next than to any other of its row.
    """
    tokens = [token for row in rows for token in row if token]
    if tokens and _share(tokens, IS_TIME.match) > NEARLY_ALL:
        return "times"
    fractions = [token for token in tokens if _IS_FRACTION.fullmatch(token)]
    has_fractions = len(fractions) > 0.2 * len(tokens) and len(set(fractions)) >= _MANY_FRACTIONS
    different = len(set(tokens))
    if not has_fractions and not (
        different >= _MANY_NUMBERS and all(map(_IS_WHOLE.fullmatch, tokens))
    ):
        return ""
    series = [np.array(found) for row in rows if (found := _numbers_of(row))]
    moves = np.concatenate([np.diff(row) for row in series])
    if len(moves) and ((moves >= 0).all() or (moves <= 0).all()):
        if is_beside and different > _HARDLY_REPEATED * len(tokens):
            return "counters"
        return "numbers" if has_fractions else "amounts" if is_beside else ""
    negative = {token for token in tokens if token[0] == "-"}
    if has_fractions or len(negative) >= _MANY_FRACTIONS:  # fewer may be padding
        return "numbers"
    rng = rng_for(0, "pairs of numbers")
    shuffled = np.concatenate([np.diff(rng.permutation(row)) for row in series])
    if len(moves) and _mean_move(moves) < _SMOOTH * _mean_move(shuffled):
        return "numbers"
    return "amounts" if is_beside else ""


def _numbers_of(row: list[str]) -> list[float]:
    return [float(token) for token in row if re.fullmatch(NUMBER, token)]


def _mean_move(moves: np.ndarray) -> float:
    """The mean size of those that are not 0."""
    moves = moves[moves != 0]
    return float(np.abs(moves).mean()) if len(moves) else 0.0
