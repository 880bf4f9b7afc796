"""Reads the text of one file: decompressed, decoded and checked."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from seqblend.core.errors import InputError, listing

COMPRESSED = (".gz", ".zip", ".bz2", ".xz")
_MOST_LAYERS = 3  # a zip in a zip in a zip
_LARGEST_RATIO = 200  # of unpacked to packed bytes: tables have up to 20 or so
_SMALL = 100_000_000  # unpacked bytes, at most, that are never too many
JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
DELIMITED_SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
COLUMNAR_SUFFIXES = (".parquet", ".feather")
_COMPRESSORS = {b"\x1f\x8b": gzip, b"BZh": bz2, b"\xfd7zXZ\0": lzma}  # by first bytes
_BOMS = (  # UTF-32 first: its little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class FileContent:
    """A file's text, the suffix of its format, and its encoding."""

    text: str
    suffix: str
    encoding: str
    warnings: tuple[str, ...] = ()


def data_name(path: Path) -> str:
    """The file's name without a compression suffix: `train.csv.gz` -> `train.csv`."""
    return path.stem if path.suffix.lower() in COMPRESSED else path.name


def read_content(path: Path) -> FileContent:
    """The decompressed, decoded text of a file.

    raises: InputError for a missing file, a folder, a damaged archive, an archive with several
        members, an empty file, a web page or Git LFS pointer in place of data, NUL characters, or
        bytes that are text in no usual encoding
    """
    raw, name = read_bytes(path)
    if not raw.strip():
        raise InputError(f"{path} is empty ({len(raw)} bytes); expected a table. Download it again")
    text, encoding, warnings = decode(path, raw)
    _check_is_data(path, text)
    at = text.find("\0")
    if at >= 0:
        line = text.count("\n", 0, at) + 1
        raise InputError(
            f"{path}, line {line}: contains a NUL character; expected text. "
            "Save it as UTF-8, or download it again"
        )
    return FileContent(text, Path(name).suffix.lower(), encoding, warnings)


def _check_is_data(path: Path, text: str) -> None:
    """InputError for what a download leaves in place of the data."""
    start = text[:200].lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        problem = "is an HTML page (a login or error page, perhaps)"
    elif start.startswith("version https://git-lfs.github.com/"):
        problem = "is a Git LFS pointer"
    else:
        return
    raise InputError(f"{path} {problem}, not the data; expected a table. Download it again")


def read_bytes(path: Path) -> tuple[bytes, str]:
    """(decompressed bytes, name of the data) of a file, unpacked more than once where need be.

    path: `archive.zip/member.csv` names a file inside an archive
    raises: InputError for a missing file, a folder, a damaged archive, or one of several members
    """
    archive = archive_of(path)
    if archive is None:
        raw, name = _read_file(path), data_name(path)
        most = _most_bytes(len(raw))
    else:
        member, most = path.relative_to(archive).as_posix(), _most_bytes(archive.stat().st_size)
        raw, name = _read_member(archive, member, most), data_name(Path(path.name))
    for _ in range(_MOST_LAYERS):
        unpacked, inner = _decompress(path, raw, name, most)
        if unpacked is raw:
            break
        raw, name = unpacked, inner
    return raw, name


def archive_of(path: Path) -> Path | None:
    """The zip archive that a path like `archive.zip/folder/member.csv` leads into."""
    for folder in path.parents:
        if folder.suffix.lower() == ".zip" and folder.is_file():
            return folder
    return None


def _most_bytes(packed: int) -> int:
    """How many bytes a file of this size may unpack to: a hostile one would fill the memory."""
    return max(_LARGEST_RATIO * packed, _SMALL)


def _read_unpacked(path: Path, stream: IO[bytes], most: int) -> bytes:
    content = stream.read(most + 1)
    if len(content) > most:
        raise InputError(
            f"{path} unpacks to more than {most:,} bytes, {_LARGEST_RATIO} times its size; "
            "expected a table. Leave it out of the folder, or unpack it by hand"
        )
    return content


def _read_member(archive: Path, member: str, most: int) -> bytes:
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as stream:
            return _read_unpacked(archive, stream, most)
    except KeyError:
        raise InputError(f"{archive} holds no {member}. Check the name") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise InputError(f"{archive} cannot be unpacked ({error}). Download it again") from None


def _read_file(path: Path) -> bytes:
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected a file. Name the file inside it")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path} does not exist. Check the folder given with --data") from None
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}. Check its permissions"
        ) from None


def _decompress(path: Path, raw: bytes, name: str, most: int) -> tuple[bytes, str]:
    """(bytes, name of the data), one layer of compression removed; the same bytes without one."""
    try:
        if raw.startswith(b"PK\x03\x04"):
            return _only_member(path, raw, most)
        for mark, module in _COMPRESSORS.items():
            if raw.startswith(mark):
                with module.open(io.BytesIO(raw)) as stream:
                    return _read_unpacked(path, stream, most), data_name(Path(name))
    except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error}). Download it again") from None
    return raw, name


def data_members(path: Path) -> list[str]:
    """The names of a zip archive's data files in name order; none where it is no archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sorted(_data_names(archive))
    except (OSError, zipfile.BadZipFile, ValueError):
        return []


def _data_names(archive: zipfile.ZipFile) -> list[str]:
    """The archive's members without folders, hidden files and those that macOS adds."""
    return [
        name
        for name in archive.namelist()
        if not name.endswith("/")
        and not name.startswith("__MACOSX/")
        and not Path(name).name.startswith(".")
    ]


@contextlib.contextmanager
def open_stream(path: Path) -> Iterator[BinaryIO]:
    """The decompressed bytes of a file as a stream, for files too large for memory.

    path: `archive.zip/member.txt` names one of several members
    raises: InputError as read_content does, also for a stream that breaks later
    """
    try:
        if zipfile.is_zipfile(path.parent):
            archive, member = path.parent, path.name
        else:
            archive, member = path, ""
        with open(archive, "rb") as file:
            mark = file.read(6)
        if mark.startswith(b"PK\x03\x04"):
            with (
                zipfile.ZipFile(archive) as opened,
                opened.open(_choose_member(archive, opened, member)) as stream,
            ):
                yield stream
            return
        modules = (module for begin, module in _COMPRESSORS.items() if mark.startswith(begin))
        opener = getattr(next(modules, None), "open", open)
        with opener(archive, "rb") as stream:
            yield stream
    except FileNotFoundError:
        raise InputError(f"{path} does not exist. Check the path") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; expected a file. Name the file inside it") from None
    except (
        *(OSError, EOFError, RuntimeError),
        *(zlib.error, lzma.LZMAError, zipfile.BadZipFile),
    ) as error:
        raise InputError(f"{path} is damaged ({error}). Download it again") from None


def _choose_member(path: Path, archive: zipfile.ZipFile, member: str) -> str:
    names = _data_names(archive)
    chosen = [name for name in names if not member or Path(name).name == member]
    if len(chosen) != 1:
        raise InputError(
            f"{path} holds {len(names)} files ({listing(names)}); expected one. "
            f"Name the one to take: {path}/{Path(names[0]).name if names else 'FILE'}"
        )
    return chosen[0]


def _only_member(path: Path, raw: bytes, most: int) -> tuple[bytes, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = _data_names(archive)
            if len(names) != 1:
                raise InputError(
                    f"{path} holds {len(names)} files ({listing(names)}); expected one table. "
                    "Unpack it into the folder"
                )
            with archive.open(names[0]) as stream:
                return _read_unpacked(path, stream, most), data_name(Path(names[0]))
    except (zipfile.BadZipFile, RuntimeError) as error:
        raise InputError(
            f"{path} cannot be unpacked ({error}). Unpack it by hand, or download it again"
        ) from None


def decode(path: Path, raw: bytes) -> tuple[str, str, tuple[str, ...]]:
    """(text, encoding, warnings) of a file's bytes; InputError where they are no text."""
    encoding = next((name for mark, name in _BOMS if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding), encoding, ()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        where = f"{path}, line {line}: byte 0x{raw[error.start]:02x} is not {encoding}"
    if encoding != "utf-8" or not _looks_like_cp1252(raw):
        raise InputError(f"{where}. Save the file as UTF-8, or download it again")
    return raw.decode("cp1252"), "cp1252", (f"{where}; read as cp1252 (Western European)",)


def _looks_like_cp1252(raw: bytes) -> bool:
    """Whether the high bytes are Western letters, not damaged UTF-8."""
    # 0xfe and 0xff are letters hardly any text has; the other five are undefined in cp1252.
    if re.search(rb"[\x81\x8d\x8f\x90\x9d\xfe\xff]", raw):
        return False
    return raw.decode("utf-8", errors="ignore").isascii()
