"""Reads a delimited table that is too large for memory in blocks of rows."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from seqblend.core.errors import InputError
from seqblend.core.storage import unlimited_fields
from seqblend.reading.delimited import Delimited, parse_delimited
from seqblend.reading.formats import COMPRESSED, DELIMITED_SUFFIXES, data_name, decode, open_stream
from seqblend.reading.json_tables import Cell
from seqblend.reading.tables import RawTable

_HEAD = 1 << 20  # bytes that tell how a file is written
_TRIES = 100  # ends of lines where the head may end: others are inside a field
_GROWTH = 5  # bytes of text for a byte of a compressed file
_COST = 10  # bytes of memory for a byte of text, while a table is read


def reading_cost(path: Path) -> int:
    """Bytes of memory, roughly, that reading the whole of a file takes."""
    size = path.stat().st_size if path.is_file() else 0
    return size * _COST * (_GROWTH if path.suffix.lower() in COMPRESSED else 1)


@dataclass(frozen=True)
class BlockReader:
    """A delimited file, and how the csv module reads it as read_table would.

    quoting: as the module has it
    """

    path: Path
    separator: str
    quoting: int
    encoding: str

    @classmethod
    def open(cls, path: Path) -> BlockReader | None:
        """None where it is no delimited file, or its first rows would be read otherwise."""
        if Path(data_name(path)).suffix.lower() not in DELIMITED_SUFFIXES:
            return None
        with open_stream(path) as stream:
            head = stream.read(_HEAD)
        text, encoding, _ = decode(path, head[: head.rfind(b"\n") + 1])
        known = _parse_head(path, text)
        if known is None:
            return None
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            reader = cls(path, known.style.separator, quoting, encoding)
            with contextlib.suppress(InputError, StopIteration):
                if next(reader.blocks(len(known.rows) - 1)).columns == _columns(known):
                    return reader
        return None

    def blocks(self, rows: int) -> Iterator[RawTable]:
        """The rows in the file's order, so many at a time.

        raises: InputError for a damaged file, or a row of more or fewer fields than the header
        """
        with open_stream(self.path) as stream, unlimited_fields():
            text = io.TextIOWrapper(stream, self.encoding, newline="")
            lines = csv.reader(text, delimiter=self.separator, quoting=self.quoting, strict=True)
            try:
                names = [name.strip() for name in next(lines)]
                filled = (self._checked(row, names, lines.line_num) for row in lines if any(row))
                while block := list(islice(filled, rows)):
                    columns = dict(zip(names, map(list, zip(*block, strict=True)), strict=True))
                    yield RawTable(self.path, columns, None, "blocks of rows")
            except (csv.Error, UnicodeDecodeError) as error:
                raise InputError(f"{self.path}, line {lines.line_num}: {error}") from None

    def _checked(self, row: list[str], names: list[str], line: int) -> list[str]:
        if len(row) != len(names):
            raise InputError(
                f"{self.path}, line {line}: {len(row)} fields where the header has {len(names)}"
            )
        return row

    def without(self, names: Collection[str], rows: int) -> RawTable:
        """The whole table with empty cells in some columns. rows: read at a time"""
        columns: dict[str, list[Cell]] = {}
        for block in self.blocks(rows):
            for name, cells in block.columns.items():
                known = columns.setdefault(name, [])
                known.extend([""] * len(cells) if name in names else cells)
        return RawTable(self.path, columns, None, "blocks of rows")


def _parse_head(path: Path, text: str) -> Delimited | None:
    """The first rows; None where no beginning of the text is a table of two rows."""
    for _ in range(_TRIES):
        with contextlib.suppress(InputError), unlimited_fields():
            found = parse_delimited(path, text)
            return found if len(found.rows) > 1 else None
        text = text[: text.rfind("\n", 0, -1) + 1]
        if not text:
            break
    return None


def _columns(table: Delimited) -> dict[str, list[str]]:
    header, *rows = table.rows
    return {
        name.strip(): list(cells)
        for name, cells in zip(header, zip(*rows, strict=True), strict=True)
    }
