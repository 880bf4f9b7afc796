"""20 Newsgroups: 11,314 + 7,532 posts to twenty groups, split by date (Lang 1995)."""

from __future__ import annotations

from pathlib import Path

from seqblend.public.documents import Layout, read_documents
from seqblend.public.prepared import Prepared

GROUPS = (
    "alt.atheism", "comp.graphics", "comp.os.ms-windows.misc", "comp.sys.ibm.pc.hardware",
    "comp.sys.mac.hardware", "comp.windows.x", "misc.forsale", "rec.autos", "rec.motorcycles",
    "rec.sport.baseball", "rec.sport.hockey", "sci.crypt", "sci.electronics", "sci.med",
    "sci.space", "soc.religion.christian", "talk.politics.guns", "talk.politics.mideast",
    "talk.politics.misc", "talk.religion.misc",
)  # fmt: skip
LAYOUT = Layout(classes=GROUPS, encoding="latin-1", prefix="20news-bydate-")


def load_newsgroups(source: Path) -> Prepared:
    """The posts of 20news-bydate.tar.gz, or of its unpacked folder: raw, headers and all.

    The split is the publisher's, by date. Message numbers run within a group, so ids are
    `train_0` and `test_0`, in shuffled order; sources.csv keeps the names.
    """
    return read_documents(source, LAYOUT)
