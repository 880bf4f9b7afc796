"""Reads a delimited table that is too large for memory in blocks of rows."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from seqblend.core.errors import InputError
from seqblend.core.storage import unlimited_fields
from seqblend.reading.delimited import Delimited, parse_delimited, unquote
from seqblend.reading.formats import (
    COMPRESSED,
    DELIMITED_SUFFIXES,
    archive_of,
    data_name,
    decode,
    open_stream,
)
from seqblend.reading.json_tables import Cell
from seqblend.reading.tables import RawTable, align_names

_HEAD = 1 << 20  # bytes that tell how a file is written
_TRIES = 100  # ends of lines where the head may end: others are inside a field
_GROWTH = 5  # bytes of text for a byte of a compressed file
_COST = 10  # bytes of memory for a byte of text, while a table is read
_MOST_ROWS = 50_000  # of a block


def reading_cost(path: Path) -> int:
    """Bytes of memory, roughly, that reading the whole of a file takes. path: may be in a zip"""
    archive = archive_of(path) or path
    size = archive.stat().st_size if archive.is_file() else 0
    return size * _COST * (_GROWTH if archive.suffix.lower() in COMPRESSED else 1)


@dataclass(frozen=True)
class BlockReader:
    """A delimited file, and how the csv module reads it as read_table would.

    quoting: as the module has it; rows: of a block
    """

    path: Path
    separator: str
    quoting: int
    encoding: str
    rows: int

    @classmethod
    def open(cls, path: Path, memory: float) -> BlockReader | None:
        """None where it is no delimited file, or its first rows would be read otherwise.

        memory: bytes that a block may take
        """
        if Path(data_name(path)).suffix.lower() not in DELIMITED_SUFFIXES:
            return None
        with open_stream(path) as stream:
            head = stream.read(_HEAD)
        head = head[: head.rfind(b"\n") + 1]
        text, encoding, _ = decode(path, head)
        known = _parse_head(path, text)
        if known is None or len(set(known.rows[0])) < len(known.rows[0]):
            return None
        most = memory / (_COST * len(head) / len(known.rows))
        rows = int(min(max(most, 1), _MOST_ROWS))
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            reader = cls(path, known.style.separator, quoting, encoding, rows)
            with contextlib.suppress(InputError):
                if _begins_with(reader, _columns(known)):
                    return reader
        return None

    def blocks(self) -> Iterator[RawTable]:
        """The rows in the file's order.

        raises: InputError for a damaged file, or one that goes on in another way than it begins
        """
        with open_stream(self.path) as stream, unlimited_fields():
            text = io.TextIOWrapper(stream, self.encoding, newline="\n")
            lines = csv.reader(
                map(self._checked_line, text),
                delimiter=self.separator,
                quoting=self.quoting,
                strict=True,
            )
            try:
                names = [name.strip() for name in next(lines)]
                rows = self._filled_rows(lines, len(names))
                while block := list(islice(rows, self.rows)):
                    columns = dict(zip(names, map(list, zip(*block, strict=True)), strict=True))
                    yield RawTable(self.path, columns, None, "blocks of rows")
            except (csv.Error, UnicodeDecodeError) as error:
                raise InputError(f"{self.path}, line {lines.line_num}: {error}") from None

    def _filled_rows(self, lines: Any, width: int) -> Iterator[list[str]]:
        """The rows of a csv reader that have so many fields, without those of empty fields."""
        is_plain, before = self.quoting == csv.QUOTE_NONE, lines.line_num
        for row in lines:
            is_longer, before = lines.line_num > before + 1, lines.line_num
            place = f"{self.path}, line {lines.line_num}"
            if self.separator == "\t" and is_longer:
                raise InputError(f"{place}: a quote mark that may be none")
            if row and len(row) != width:
                raise InputError(f"{place}: {len(row)} fields where the header has {width}")
            if any(row) or (row and width == 1):
                yield list(map(unquote, row)) if is_plain else row

    def _checked_line(self, line: str) -> str:
        if "\r" in line.removesuffix("\n").removesuffix("\r"):
            raise InputError(f"{self.path}: a carriage return inside a line")
        return line

    def without(self, names: Collection[str]) -> RawTable:
        """The whole table with empty cells in some columns, whose case and spaces may differ."""
        columns: dict[str, list[Cell]] = {}
        for block in self.blocks():
            for name, cells in align_names(block, names).columns.items():
                known = columns.setdefault(name, [])
                known.extend([""] * len(cells) if name in names else cells)
        return RawTable(self.path, columns, None, "blocks of rows")


def _begins_with(reader: BlockReader, columns: dict[str, list[str]]) -> bool:
    """Whether these are the first rows. columns: of at least one row"""
    count = len(next(iter(columns.values())))
    first = next(dataclasses.replace(reader, rows=count).blocks(), None)
    return first is not None and first.columns == columns


def _parse_head(path: Path, text: str) -> Delimited | None:
    """The first rows; None where no beginning of the text is a table of two rows."""
    if text.lstrip()[:1] in ("[", "{"):  # JSON Lines
        return None
    for _ in range(_TRIES):
        if not text.strip():
            break
        with contextlib.suppress(InputError), unlimited_fields():
            found = parse_delimited(path, text)
            return found if len(found.rows) > 1 else None
        text = text[: text.rfind("\n", 0, -1) + 1]
    return None


def _columns(table: Delimited) -> dict[str, list[str]]:
    header, *rows = table.rows
    return {
        name.strip(): list(cells)
        for name, cells in zip(header, zip(*rows, strict=True), strict=True)
    }
