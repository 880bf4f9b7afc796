"""What an id looks like: short, unique, of one word, and how two ways of writing it are equal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seqblend.core.errors import InputError
from seqblend.reading.json_tables import Cell
from seqblend.reading.tables import RawTable
from seqblend.reading.words import count_words

_LONGEST_ID = 40  # mean characters above which a unique column is content, not an id
_TRAILING_NUMBER = re.compile(r"(\d+)\D*$")


def is_row_number(name: str, cells: Sequence[Cell]) -> bool:
    """Whether a column only counts the rows of its file, as pandas writes its index.

    It does where it is unnamed or called index; also where it holds 0, 1, 2, ... in order.
    """
    if name.casefold() in ("", "index") or name.casefold().startswith("unnamed"):
        return True
    counts = (range(len(cells)), range(1, len(cells) + 1))
    return len(cells) > 1 and any(list(cells) == list(map(str, count)) for count in counts)


def is_content(cells: Sequence[Cell]) -> bool:
    """Whether a column is too long or has too many words for ids."""
    texts = [cell for cell in cells if isinstance(cell, str)][:200]
    words = sum(map(count_words, texts))
    return sum(map(len, texts)) > _LONGEST_ID * len(texts) or words > 2 * len(texts)


def plain_number(text: str) -> str:
    """`007`, `7.0` and ` 7` are `7`."""
    match = re.fullmatch(r"\s*(-?)0*(\d+?)(?:\.0+)?\s*", text)
    return match[1] + match[2] if match else text.strip().casefold()


def trailing_number(text: str) -> str:
    """`article_0007` is `7`; a text without a number is itself."""
    match = _TRAILING_NUMBER.search(text)
    return str(int(match[1])) if match else text.strip().casefold()


def looks_like_an_id(table: RawTable, name: str) -> bool:
    """Whether a column is unique, short and of one word a row."""
    cells = table.columns[name]
    if not is_unique(cells) or any(" " in cell for cell in cells):
        return False
    return sum(map(len, cells)) <= _LONGEST_ID * len(cells)


def is_unique(cells: Sequence[Cell]) -> bool:
    """Whether no value comes again, and none is a list."""
    return all(isinstance(c, str) for c in cells) and len(set(cells)) == len(cells)  # type: ignore[arg-type]


def check_unique(ids: list[str], table: RawTable) -> None:
    """InputError with the first id of a table that comes again."""
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    again = [row for row, text in enumerate(ids) if text in seen or seen.add(text)]
    raise InputError(
        f"{table.path.name}: {len(again)} repeated ids, the first '{ids[again[0]]}' in "
        f"{table.place(again[0])}; expected one row per id. Remove the rows, or name the id's "
        "column with --set data.id=COLUMN"
    )
