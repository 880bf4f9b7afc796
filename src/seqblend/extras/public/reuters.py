"""Reuters: 11,228 newswires of word ids, 46 topics, as Keras publishes them in reuters.npz."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from pickletools import genops

import numpy as np
import pandas as pd

from seqblend.core.errors import InputError
from seqblend.extras.public.competition_files import PublicData

TEST_SHARE = 0.2
START, OUT_OF_VOCABULARY, FIRST_WORD = 1, 2, 3  # Keras: start_char, oov_char, index_from
_SEED = 113
_INTEGERS = {"BININT", "BININT1", "BININT2", "LONG1"}
_STRUCTURE = {"MARK", "APPEND", "APPENDS", "TUPLE", "BUILD", "FRAME", "STOP"}


def load_reuters(source: Path) -> PublicData:
    """The newswires of reuters.npz, as keras.datasets.reuters.load_data() gives them.

    Rows are shuffled by NumPy's RandomState(113); the last fifth is the test set. Word ids are
    shifted by 3 and a 1 is put first. With num_words=None Keras takes the largest id for the
    limit and keeps the ids below it: the one largest id becomes 2, out of vocabulary. A row's id
    is its number in the archive; a label is the topic's number.
    raises: InputError for a damaged archive, arrays other than x and y, and rows that are no lists
        of integers
    """
    xs, ys = _read_arrays(source)
    cut = int(len(xs) * (1 - TEST_SHARE))
    order = np.arange(len(xs))
    np.random.RandomState(_SEED).shuffle(order)  # the legacy generator is the published split
    rows = [[START, *(word + FIRST_WORD for word in xs[i])] for i in order]
    largest = max(max(row) for row in rows)
    rows = [[word if word < largest else OUT_OF_VOCABULARY for word in row] for row in rows]
    data = pd.DataFrame({"id": order.astype(str), "sequence": rows, "label": ys[order].astype(str)})
    return PublicData("sequence", data[:cut], data[cut:])


def _read_arrays(source: Path) -> tuple[list[list[int]], np.ndarray]:
    """(newswires, topics int64 [n]) of an .npz that holds x and y."""
    try:
        with zipfile.ZipFile(source) as archive:
            x, y = (archive.read(f"{name}.npy") for name in "xy")
        xs = read_integer_lists(x)
        ys = np.lib.format.read_array(io.BytesIO(y), allow_pickle=False)
        if len(xs) < 2 or ys.shape != (len(xs),) or ys.dtype.kind not in "iu":
            raise ValueError(f"y is {ys.dtype} {list(ys.shape)} for {len(xs):,} newswires")
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, KeyError, ValueError) as error:
        why = " ".join(str(error).split())[:120]
        raise InputError(
            f"{source} is no complete reuters.npz ({why}). Take Keras', or download it again"
        ) from None
    return xs, ys


def read_integer_lists(content: bytes) -> list[list[int]]:
    """The lists of integers in an .npy of dtype object. Nothing of it is unpickled.

    Such an array is a pickle, and unpickling runs whatever the file names. Its instructions are
    only read here: behind the array's own header, an outer list of lists of integers. Every other
    instruction there is refused.
    raises: ValueError
    """
    file = io.BytesIO(content)
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.kind != "O" or len(shape) != 1:
        raise ValueError(f"x is an array of {dtype} with {len(shape)} axes")
    lists: list[list[int]] = []  # the outer one, which stays empty, and one per row
    memo: dict[int, list[int]] = {}  # a list that occurs twice is stored once
    for opcode, argument, position in genops(file):
        name = opcode.name
        if name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memo[len(memo) if argument is None else argument] = lists[-1] if lists else []
        elif name == "EMPTY_LIST":
            lists.append([])
        elif name in _INTEGERS and len(lists) > 1:
            lists[-1].append(argument)
        elif name in ("BINGET", "LONG_BINGET") and memo.get(argument):
            lists.append(memo[argument])
        elif lists and name not in _STRUCTURE:
            raise ValueError(f"x has the pickle instruction {name} at byte {position}")
    if len(lists) - 1 != shape[0]:
        raise ValueError(f"x has {max(len(lists) - 1, 0)} lists for {shape[0]} rows")
    return lists[1:]
