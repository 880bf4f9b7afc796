"""Data sets with one document per file, in folders named by class: part/class/name."""

from __future__ import annotations

import lzma
import re
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from seqblend.core.errors import InputError, listing
from seqblend.core.seeds import rng_for
from seqblend.extras.public.competition_files import PublicData

_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError)
_Documents = dict[tuple[str, str], dict[str, bytes]]  # (part, class) -> name -> content
_Files = Iterator[tuple[re.Match[str], bytes]]


@dataclass(frozen=True)
class Layout:
    """Where the documents are.

    prefix: what precedes `train` and `test` in a folder's name
    suffix: what the documents' names end with
    unlabelled: the folder of train whose documents have no label; "" where there is none
    """

    classes: tuple[str, ...]
    encoding: str
    prefix: str = ""
    suffix: str = ""
    unlabelled: str = ""


_GROUPS = """
    alt.atheism comp.graphics comp.os.ms-windows.misc comp.sys.ibm.pc.hardware
    comp.sys.mac.hardware comp.windows.x misc.forsale rec.autos rec.motorcycles
    rec.sport.baseball rec.sport.hockey sci.crypt sci.electronics sci.med sci.space
    soc.religion.christian talk.politics.guns talk.politics.mideast talk.politics.misc
    talk.religion.misc
"""
# 25,000 + 25,000 film reviews and 50,000 unlabelled ones (Maas et al. 2011).
IMDB = Layout(("neg", "pos"), "utf-8", suffix=".txt", unlabelled="unsup")
# 11,314 + 7,532 posts to twenty groups, split by date (Lang 1995); raw, headers and all.
NEWSGROUPS = Layout(tuple(_GROUPS.split()), "latin-1", prefix="20news-bydate-")


def read_documents(source: Path, layout: Layout) -> PublicData:
    """The documents of a tar or a folder in the publisher's split, each part shuffled.

    A document's name may tell its label (`train/pos/0_9.txt`: number and rating). So ids are
    `train_0`, `test_0`, `unsup_0`, in shuffled order, and `source` keeps the names. A name that
    comes twice counts once, as last written, as it would when unpacked.
    raises: InputError for folders that are missing, for bytes that are not in the layout's
        encoding, and for what read_files refuses
    """
    prefix, suffix = re.escape(layout.prefix), re.escape(layout.suffix)
    name = rf"[^/.][^/]*{suffix}"  # no hidden files
    wanted = re.compile(rf"(?:^|/){prefix}(train|test)/([^/]+)/({name})$")
    found: _Documents = {}
    for match, content in read_files(source, wanted):
        part, label, name = match.groups()
        found.setdefault((part, label), {})[name] = content
    parts = {part: [(part, label) for label in layout.classes] for part in ("train", "test")}
    if missing := {key for keys in parts.values() for key in keys} - set(found):
        raise InputError(
            f"{source} has no documents in "
            f"{listing(f'{layout.prefix}{part}/{label}' for part, label in sorted(missing))}. "
            "Take the whole data set as it is published"
        )
    if ("train", layout.unlabelled) in found:
        parts[layout.unlabelled] = [("train", layout.unlabelled)]
    return PublicData("text", *(_shuffle(*item, found, layout, source) for item in parts.items()))


def _shuffle(
    part: str, keys: list[tuple[str, str]], found: _Documents, layout: Layout, source: Path
) -> pd.DataFrame:
    """The rows of one file: sorted by name, then shuffled with a seed per file."""
    names = sorted((*key, name) for key in keys for name in found[key])
    order = rng_for(0, f"public-order-{part}").permutation(len(names))
    rows = []
    for i, (folder, label, name) in enumerate(names[k] for k in order):
        path = f"{folder}/{label}/{name}"
        try:
            text = found[folder, label][name].decode(layout.encoding)
        except UnicodeDecodeError as error:
            raise InputError(
                f"{source}: {path}, byte {error.start} is not {layout.encoding}. Download it again"
            ) from None
        rows.append((f"{part}_{i}", text, label, path))
    return pd.DataFrame(rows, columns=["id", "text", "label", "source"])


def read_files(source: Path, wanted: re.Pattern[str]) -> _Files:
    """Each plain file whose name the pattern finds: (the match, its content), in no given order.

    source: a tar, however compressed, or the folder it was unpacked into; links are left out
    raises: InputError for an archive that is damaged or cut short
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
                yield match, archive.extractfile(member).read()
