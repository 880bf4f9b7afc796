"""Reuters: 11,228 newswires of word ids, 46 topics, as Keras publishes them."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np

from seqblend.errors import InputError, listing
from seqblend.public.number_lists import read_number_lists
from seqblend.public.prepared import Prepared, Rows

TOPICS = 46
TEST_SHARE = 0.2
START, OUT_OF_VOCABULARY, FIRST_WORD = 1, 2, 3  # Keras: start_char, oov_char, index_from
_SEED = 113
_LARGEST = 1 << 30  # bytes of one array, unpacked


def load_reuters(source: Path) -> Prepared:
    """The newswires of reuters.npz, as keras.datasets.reuters.load_data() gives them.

    Rows are shuffled by NumPy's RandomState(113); the last fifth is the test set. Word ids are
    shifted by 3 and a 1 is put first. With num_words=None Keras takes the largest id for the
    limit and keeps the ids below it: the one largest id becomes 2, out of vocabulary. A row's id
    is its number in the archive; a label is the topic's number.

    raises: InputError for a damaged archive, arrays other than x and y, rows that are no lists of
        whole numbers, and topics beyond 0..45
    """
    xs, ys = _read_arrays(source)
    cut = int(len(xs) * (1 - TEST_SHARE))
    if not 0 < cut < len(xs):
        raise InputError(f"{source} holds {len(xs)} newswires, too few to split. Download it again")
    order = np.arange(len(xs))
    np.random.RandomState(_SEED).shuffle(order)  # the legacy generator is the published split
    rows = [[START, *(word + FIRST_WORD for word in xs[i])] for i in order]
    largest = max(max(row) for row in rows)
    rows = [[word if word < largest else OUT_OF_VOCABULARY for word in row] for row in rows]
    train, test = (
        Rows([str(i) for i in order[part]], rows[part], [str(ys[i]) for i in order[part]], [])
        for part in (slice(cut), slice(cut, None))
    )
    return Prepared("sequence", train, test)


def _read_arrays(source: Path) -> tuple[list[list[int]], list[int]]:
    """(newswires, topics) of an .npz that holds x and y."""
    members = _read_zip(source)
    xs = read_number_lists(members["x.npy"], f"{source}: x")
    try:
        labels = np.lib.format.read_array(io.BytesIO(members["y.npy"]), allow_pickle=False)
    except ValueError as error:
        raise InputError(f"{source}: y cannot be read ({error}). Download it again") from None
    if labels.shape != (len(xs),) or labels.dtype.kind not in "iu":
        raise InputError(
            f"{source}: y is {labels.dtype} {list(labels.shape)}; expected one whole number for "
            f"each of {len(xs):,} newswires. Download it again"
        )
    others = sorted(set(labels.tolist()) - set(range(TOPICS)))
    if others:
        raise InputError(
            f"{source}: y holds the topics {listing(map(str, others))}; expected 0 to "
            f"{TOPICS - 1}. Take Keras' reuters.npz"
        )
    return xs, labels.tolist()


def _read_zip(source: Path) -> dict[str, bytes]:
    if source.is_dir():
        raise InputError(f"{source} is a folder; expected the file reuters.npz. Name it")
    try:
        with zipfile.ZipFile(source) as archive:
            sizes = {member.filename: member.file_size for member in archive.infolist()}
            missing = {"x.npy", "y.npy"}.difference(sizes)
            if missing:
                raise InputError(
                    f"{source} holds {listing(sizes) or 'nothing'}; expected x.npy and y.npy. "
                    "Take Keras' reuters.npz"
                )
            if max(sizes.values()) > _LARGEST:
                raise InputError(f"{source} unpacks to over 1 GiB. Take Keras' reuters.npz")
            return {name: archive.read(name) for name in ("x.npy", "y.npy")}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError) as error:
        raise InputError(f"{source} is no complete .npz ({error}). Download it again") from None
