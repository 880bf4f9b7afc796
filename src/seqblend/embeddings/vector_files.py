"""Vector files in the text formats of GloVe, word2vec and fastText, read as a stream."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from seqblend.core.errors import InputError
from seqblend.reading.formats import data_members, open_stream

SUFFIXES = (".txt", ".vec", ".gz", ".zip", ".bz2", ".xz")
_SNIFFED = 1 << 16  # bytes read to recognise the format
_LONGEST = 1 << 20  # bytes of a line
_LEAST_WIDTH = 8  # smallest dimension at which a file is recognised as vectors
_HEADER = re.compile(rb"\s*(\d+) +(\d+)\s*")
_DECIMAL = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBER = re.compile(_DECIMAL)
_NUMBERS = re.compile(rb"(?:" + _DECIMAL + rb"\s+)*" + _DECIMAL)
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True)
class Vectors:
    """Tokens of a vector file that were wanted.

    index: {token: row}; values: float32 [rows, d]
    lines: how many vectors the file holds
    """

    index: dict[str, int]
    values: np.ndarray
    lines: int


def read_vectors(path: Path, wanted: Collection[str]) -> Vectors:
    """The vectors of wanted tokens; of a token that comes again, the first.

    Memory is what is kept, whatever the file's size. A token may hold spaces, as in glove.840B:
    the last d fields are the numbers.

    raises: InputError naming the line for a wrong dimension or a broken number, or for a binary
        or damaged file
    """
    missing = {token.encode("utf-8", "surrogatepass"): token for token in wanted}
    index: dict[str, int] = {}
    values: list[np.ndarray] = []
    lines = 0
    with open_stream(path) as stream:
        first = _read_first_lines(stream)
        _check_text(path, first)
        header = _HEADER.fullmatch(first[0])
        width = int(header[2]) if header else _usual_width(first)
        for number, line in enumerate(itertools.chain(first, stream), 1):
            text = line.replace(b"\t", b" ").rstrip()
            if not text or (header and number == 1):
                continue
            token, _, numbers = text.partition(b" ")
            if text.count(b" ") != width:  # a token that holds spaces, or a broken line
                token, *fields = text.rsplit(None, width)
                numbers = b" ".join(fields)
                if len(fields) < width:
                    raise InputError(
                        f"{path}, line {number}: expected a token and {width} numbers, got "
                        f"{len(fields)}. Correct or remove the line, or download the file again"
                    )
            lines += 1
            if (word := missing.pop(token, None)) is not None:
                index[word] = len(index)
                values.append(_parse(path, number, numbers))
    if not lines:
        raise InputError(f"{path} holds no vectors; expected a token and its numbers in a line")
    return Vectors(index, np.array(values, dtype=np.float32).reshape(-1, width), lines)


def _parse(path: Path, number: int, text: bytes) -> np.ndarray:
    """float32 [d]: the numbers of a line."""
    fields = text.split()
    if not _NUMBERS.fullmatch(text.strip()):  # float() alone would also take nan, inf and 1_0
        wrong = next(field for field in fields if not _NUMBER.fullmatch(field))
        raise InputError(
            f"{path}, line {number}: expected {len(fields)} finite numbers, got "
            f"'{wrong[:40].decode(errors='replace')}'. Correct or remove the line"
        )
    return np.array(list(map(float, fields)), dtype=np.float32)


def sniff_width(path: Path) -> int:
    """The vectors' dimension, judged by the first lines; 0 where this is no vector file."""
    try:
        with open_stream(path) as stream:
            lines = _read_first_lines(stream)[:20]
    except InputError:
        return 0
    fields = [line.split() for line in lines[bool(_HEADER.fullmatch(lines[0])) :] if line.strip()]
    widths = {len(field) - 1 for field in fields}
    if len(fields) < 2 or len(widths) > 1 or min(widths) < _LEAST_WIDTH:
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


def _read_first_lines(stream: BinaryIO) -> list[bytes]:
    """The first lines, at least one, without a byte order mark; the next read begins a line."""
    text = stream.read(_SNIFFED) + stream.readline(_LONGEST)
    return text.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n")


def _check_text(path: Path, lines: list[bytes]) -> None:
    if any(map(_BINARY.search, lines)):
        raise InputError(
            f"{path} is binary or UTF-16; expected UTF-8 text: a token and its numbers in a line. "
            "Convert word2vec's with gensim: KeyedVectors.load_word2vec_format(FILE, binary=True)"
            ".save_word2vec_format('vectors.vec'); of fastText take the .vec file"
        )


def _usual_width(lines: list[bytes]) -> int:
    """The most frequent number of numbers in a line; a token may hold spaces, or a line be cut."""
    counts = Counter(len(line.split()) - 1 for line in lines if line.strip())
    return max(counts.most_common(1)[0][0], 1) if counts else 0
