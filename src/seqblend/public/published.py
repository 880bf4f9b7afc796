"""Where each public data set is published, how its archive is told, and what reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seqblend.public.imdb import load_imdb
from seqblend.public.newsgroups import load_newsgroups
from seqblend.public.prepared import Prepared
from seqblend.public.reuters import load_reuters


@dataclass(frozen=True)
class Published:
    """A data set as its publisher offers it.

    file: the archive's name; sha256: of that file; rows: how many of them are train and test
    """

    file: str
    url: str
    sha256: str
    rows: tuple[int, int]
    load: Callable[[Path], Prepared]


DATA_SETS = {
    "imdb": Published(
        "aclImdb_v1.tar.gz",
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        # TensorFlow Datasets: datasets/imdb_reviews/checksums.tsv
        "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
        (25_000, 25_000),
        load_imdb,
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
        load_newsgroups,
    ),
}
