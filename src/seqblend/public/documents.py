"""Data sets of one document a file, the class being the folder: part/class/name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seqblend.errors import InputError, listing
from seqblend.public.archives import read_members
from seqblend.public.prepared import Prepared, Rows
from seqblend.seeds import rng_for

PARTS = ("train", "test")
Documents = dict[tuple[str, str], dict[str, bytes]]  # (part, class) -> name -> content


@dataclass(frozen=True)
class Layout:
    """Where the documents lie.

    prefix: what precedes `train` and `test` in a folder's name
    suffix: what the documents' names end with
    unlabelled: the folder of train whose documents have no label; "" where there is none
    """

    classes: tuple[str, ...]
    encoding: str
    prefix: str = ""
    suffix: str = ""
    unlabelled: str = ""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds part, class and name of a document; hidden files are none."""
        return re.compile(
            rf"(?:^|/){re.escape(self.prefix)}(train|test)/([^/]+)"
            rf"/([^/.][^/]*{re.escape(self.suffix)})$"
        )


def read_documents(source: Path, layout: Layout) -> Prepared:
    """The documents of a tar or a folder, each part in an order that tells no class.

    A name that comes twice counts once, as last written, as it would when unpacked.

    raises: InputError for other classes, for folders that are missing, for bytes that are not in
        the layout's encoding, and what archives.read_members refuses
    """
    found: Documents = {}
    for match, content in read_members(source, layout.pattern):
        part, label, name = match.groups()
        found.setdefault((part, label), {})[name] = content
    _check_folders(source, layout, found)
    train, test = (
        _deal(part, [(part, label) for label in layout.classes], found, layout, source)
        for part in PARTS
    )
    hidden = [key for key in found if key[1] == layout.unlabelled]
    rows = _deal(layout.unlabelled, hidden, found, layout, source) if hidden else None
    return Prepared("text", train, test, rows)


def _check_folders(source: Path, layout: Layout, found: Iterable[tuple[str, str]]) -> None:
    def paths(keys: Iterable[tuple[str, str]]) -> str:
        return listing(sorted(f"{layout.prefix}{part}/{label}" for part, label in keys))

    expected = {(part, label) for part in PARTS for label in layout.classes}
    missing = expected.difference(found)
    if missing:
        raise InputError(
            f"{source} has no documents in {paths(missing)}; expected {len(layout.classes)} "
            "classes in train and test. Take the whole data set as it is published"
        )
    others = set(found) - expected - {("train", layout.unlabelled)}
    if others:
        raise InputError(
            f"{source} has documents in {paths(others)}; expected the classes "
            f"{listing(layout.classes, 20)} alone. Take the data set as it is published"
        )


def _deal(
    part: str, keys: list[tuple[str, str]], found: Documents, layout: Layout, source: Path
) -> Rows:
    """The rows of one file: sorted by name, then shuffled by a seed of their own."""
    names = sorted((*key, name) for key in keys for name in found[key])
    order = rng_for(0, f"public-order-{part}").permutation(len(names))
    chosen = [names[i] for i in order]
    cells = []
    for folder, label, name in chosen:
        try:
            cells.append(found[folder, label][name].decode(layout.encoding))
        except UnicodeDecodeError as error:
            raise InputError(
                f"{source}: {folder}/{label}/{name}, byte {error.start} is not {layout.encoding}. "
                "Download it again"
            ) from None
    return Rows(
        ids=[f"{part}_{i}" for i in range(len(chosen))],
        cells=cells,
        labels=[label for _, label, _ in chosen],
        sources=["/".join(name) for name in chosen],
    )
