"""Small archives in the shape of the published ones, made here."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np

from seqblend.extras.public.documents import NEWSGROUPS

REVIEWS = {
    f"aclImdb/{part}/{label}/{i}_{rating}.txt": f"a {label} film, {part} {i} é\u2028<br />".encode()
    for part in ("train", "test")
    for label, rating in (("pos", 9), ("neg", 2))
    for i in range(6)
} | {f"aclImdb/train/unsup/{i}_0.txt": f"a film {i}".encode() for i in range(3)}
OTHER_FILES = {"aclImdb/README": b"about", "aclImdb/train/labeledBow.feat": b"9 0:1"}
POSTS = {
    f"20news-bydate-{part}/{group}/{100 + i}": f"From: {group}\r\n\r\n{i} \xe9\0".encode("latin-1")
    for part in ("train", "test")
    for group in NEWSGROUPS.classes
    for i in range(2)
}


def write_tar(path: Path, files: dict[str, bytes], mode: str = "w:gz") -> Path:
    """A tar of these files, in this order."""
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_tree(folder: Path, files: dict[str, bytes]) -> Path:
    """The same files, unpacked."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def ragged(rows: list[list[int]]) -> np.ndarray:
    """An object array of lists, as Keras stores its newswires."""
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


def write_newswires(path: Path, rows: list[list[int]], topics: list[int]) -> Path:
    """An .npz in the shape of reuters.npz."""
    np.savez(path, x=ragged(rows), y=np.array(topics))
    return path
