"""Parses a list in a cell: as JSON, Python, NumPy or pandas write it."""

from __future__ import annotations

import ast
import contextlib
import json
import re

from seqblend.core.errors import InputError

_OPEN, _CLOSE = "[({", "])}"
_WRAPPED = re.compile(
    r"^(?:array|tensor|Series|Index|Int64Index|tuple|list|set|frozenset)\((.*)\)$", re.S
)
_OPTIONS = re.compile(r",?\s*(?:dtype|name|length)\s*=\s*[^,\])]+")
_PART = re.compile(
    r"""\s*(?:(?P<quoted>[bru]?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))"""
    r"""|(?P<mark>[\[\](){},;:])|(?P<gap>\.\.\.|…)|(?P<bare>[^\s\[\](){},;]+))""",
    re.S,
)


def is_list(text: str) -> bool:
    """Whether a cell begins and ends as a list, tuple or set does."""
    text = text.strip()
    match = _WRAPPED.match(text)
    text = match[1].strip() if match else text
    return len(text) > 1 and text[0] in _OPEN and text[-1] == _CLOSE[_OPEN.index(text[0])]


def parse_list(cell: str, where: str) -> list[str]:
    """The members of `[1, 2]`, `['a b', 'c']`, `[1 2]`, `(1, 2)`, `{1, 2}` or `array([1, 2])`.

    Members stay as they are written, those in quote marks without them. The `...` of an
    abbreviated array is left out: see is_abbreviated.
    where: file and column, for messages
    raises: InputError where the cell is no list, is a dictionary, or has lists within it
    """
    text = cell.strip()
    match = _WRAPPED.match(text)
    if match:
        text = _OPTIONS.sub("", match[1]).strip()
    if not text:
        return []
    if not is_list(text):
        raise InputError(
            f"{where}: '{text[:40]}' is not a list, though other cells are. "
            "Correct it, or take --set data.kind=text"
        )
    with contextlib.suppress(ValueError, RecursionError):
        values = json.loads(text, parse_int=str, parse_float=str)  # fast, and most lists are JSON
        if all(isinstance(value, str) for value in values) and isinstance(values, list):
            return values
    members: list[str] = []
    for part in _PART.finditer(text[1:-1]):
        kind = part.lastgroup
        if kind == "mark" and part["mark"] not in ",;":
            _refuse_nested(part["mark"], text, where)
        elif kind == "quoted":
            members.append(_unquote(part["quoted"]))
        elif kind == "bare":
            bare = part["bare"]
            if text[0] == "{" and bare.endswith(":"):
                _refuse_nested(":", text, where)
            members.append("" if bare in ("None", "null") else bare)
    return members


def is_abbreviated(cell: str) -> bool:
    """Whether NumPy left out the middle of an array when it was written."""
    return bool(re.search(r"[\s\[]\.\.\.[\s\],]", cell))


def _refuse_nested(mark: str, text: str, where: str) -> None:
    what = "a dictionary" if mark == ":" or text.lstrip("[( ").startswith("{") else "nested lists"
    raise InputError(
        f"{where}: '{text[:40]}' has nested values ({what}); expected a flat list of tokens. "
        "Flatten it, or leave the column out with --set data.ignore=COLUMN"
    )


def _unquote(text: str) -> str:
    if "\\" not in text and text[0] in "\"'":
        return text[1:-1]
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text.lstrip("bru")[1:-1]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
