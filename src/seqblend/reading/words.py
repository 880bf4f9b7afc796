"""Splits text into words, numbers and marks, in any script."""

from __future__ import annotations

import html
import re
import sys
import unicodedata
from functools import cache
from typing import NamedTuple

from seqblend.core.config import DataConfig
from seqblend.reading.json_tables import Cell

# Ideographs and kana, which no space separates: each is a token.
CJK = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f" + (
    "\U00020000-\U0003ffff"
)
_IDEOGRAPH = re.compile(f"[{CJK}]")
_ASCII_WORDS = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*|[0-9]+|[^\s\w]|_")  # the same, faster
_INNER_APOSTROPHE = re.compile(r"(?<=[^\W\d_])['’](?=[^\W\d_])")
_DIGIT = re.compile(r"\d")
# Soft hyphen, zero-width space, word joiner, byte order mark: shown as nothing, part of no word.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
_ATTRIBUTE = (
    r"""\s+(?:[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=`]+)"""
    r"""|checked|disabled|selected|hidden|noshade|nowrap|controls|autoplay|async|defer)"""
)
_ELEMENTS = (  # without those that are placeholders in tweets and logs: <time>, <link>, ...
    "a abbr acronym area article aside audio b base big blink blockquote body br button "
    "caption center cite code col colgroup dd del details dfn div dl dt em embed fieldset "
    "figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html i "
    "iframe img input ins kbd label legend li main mark marquee meta nav noscript "
    "ol optgroup option p param pre q s samp script section select small source span strike strong "
    "style sub sup svg table tbody td textarea tfoot th thead title tr tt u ul var video wbr"
)
_TAG = re.compile(
    rf"</?(?:{'|'.join(_ELEMENTS.split())})(?:{_ATTRIBUTE})*\s*/?>|<link(?:{_ATTRIBUTE})+\s*/?>"
    r"|<!--.*?-->|<!doctype[^>]*>",
    re.DOTALL | re.IGNORECASE,
)


class _Patterns(NamedTuple):
    words: re.Pattern[str]
    plain: re.Pattern[str]  # an apostrophe ends a word


@cache
def _patterns() -> _Patterns:
    """Patterns of words: letters with the combining marks that belong to them.

    Marks (Unicode categories Mn and Mc: accents, vowel signs) and joiners follow the letter that
    they change; without them most scripts of South and South-East Asia would be torn apart.
    """
    marks = _ranges({"Mn", "Mc", "Me"}) + "\u200c\u200d"
    letters = rf"(?:[^\W\d_{CJK}][{marks}]*)+"
    rest = rf"[{CJK}][{marks}]*|\d+|[^\w\s]|_"
    words = re.compile(rf"{letters}(?:['’]{letters})*|{rest}")
    return _Patterns(words, re.compile(rf"{letters}|{rest}"))


def _ranges(categories: set[str]) -> str:
    """The characters of some Unicode categories as ranges of a character class."""
    parts, start = [], -1
    for point in range(sys.maxunicode + 2):
        is_in = point <= sys.maxunicode and unicodedata.category(chr(point)) in categories
        if is_in and start < 0:
            start = point
        elif not is_in and start >= 0:
            parts.append(f"\\U{start:08x}-\\U{point - 1:08x}")
            start = -1
    return "".join(parts)


def split_text(cell: Cell, data: DataConfig = DataConfig()) -> list[str]:  # noqa: B008 (frozen)
    """Words with inner apostrophes, runs of digits, ideographs, and each other mark by itself.

    data: how text is cleaned first (html, lowercase, numbers, apostrophes)
    """
    text = cell if isinstance(cell, str) else " ".join(cell)
    if data.html:
        text = remove_html(text)
    if data.lowercase:
        text = text.lower()
    if data.numbers != "keep":
        text = _DIGIT.sub("0" if data.numbers == "zeros" else " ", text)
    if data.apostrophes == "drop":
        text = _INNER_APOSTROPHE.sub("", text)
    if data.apostrophes != "split" and text.isascii():
        return _ASCII_WORDS.findall(text)
    text = _INVISIBLE.sub("", text)
    patterns = _patterns()
    return (patterns.plain if data.apostrophes == "split" else patterns.words).findall(text)


def count_words(text: str) -> int:
    """How many words a text has: those between spaces, and each ideograph by itself."""
    return len(text.split()) if text.isascii() else len(_IDEOGRAPH.sub(" x ", text).split())


def remove_html(text: str) -> str:
    """The text with entities decoded and each HTML element's tag replaced by a space."""
    if "&" in text:
        text = html.unescape(text)
    return _TAG.sub(" ", text) if "<" in text else text
