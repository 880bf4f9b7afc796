"""The files of an archive or a folder: read in memory, never unpacked, their names checked."""

from __future__ import annotations

import lzma
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from seqblend.errors import InputError

_LARGEST = 1 << 26  # bytes in one file: far beyond any document of these data sets
_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)
File = tuple[str, Callable[[], bytes]]  # its name with forward slashes, and its content on demand


def read_members(source: Path, wanted: re.Pattern[str]) -> Iterator[tuple[re.Match[str], bytes]]:
    """Each file whose name the pattern finds: (the match, its content), in the source's order.

    source: a tar, however compressed, or the folder it was unpacked into

    raises: InputError for a damaged, truncated or empty archive, and for any file, wanted or not,
        with an absolute or parent path, that is a link or a device, or has more than 64 MiB
    """
    is_empty = True
    try:
        for name, read in _walk_folder(source) if source.is_dir() else _walk_tar(source):
            is_empty = False
            if match := wanted.search(name):
                yield match, read()
    except _DAMAGE as error:
        kind = "folder that can be read" if source.is_dir() else "complete tar archive"
        why = " ".join(str(error).split())[:120]
        raise InputError(f"{source} is no {kind} ({why}). Download it again") from None
    if is_empty:
        raise InputError(f"{source} holds no files; expected the data set. Download it again")


def _walk_folder(top: Path) -> Iterator[File]:
    for folder, folders, names in os.walk(top):
        for name in (*folders, *names):
            if (Path(folder) / name).is_symlink():
                raise _refusal(top, os.path.join(folder, name), "is a link")
        for name in names:
            path = Path(folder) / name
            yield path.relative_to(top).as_posix(), path.read_bytes


def _walk_tar(source: Path) -> Iterator[File]:
    with tarfile.open(source) as archive:
        for member in archive:
            _check_member(source, member)
            if member.isfile():
                yield member.name, lambda member=member: archive.extractfile(member).read()
        # tarfile takes a cut or broken header for the end; the real one is a block of zeros.
        archive.fileobj.seek(archive.offset)
        if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it has no end mark")


def _check_member(source: Path, member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or "\\" in member.name or re.match("[A-Za-z]:", member.name):
        raise _refusal(source, member.name, "has an absolute path")
    if ".." in path.parts:
        raise _refusal(source, member.name, "leads out of the archive")
    if not (member.isfile() or member.isdir()):
        kind = "a link" if member.issym() or member.islnk() else "no plain file"
        raise _refusal(source, member.name, f"is {kind}")
    if member.size > _LARGEST:
        raise _refusal(source, member.name, f"has {member.size:,} bytes")


def _refusal(source: Path, name: str, problem: str) -> InputError:
    return InputError(
        f"{source}: '{name}' {problem}; the published data set holds plain documents below one "
        "folder. Nothing was read further: get it from where it is published"
    )
