"""IMDB: 25,000 + 25,000 film reviews and 50,000 unlabelled ones (Maas et al. 2011)."""

from __future__ import annotations

from pathlib import Path

from seqblend.public.documents import Layout, read_documents
from seqblend.public.prepared import Prepared

LAYOUT = Layout(classes=("neg", "pos"), encoding="utf-8", suffix=".txt", unlabelled="unsup")


def load_imdb(source: Path) -> Prepared:
    """The reviews of aclImdb_v1.tar.gz, or of the tree aclImdb, with its own split.

    A review's file name holds its number and rating (`train/pos/0_9.txt`): the label. So ids are
    `train_0`, `test_0`, `unsup_0`, in shuffled order; sources.csv keeps the names.
    """
    return read_documents(source, LAYOUT)
