"""Vector files in the text formats of GloVe, word2vec and fastText, read as a stream."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seqblend.core.errors import InputError
from seqblend.reading.formats import data_members, open_stream

SUFFIXES = (".txt", ".vec", ".gz", ".zip", ".bz2", ".xz")
_BLOCK = 1 << 23  # bytes of text parsed at a time
_SNIFFED = 1 << 16  # bytes read to recognise the format
_LEAST_WIDTH = 8  # smallest dimension at which a file is recognised as vectors
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
    values = np.array(reader.values, dtype=np.float32).reshape(-1, reader.width)
    return Vectors(reader.index, values, reader.lines)


def sniff_width(path: Path) -> int:
    """The vectors' dimension, judged by the first lines; 0 where this is no vector file."""
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
    """Collects the wanted vectors of a file block by block."""

    def __init__(self, path: Path, wanted: set[bytes]) -> None:
        self.path, self.wanted = path, wanted
        self.index: dict[bytes, int] = {}
        self.values: list[np.ndarray] = []
        self.lines, self.width = 0, 0
        self._non_ascii, self._undecodable = 0, list[int]()  # a count, line numbers

    def add(self, number: int, lines: list[bytes]) -> None:
        """Keep the wanted vectors of some lines, the first of which is line `number`."""
        if not self.width and lines:
            header = _HEADER.fullmatch(lines[0])
            if header:
                lines, number = lines[1:], number + 1
            self.width = int(header[2]) if header else _usual_width(lines)
        for at, line in enumerate(map(bytes.rstrip, lines), number):
            if not line:
                continue
            token, text = self._split(at, line)
            self.lines += 1
            if not token.isascii():
                self._non_ascii += 1
                if token.decode(errors="ignore").encode() != token:
                    self._undecodable.append(at)
            if token in self.wanted and token not in self.index:
                self.index[token] = len(self.index)
                self.values.append(self._parse(at, text))

    def _split(self, number: int, line: bytes) -> tuple[bytes, bytes]:
        """(token, its numbers); the token may hold spaces."""
        if line.count(b" ") == self.width:
            token, _, text = line.partition(b" ")
            return token, text
        fields = line.split()
        surplus = fields[1 : -self.width]
        has_spaces = not all(_NUMBER.fullmatch(field) and b"." in field for field in surplus)
        if len(fields) != self.width + 1 and not has_spaces:
            raise InputError(
                f"{self.path}, line {number}: expected a token and {self.width} numbers, got "
                f"{len(fields) - 1}. Correct or remove the line, or download the file again"
            )
        return b" ".join(fields[: -self.width]), b" ".join(fields[-self.width :])

    def _parse(self, number: int, text: bytes) -> np.ndarray:
        """float32 [d]: the numbers of a line."""
        fields = text.split()
        wrong = next((field for field in fields if not _NUMBER.fullmatch(field)), None)
        if wrong is not None or len(fields) != self.width:
            raise InputError(
                f"{self.path}, line {number}: expected {self.width} finite numbers, got "
                f"'{(wrong or text)[:40].decode(errors='replace')}'. Correct or remove the line"
            )
        return np.array(fields).astype(np.float32)

    def check_encoding(self) -> None:
        """Words that were cut inside a letter are few; in another encoding all are broken."""
        if 2 * len(self._undecodable) > self._non_ascii:
            raise InputError(
                f"{self.path}, line {self._undecodable[0]}: the token is not UTF-8, nor are "
                f"{len(self._undecodable):,} of the {self._non_ascii:,} tokens beyond ASCII. Save "
                "the file as UTF-8"
            )


def _usual_width(lines: list[bytes]) -> int:
    """The most frequent number of numbers in a line; a token may hold spaces, or a line be cut."""
    counts = Counter(len(line.split()) - 1 for line in lines[:1000] if line.strip())
    return max(counts.most_common(1)[0][0], 1) if counts else 0
