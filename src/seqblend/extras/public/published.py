"""The public data sets: where each is published, and how its archive becomes a competition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from seqblend.core.errors import FlagError, InputError
from seqblend.core.storage import file_digest
from seqblend.extras.public.competition_files import PublicData, write_competition
from seqblend.extras.public.documents import IMDB, NEWSGROUPS, read_documents
from seqblend.extras.public.reuters import load_reuters

_REMEDY = "Take the published one, or go on with --unchecked"


@dataclass(frozen=True)
class Published:
    """A data set as its publisher offers it.

    file: the archive's name; sha256: of that file; rows: how many of them are train and test
    """

    file: str
    url: str
    sha256: str
    rows: tuple[int, int]
    load: Callable[[Path], PublicData]


DATA_SETS = {
    "imdb": Published(
        "aclImdb_v1.tar.gz",
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        # TensorFlow Datasets: datasets/imdb_reviews/checksums.tsv
        "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
        (25_000, 25_000),
        partial(read_documents, layout=IMDB),
    ),
    "reuters": Published(
        "reuters.npz",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/reuters.npz",
        # Keras: src/datasets/reuters.py
        "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
        (8_982, 2_246),
        load_reuters,
    ),
    "20newsgroups": Published(
        "20news-bydate.tar.gz",
        "https://ndownloader.figshare.com/files/5975967",
        # scikit-learn: datasets/_twenty_newsgroups.py
        "8f1b2514ca22a5ade8fbb9cfa5727df95fa587f4c87b786e15c759fa66d95610",
        (11_314, 7_532),
        partial(read_documents, layout=NEWSGROUPS),
    ),
}


def prepare(
    published: Published, path: Path | None, folder: Path, *, is_checked: bool
) -> PublicData:
    """Write a data set such as DATA_SETS["imdb"] into `folder`; returns what was written.

    path: the archive, or the folder it was unpacked into
    is_checked: a file by its SHA-256, a folder by its number of rows
    raises: FlagError or InputError in one line with the remedy; then nothing is written
    """
    if path is None or not path.exists():
        raise FlagError(
            f"--from expects the file {published.file}, which is published at {published.url}, or "
            f"the folder it was unpacked into; got {path or 'nothing'}"
        )
    if is_checked and path.is_file() and (found := file_digest(path)) != published.sha256:
        raise InputError(
            f"{path} has the SHA-256 {found}; the published {published.file} has "
            f"{published.sha256}. {_REMEDY}"
        )
    data = published.load(path)
    rows = (len(data.train), len(data.test))
    if is_checked and rows != published.rows:
        raise InputError(
            f"{path} holds {rows[0]:,} train and {rows[1]:,} test rows; published are "
            f"{published.rows[0]:,} and {published.rows[1]:,}. {_REMEDY}"
        )
    write_competition(folder, data)
    return data
