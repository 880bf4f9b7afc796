"""One public data set, from a file, a folder or an address to a folder in competition shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqblend.errors import FlagError, InputError
from seqblend.public.fetching import cached_path, download, is_url
from seqblend.public.prepared import Prepared, write_prepared
from seqblend.public.published import Published
from seqblend.store import file_digest

_GO_ON = "Take the published one, or go on with --unchecked"


@dataclass(frozen=True)
class Source:
    """What --from names, where downloads are kept, and whether it must be what was published."""

    place: str | None
    cache: Path
    is_checked: bool = True


def prepare(
    published: Published, source: Source, folder: Path, note: Callable[[str], None]
) -> Prepared:
    """Write a data set such as DATA_SETS["imdb"] into `folder`; returns what was written.

    Checked are a file's SHA-256, and the numbers of rows, which is all that tells a folder.

    raises: FlagError, InputError or MachineError in one line with the remedy; nothing is written
        then
    """
    path = _find(source, published, note)
    if source.is_checked and path.is_file():
        _check_digest(path, published)
    note(f"reading {path}")
    data = published.load(path)
    rows = (len(data.train), len(data.test))
    if source.is_checked and rows != published.rows:
        raise InputError(
            f"{path} holds {rows[0]:,} train and {rows[1]:,} test rows; published are "
            f"{published.rows[0]:,} and {published.rows[1]:,}. {_GO_ON}"
        )
    write_prepared(folder, data)
    return data


def _find(source: Source, published: Published, note: Callable[[str], None]) -> Path:
    """The archive on this machine, downloaded where it is not yet here."""
    place = source.place
    if not place:
        raise FlagError(
            f"--from expects {published.file}, as a file or as the address it is published at: "
            f"--from {published.url}"
        )
    if not is_url(place):
        if not Path(place).exists():
            raise FlagError(
                f"--from {place} does not exist; expected {published.file}, which is published "
                f"at {published.url}"
            )
        return Path(place)
    path = cached_path(place, source.cache)
    is_kept = path.is_file() and (not source.is_checked or file_digest(path) == published.sha256)
    if not is_kept:
        download(place, path, file=published.file, note=note)
    return path


def _check_digest(path: Path, published: Published) -> None:
    found = file_digest(path)
    if found != published.sha256:
        raise InputError(
            f"{path} has the SHA-256 {found}; the published {published.file} has "
            f"{published.sha256}. {_GO_ON}"
        )
