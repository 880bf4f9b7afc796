"""Parses CSV and TSV text: detects separator and quoting, and tolerates stray quote marks."""

from __future__ import annotations

import contextlib
import csv
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from seqblend.core.errors import InputError
from seqblend.core.storage import unlimited_fields
from seqblend.data.sequences import CsvStyle

SEPARATORS = {",": "comma", "\t": "TAB", ";": "semicolon", "|": "pipe"}
_NO_SEPARATOR = "\x1f"  # for one column whose text may contain every separator
_SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\r?", re.IGNORECASE)
_DOUBLE_MARKS = ("||", " ::: ")  # separators of two or more characters
_LONE_RETURN = re.compile(r"\r(?!\n)")
_RETURN = "\x1e"  # stands for a carriage return inside a field while lines are split
_STYLE_LINES = 50  # number of lines from which the quoting style is read


@dataclass(frozen=True)
class Delimited:
    """Cells as text, row by row, the header first.

    lines: int64 [rows], the line each row starts on, counted from 1
    """

    rows: list[list[str]]
    lines: np.ndarray
    style: CsvStyle
    warnings: tuple[str, ...] = ()


class _QuoteError(Exception):
    """The text breaks the csv module's strict rules: (line, problem)."""


def parse_delimited(path: Path, text: str) -> Delimited:
    """The rows of a CSV-like text; rows of empty fields are left out.

    Strict CSV where the text is; else, where every line has as many separators as the header,
    lines are split at separators, enclosing quote marks are removed, `\\"` and `""` unescaped;
    else strict CSV with blanks before quote marks, or with `\\"` for a quote mark in a field.

    raises: InputError with the line of a ragged row or of a quote that is never closed
    """
    line_end = _find_line_end(text)
    if line_end != "\r":
        text = _LONE_RETURN.sub(_RETURN, text)  # the csv module takes it for the end of a line
    lines = text.split("\n") if "\n" in line_end else text.split("\r")
    lines = _unify_double(lines)
    declared = _SEPARATOR_LINE.fullmatch(lines[0])
    if declared:
        lines[0] = ""  # Excel's `sep=;`
    separator = declared[1] if declared else _find_separator(lines)
    rows, starts, warnings = _parse(path, lines, separator)
    if len(rows[0]) > 1:
        filled = [at for at, row in enumerate(rows) if any(row)]
        rows, starts = [rows[at] for at in filled], [starts[at] for at in filled]
    if _RETURN in text:
        rows = [[cell.replace(_RETURN, "\r") for cell in row] for row in rows]
    rows = _drop_empty_tail(rows)
    _check_widths(path, rows, starts, separator)
    style = CsvStyle(separator, line_end, *_find_quoting(lines, separator))
    return Delimited(rows, np.array(starts, dtype=np.int64), style, warnings)


def _unify_double(lines: list[str]) -> list[str]:
    """Lines with `||` or ` ::: ` between their fields, with TAB in its place.

    The header may have commas instead, and the fields no TAB.
    """
    header, *rows = lines
    filled = [line for line in rows if line.strip()]
    for mark in _DOUBLE_MARKS:
        counts = {line.count(mark) for line in filled}
        if len(counts) != 1 or counts == {0} or any("\t" in line for line in lines):
            continue
        names = header.replace(mark if mark in header else ",", "\t")
        if names.count("\t") in counts:
            return [names, *(line.replace(mark, "\t") for line in rows)]
    return lines


def _parse(
    path: Path, lines: list[str], separator: str
) -> tuple[list[list[str]], list[int], tuple[str, ...]]:
    """Rows, the line each starts on, and warnings, by the first way of reading that fits."""
    is_rectangular = _has_equal_widths(lines, separator)
    failure: _QuoteError | None = None
    try:
        rows, starts = _parse_strictly(lines, separator)
        # A TAB or newline inside a field is rarer than a stray quote mark at its beginning.
        is_plain = is_rectangular and separator == "\t" and len(rows) < sum(map(bool, lines))
    except _QuoteError as error:
        failure, is_plain = error, is_rectangular
    if is_plain:
        rows, starts = _split_plainly(lines, separator)
        warnings = _check_stray_quotes(path, rows, starts, separator)
        return [[unquote(cell) for cell in row] for row in rows], starts, warnings
    if failure is None and _is_even(rows):
        return rows, starts, ()
    for read in (_parse_spaced, _parse_escaped):
        with contextlib.suppress(_QuoteError):
            other, other_starts = read(lines, separator)
            if _is_even(other):
                return other, other_starts, ()
    if failure is not None:
        line, problem = failure.args
        raise InputError(
            f"{path}, line {line}: {problem}. Close the quote, and double each quote mark "
            'inside a quoted field ("")'
        ) from None
    return rows, starts, ()


def _is_even(rows: list[list[str]]) -> bool:
    return all(len(row) == len(rows[0]) for row in rows)


def _parse_spaced(lines: list[str], separator: str) -> tuple[list[list[str]], list[int]]:
    """Strict CSV in which blanks may stand between a separator and a quote mark."""
    return _parse_strictly(lines, separator, skips_blanks=True)


def _parse_escaped(lines: list[str], separator: str) -> tuple[list[list[str]], list[int]]:
    """Strict CSV in which a field's quote marks are escaped by a backslash (MySQL, Spark)."""
    return _parse_strictly([line.replace('\\"', '""') for line in lines], separator)


def _drop_empty_tail(rows: list[list[str]]) -> list[list[str]]:
    """The rows without the empty field that a separator at the end of each line leaves."""
    header, *others = rows
    if others and all(len(row) == len(header) + 1 and not row[-1] for row in others):
        return [header, *(row[:-1] for row in others)]
    return rows


def _find_line_end(text: str) -> str:
    at = text.find("\n")
    if at < 0:
        return "\r" if "\r" in text else "\n"
    return "\r\n" if text[:at].endswith("\r") else "\n"


def _find_quoting(lines: list[str], separator: str) -> tuple[bool, tuple[bool, ...]]:
    """Whether the header is quoted, and which columns are quoted in every row."""
    header, *rows = [_quote_marks(line, separator) for line in lines[:_STYLE_LINES] if line.strip()]
    same_width = [row for row in rows if len(row) == len(header)]  # not inside a field
    return all(header), tuple(map(all, zip(*same_width, strict=True)))


def _quote_marks(line: str, separator: str) -> list[bool]:
    """Whether each field of a line begins with a quote mark."""
    found = re.finditer(rf'"[^"]*"?|{re.escape(separator)}', line)
    starts = [0, *(match.end() for match in found if match[0] == separator)]
    return [line.startswith('"', at) for at in starts]


def _find_separator(lines: list[str]) -> str:
    """The separator that splits header and first row into equally many columns, and most."""

    def fit(separator: str) -> tuple[bool, int]:
        rows = csv.reader((line + "\n" for line in lines), delimiter=separator)
        widths = [len(row) for row in islice(filter(None, rows), 2)]
        return widths[0] == widths[-1] and widths[0] > 1, widths[0]

    with unlimited_fields():
        best = max(SEPARATORS, key=fit)
        return best if fit(best)[1] > 1 else _NO_SEPARATOR


def separator_name(separator: str) -> str:
    """The separator's English name, such as `comma`."""
    return SEPARATORS.get(separator, "newline")


def _has_equal_widths(lines: list[str], separator: str) -> bool:
    expected = lines[0].count(separator)
    return all(line.count(separator) == expected for line in lines if line and line != "\r")


def _parse_strictly(
    lines: list[str], separator: str, *, skips_blanks: bool = False
) -> tuple[list[list[str]], list[int]]:
    """Non-empty rows and the line each starts on, by the csv module's strict rules."""
    rows, starts, start = [], [], 1
    reader = csv.reader(
        (line + "\n" for line in lines),
        delimiter=separator,
        strict=True,
        skipinitialspace=skips_blanks,
    )
    with unlimited_fields():
        try:
            for row in reader:
                if row:
                    rows.append(row)
                    starts.append(start)
                start = reader.line_num + 1
        except csv.Error as error:
            is_open = "unexpected end" in str(error)
            problem = "a quote is opened and never closed" if is_open else f"bad quoting ({error})"
            raise _QuoteError(start, problem) from None
    return rows, starts


def _split_plainly(lines: list[str], separator: str) -> tuple[list[list[str]], list[int]]:
    rows, starts = [], []
    for number, line in enumerate(lines, 1):
        line = line.removesuffix("\r")
        if line:
            rows.append(line.split(separator))
            starts.append(number)
    return rows, starts


def _check_stray_quotes(
    path: Path, rows: list[list[str]], starts: list[int], separator: str
) -> tuple[str, ...]:
    """A warning for fields with an unclosed quote mark; an error unless TAB is the separator.

    TAB-separated files often quote nothing, and a text may begin with a quote mark.
    """
    stray = [
        line
        for row, line in zip(rows, starts, strict=True)
        if any(cell[:1] == '"' and (len(cell) < 2 or cell[-1] != '"') for cell in row)
    ]
    if not stray:
        return ()
    problem = f"{path}, line {stray[0]}: a quote is opened and never closed"
    if separator != "\t":
        raise InputError(f"{problem}. Close it, or double the quote marks inside the field")
    return (f"{problem} ({len(stray)} lines); the mark is read as text",)


def unquote(cell: str) -> str:
    """A field of a file that is split plainly, without its enclosing quote marks."""
    if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"':
        return cell
    return cell[1:-1].replace('\\"', '"').replace('""', '"')


def _check_widths(path: Path, rows: list[list[str]], starts: list[int], separator: str) -> None:
    expected, name = len(rows[0]), separator_name(separator)
    for row, line in zip(rows, starts, strict=True):
        if len(row) != expected:
            raise InputError(
                f"{path}, line {line}: {len(row)} fields where the header has {expected} "
                f"({name}-separated). Put fields that contain the separator in quotes"
            )
