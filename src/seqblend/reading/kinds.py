"""Detects the kind of a sequence column (text, chars or tokens) and tokenizes its cells."""

from __future__ import annotations

import ast
import html
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from heapq import nsmallest

from seqblend.core.config import DataConfig
from seqblend.core.errors import FlagError, InputError, nearest
from seqblend.reading.tables import Cell, RawTable

KINDS = ("auto", "text", "chars", "tokens")
VIEW_NAMES = {"text": "words", "chars": "chars", "tokens": "ids"}
Tokenizer = Callable[[Cell], list[str]]

# Ideographs and kana, which no space separates: each is a token.
_CJK = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f" + (
    "\U00020000-\U0003ffff"
)
# Accents and vowel signs, joiners: part of the word though not letters.
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0dff\u0e31-\u0e4e\u200c\u200d"
_LETTERS = rf"(?:[^\W\d_{_CJK}][{_MARKS}]*)+"
_WORDS = re.compile(rf"{_LETTERS}(?:['’]{_LETTERS})*|[{_CJK}]|\d+|[^\w\s]|_")
_ASCII_WORDS = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*|[0-9]+|[^\s\w]|_")  # the same, faster
_PLAIN_WORDS = re.compile(rf"{_LETTERS}|[{_CJK}]|\d+|[^\w\s]|_")  # an apostrophe ends a word
_INNER_APOSTROPHE = re.compile(r"(?<=[^\W\d_])['’](?=[^\W\d_])")
_DIGIT = re.compile(r"\d")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>|<!--.*?-->", re.DOTALL)

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(rf"\s*{NUMBER}(?:(?:\s*[,;|]\s*|\s+){NUMBER})*\s*")
_IS_FRACTION = re.compile(r"[-+]?\d*\.\d*[1-9]\d*(?:[eE][-+]?\d+)?|[-+]?\d+(?:\.\d*)?[eE]-\d+")
_WHOLE_FLOAT = re.compile(r"([-+]?\d+)\.0*")
_CODE = re.compile(r"[\w.:#/+-]*(?:\d|_)[\w.:#/+-]*|[A-Z]{2,}")
_MANY_FRACTIONS = 20  # from this many distinct fractions on, steps are measurements, not codes


@dataclass(frozen=True)
class ColumnKind:
    """How a column is tokenized.

    name: text, chars or tokens; separator: of a cell's tokens; why: the reason, for display
    """

    name: str
    separator: str = ""
    why: str = ""


def typical_cells(cells: list[Cell], most: int = 500) -> list[Cell]:
    """Up to `most` non-empty cells; which ones does not depend on the order of the rows."""
    filled = [cell for cell in cells if cell]
    if len(filled) <= most:
        return filled
    return nsmallest(most, filled, key=lambda c: zlib.crc32(repr(c).encode(errors="replace")))


def detect_kind(cells: list[Cell], wanted: str = "auto") -> ColumnKind:
    """The column's kind, judged by typical cells; `wanted` overrides it unless `auto`."""
    if wanted not in KINDS:
        raise FlagError(
            f"data.kind expects {', '.join(KINDS)}, got '{wanted}'{nearest(wanted, KINDS)}"
        )
    typical = typical_cells(cells)
    if any(isinstance(cell, list) for cell in typical):
        return ColumnKind("tokens", "list", "a list of tokens per row")
    texts = [cell.strip() for cell in typical if isinstance(cell, str) and cell.strip()]
    tokens = _tokens_kind(texts)
    if wanted == "tokens":
        return tokens or ColumnKind("tokens", " ", "asked for")
    if wanted != "auto":
        return ColumnKind(wanted, why="asked for")
    if tokens:
        return tokens
    if texts and _has_few_spaces(texts):
        return ColumnKind("chars", why="hardly any spaces")
    return ColumnKind("text", why="free text")


def _share(texts: list[str], is_so: Callable[[str], object]) -> float:
    return sum(bool(is_so(text)) for text in texts) / max(len(texts), 1)


def _has_few_spaces(texts: list[str]) -> bool:
    words = sum(len(text.split()) for text in texts)
    return words <= 1.5 * len(texts) and _share(texts, re.compile(f"[{_CJK}]").search) < 0.2


def _tokens_kind(texts: list[str]) -> ColumnKind | None:
    """The kind of cells with a list, numbers, or words with a separator; else None."""
    if not texts:
        return None
    if _share(texts, lambda t: t[0] + t[-1] in ("[]", "()")) > 0.95:
        return ColumnKind("tokens", "list", "a list in each cell")
    if _share(texts, _NUMBERS.fullmatch) > 0.98:
        separator = next((s for s in ",;|" if _share(texts, lambda t, s=s: s in t) > 0.3), " ")
        return ColumnKind("tokens", separator, "numbers in one cell")
    for separator in "|;,":
        if _share(texts, lambda t, s=separator: s in t) > 0.8 and _are_short(texts, separator):
            return ColumnKind("tokens", separator, f"words separated by '{separator}'")
    words = [word for text in texts for word in text.split()]
    if len(words) > 1.5 * len(texts) and _share(words, _CODE.fullmatch) > 0.5:
        return ColumnKind("tokens", " ", "codes separated by spaces")
    return None


def _are_short(texts: list[str], separator: str) -> bool:
    """Whether the parts are names, not clauses of prose."""
    parts = [part for text in texts for part in text.split(separator)]
    words = sum(len(part.split()) for part in parts)
    return words <= 3 * len(parts) and _share(texts, re.compile(r"[.!?:\"]").search) < 0.2


def make_tokenizer(kind: ColumnKind, table: RawTable, column: str, data: DataConfig) -> Tokenizer:
    """The function that splits a cell of this column into tokens."""
    if kind.name == "text":
        return partial(tokenize_text, data=data)
    if kind.name == "chars":
        return lambda cell: list(cell.strip() if isinstance(cell, str) else "".join(cell))
    if kind.separator == "list":
        return partial(_split_list, where=f"{table.path.name}, column '{column}'")
    return partial(_split_at, separator=kind.separator)


def tokenize_text(cell: Cell, data: DataConfig = DataConfig()) -> list[str]:  # noqa: B008 (frozen)
    """Words with inner apostrophes, runs of digits, ideographs, and each other mark by itself.

    data: how text is cleaned first (html, lowercase, numbers, apostrophes)
    """
    text = cell if isinstance(cell, str) else " ".join(cell)
    if data.html:
        if "<" in text:
            text = _TAG.sub(" ", text)
        if "&" in text:
            text = html.unescape(text)
    if data.lowercase:
        text = text.lower()
    if data.numbers != "keep":
        text = _DIGIT.sub("0" if data.numbers == "zeros" else " ", text)
    if data.apostrophes == "split":
        return _PLAIN_WORDS.findall(text)
    if data.apostrophes == "drop":
        text = _INNER_APOSTROPHE.sub("", text)
    return (_ASCII_WORDS if text.isascii() else _WORDS).findall(text)


def _split_at(cell: Cell, separator: str) -> list[str]:
    if isinstance(cell, list):
        return cell
    if separator == " ":
        return cell.split()
    return [part.strip() for part in cell.split(separator)] if cell.strip() else []


def _split_list(cell: Cell, where: str) -> list[str]:
    """The members of "[1, 2]", "['a b', 'c']" or "[1 2]"."""
    if isinstance(cell, list):
        return cell
    text = cell.strip()
    if not text:
        return []
    try:
        values = json.loads(text, parse_int=str, parse_float=str)
    except ValueError:
        if not re.search("[\"']", text):
            return re.split(r"[\s,]+", text[1:-1].strip()) if text[1:-1].strip() else []
        try:
            values = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise InputError(
                f"{where}: '{text[:40]}' is not a list, though other cells are. "
                "Correct it, or take --set data.kind=text"
            ) from None
    if not isinstance(values, (list, tuple)):
        return [str(values)]
    return ["" if value is None else str(value) for value in values]


def plain_number(token: str) -> str:
    """`3.0` -> `3`; any other token is unchanged."""
    match = _WHOLE_FLOAT.fullmatch(token)
    return match[1] if match else token


def check_discrete(cells: list[Cell], tokenize: Tokenizer, column: str) -> None:
    """InputError where steps are real-valued measurements."""
    tokens = [token for cell in typical_cells(cells, 200) for token in tokenize(cell)]
    fractions = [token for token in tokens if _IS_FRACTION.fullmatch(token)]
    if len(fractions) > 0.2 * len(tokens) and len(set(fractions)) >= _MANY_FRACTIONS:
        raise InputError(
            f"column '{column}' has real-valued steps such as {fractions[0]} "
            f"({len(set(fractions))} different fractions in a few rows); seqblend classifies "
            "sequences of discrete tokens. Bin the values first (into 50 quantiles, say), or take "
            "--set data.kind=tokens where they are codes"
        )
