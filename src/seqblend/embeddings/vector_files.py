"""Vector files in the text formats of GloVe, word2vec and fastText, read as a stream."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqblend.core.errors import InputError
from seqblend.reading.formats import data_members, open_stream

SUFFIXES = (".txt", ".vec", ".gz", ".zip", ".bz2", ".xz")
_BLOCK = 1 << 23  # bytes of text parsed at a time
_SNIFFED = 1 << 16  # bytes that tell a format
_LEAST_WIDTH = 8  # numbers a line from which on a file found by itself may hold vectors
_HEADER = re.compile(rb"\s*(\d+) +(\d+)\s*")
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True)
class Vectors:
    """Tokens of a vector file that were wanted.

    index: {token as UTF-8: row}; values: float32 [rows, d]
    lines: how many vectors the file holds
    """

    index: dict[bytes, int]
    values: np.ndarray
    lines: int


def read_vectors(path: Path, wanted: Collection[bytes]) -> Vectors:
    """The vectors of wanted tokens (UTF-8); of a token that comes again, the first.

    Memory is one block and what is kept, whatever the file's size. A token may hold spaces, as in
    glove.840B: the last d fields are the numbers.

    raises: InputError naming the line for a wrong dimension, a broken line, another encoding, a
        binary or damaged file
    """
    reader = _Reader(path, set(wanted))
    for number, block in _blocks(path):
        reader.add(number, block)
    reader.check_encoding()
    if not reader.lines:
        raise InputError(f"{path} holds no vectors; expected a token and its numbers in a line")
    values = np.concatenate(reader.parts) if reader.parts else np.empty((0, reader.width or 0))
    return Vectors(reader.index, values.astype(np.float32, copy=False), reader.lines)


def sniff_width(path: Path) -> int:
    """How many numbers a vector has, judged by the first lines; 0 where this is no vector file."""
    try:
        with open_stream(path) as stream:
            text = stream.read(_SNIFFED)
    except InputError:
        return 0
    lines = text.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:-1][:20]
    if lines and _HEADER.fullmatch(lines[0]):
        lines = lines[1:]
    fields = [line.split() for line in lines]
    widths = {len(field) - 1 for field in fields}
    if len(lines) < 2 or len(widths) > 1 or min(widths) < _LEAST_WIDTH:
        return 0
    are_numbers = all(_NUMBER.fullmatch(value) for field in fields for value in field[1:])
    are_tokens = any(not _NUMBER.fullmatch(field[0]) for field in fields)
    return widths.pop() if are_numbers and are_tokens else 0


def find_vector_files(folders: Collection[Path], besides: Collection[Path]) -> list[Path]:
    """Vector files directly in the folders, by content; of an archive the first one by name."""
    found = []
    for folder in dict.fromkeys(folders):
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path.suffix.lower() in SUFFIXES and path.is_file() and path not in besides:
                members = [path / name for name in data_members(path)] or [path]
                found += [member for member in members if sniff_width(member)][:1]
    return found


def _blocks(path: Path) -> Iterator[tuple[int, list[bytes]]]:
    """(number of the first line from 1, whole lines) of about _BLOCK bytes each."""
    number, rest = 1, b""
    with open_stream(path) as stream:
        while text := stream.read(_BLOCK):
            if number == 1 and not rest:
                _check_text(path, text[:_SNIFFED])
                text = text.removeprefix(b"\xef\xbb\xbf")
            lines = (rest + text).replace(b"\t", b" ").split(b"\n")
            rest = lines.pop()
            yield number, lines
            number += len(lines)
    if rest.strip():
        yield number, [rest]


def _check_text(path: Path, text: bytes) -> None:
    if text.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{path} is UTF-16; expected UTF-8. Save it as UTF-8")
    if _BINARY.search(text):
        raise InputError(
            f"{path} is binary; expected text: a token and its numbers in a line. Convert "
            "word2vec's with gensim: KeyedVectors.load_word2vec_format(FILE, binary=True)"
            ".save_word2vec_format('vectors.vec'); of fastText take the .vec file"
        )


class _Reader:
    """What was kept of the lines so far."""

    def __init__(self, path: Path, wanted: set[bytes]) -> None:
        self.path, self.wanted = path, wanted
        self.index: dict[bytes, int] = {}
        self.parts: list[np.ndarray] = []
        self.lines, self.width = 0, 0
        self._beyond_ascii, self._broken, self._first_broken = 0, 0, 0

    def add(self, number: int, lines: list[bytes]) -> None:
        """Keep the wanted vectors of some lines, the first of which is line `number`."""
        if not self.width and lines:
            header = _HEADER.fullmatch(lines[0])
            if header:
                lines, number = lines[1:], number + 1
            self.width = int(header[2]) if header else _usual_width(lines)
        seen, kept, values = [], [], []
        for at, line in enumerate(map(bytes.rstrip, lines)):
            if line.count(b" ") == self.width:
                token, _, rest = line.partition(b" ")
            elif line:
                token, rest = self._split(number + at, line)
            else:
                token, rest = b"", b""
            seen.append(token)
            if token in self.wanted and token not in self.index:
                self.index[token] = len(self.index)
                kept.append(number + at)
                values.append(rest)
        self.lines += len(seen) - seen.count(b"")
        self._count_broken(seen, number)
        if values:
            self.parts.append(self._parse(values, kept))

    def _split(self, number: int, line: bytes) -> tuple[bytes, bytes]:
        """(token, its numbers) of a line whose spaces are not as many as the numbers."""
        fields = line.split()
        if len(fields) > self.width + 1:
            surplus = fields[1 : -self.width]
            if not all(_NUMBER.fullmatch(field) and b"." in field for field in surplus):
                return b" ".join(fields[: -self.width]), b" ".join(fields[-self.width :])
        if len(fields) != self.width + 1:
            raise InputError(
                f"{self.path}, line {number}: expected a token and {self.width} numbers, got "
                f"{len(fields) - 1}. Mend or remove the line, or download the file again"
            )
        return fields[0], b" ".join(fields[1:])

    def _parse(self, values: list[bytes], numbers: list[int]) -> np.ndarray:
        """float32 [lines, d] of the lines' numbers."""
        parsed = _parse_numbers(b" ".join(values))
        if parsed.size == len(values) * self.width and np.isfinite(parsed).all():
            return parsed.reshape(-1, self.width)
        for number, text in zip(numbers, values, strict=True):
            one = _parse_numbers(text)
            if one.size != self.width or not np.isfinite(one).all():
                wrong = next((v for v in text.split() if not _NUMBER.fullmatch(v)), b"?")
                raise InputError(
                    f"{self.path}, line {number}: expected {self.width} finite numbers, got "
                    f"'{wrong[:40].decode(errors='replace')}'. Mend or remove the line"
                )
        raise AssertionError("a block that cannot be parsed has a line that cannot")

    def _count_broken(self, tokens: list[bytes], number: int) -> None:
        """Count tokens beyond ASCII, and those of them that are not UTF-8."""
        if b"".join(tokens).isascii():
            return
        for i, token in enumerate(tokens):
            if not token.isascii():
                self._beyond_ascii += 1
                if token.decode(errors="ignore").encode() != token:
                    self._broken += 1
                    self._first_broken = self._first_broken or number + i

    def check_encoding(self) -> None:
        """Words that were cut inside a letter are few; in another encoding all are broken."""
        if 2 * self._broken > self._beyond_ascii:
            raise InputError(
                f"{self.path}, line {self._first_broken}: the token is not UTF-8, nor are "
                f"{self._broken:,} of the {self._beyond_ascii:,} tokens beyond ASCII. Save the "
                "file as UTF-8"
            )


def _usual_width(lines: list[bytes]) -> int:
    """The most frequent number of numbers in a line; a token may hold spaces, or a line be cut."""
    counts = Counter(len(line.split()) - 1 for line in lines[:1000] if line.strip())
    return max(counts.most_common(1)[0][0], 1) if counts else 0


def _parse_numbers(text: bytes) -> np.ndarray:
    """float32 [numbers], up to the first that is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text, dtype=np.float32, sep=" ")
        except (DeprecationWarning, ValueError):
            return np.empty(0, dtype=np.float32)
