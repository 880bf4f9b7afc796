"""Read the files of a tar archive or a folder, in memory: nothing is unpacked."""

from __future__ import annotations

import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from seqblend.core.errors import InputError

_LARGEST = 1 << 26  # bytes in one file: far beyond any document of these data sets
_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)
_Files = Iterator[tuple[re.Match[str], bytes]]


def read_files(source: Path, wanted: re.Pattern[str]) -> _Files:
    """Each plain file whose name the pattern finds: (the match, its content), in no given order.

    source: a tar, however compressed, or the folder it was unpacked into; links are left out
    raises: InputError for an archive that is damaged or cut short, and for a file above 64 MiB
    """
    try:
        yield from (_read_folder if source.is_dir() else _read_tar)(source, wanted)
    except _DAMAGE as error:
        kind = "folder that can be read" if source.is_dir() else "complete tar archive"
        why = " ".join(str(error).split())[:120]
        raise InputError(f"{source} is no {kind} ({why}). Download it again") from None


def _read_folder(top: Path, wanted: re.Pattern[str]) -> _Files:
    for path in top.rglob("*"):
        match = wanted.search(path.relative_to(top).as_posix())
        if match and path.is_file() and not path.is_symlink():
            yield match, path.read_bytes()


def _read_tar(source: Path, wanted: re.Pattern[str]) -> _Files:
    with tarfile.open(source) as archive:
        for member in archive:
            match = wanted.search(member.name)
            if match and member.isfile():
                if member.size > _LARGEST:
                    raise tarfile.ReadError(f"{member.name} has {member.size:,} bytes")
                yield match, archive.extractfile(member).read()
        # tarfile takes a cut or broken header for the end; the real one is a block of zeros.
        archive.fileobj.seek(archive.offset)
        if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("it has no end mark")
