"""Lists of numbers come out of an object array as pickle would give them, and nothing is run."""

from __future__ import annotations

import datetime
import io
import os
import pickle

import numpy as np
import pytest
from public_examples import ragged

from seqblend.errors import InputError
from seqblend.public.number_lists import read_number_lists

ROWS = [[1, 2, 300], [70_000, 4], [], [-5, 2**31, 2**70, -(2**40)], [7], list(range(3_000))]
OLD = (  # how NumPy under Python 2 wrote [[1, 2], [3]]: byte strings, another module, dtype by ints
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87"
    b"Rq\x03(K\x01K\x02\x85cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xff"
    b"J\xff\xff\xff\xffK?tb\x89](](K\x01K\x02e]K\x03aetb."
)


def npy(stream: bytes, shape: tuple[int, ...] = (6,)) -> bytes:
    """An .npy of dtype object with this pickle."""
    file = io.BytesIO()
    header = {"descr": "|O", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + stream


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_gives_the_lists(protocol):
    stream = pickle.dumps(ragged(ROWS), protocol=protocol)
    assert read_number_lists(npy(stream), "x") == ROWS


def test_what_this_numpy_saves_is_read():
    file = io.BytesIO()
    np.save(file, ragged(ROWS))
    assert read_number_lists(file.getvalue(), "x") == ROWS


def test_a_row_that_is_stored_once_and_used_twice_comes_twice():
    row = [1, 2]
    stream = pickle.dumps(ragged([row, row, [3]]), protocol=4)
    assert read_number_lists(npy(stream, (3,)), "x") == [[1, 2], [1, 2], [3]]


def test_the_dialect_of_python_2_is_read():
    assert read_number_lists(npy(OLD, (2,)), "x") == [[1, 2], [3]]
    twice = OLD.replace(b"](](K\x01K\x02e]K\x03ae", b"](]q\x09K\x01ah\x09e")  # memo 9, not 4
    assert read_number_lists(npy(twice, (2,)), "x") == [[1], [1]]


class Malicious:
    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_malicious_pickle_is_refused_and_not_run(tmp_path, protocol):
    for content in (Malicious(tmp_path / "run"), ragged([[1], [Malicious(tmp_path / "run")]])):
        stream = pickle.dumps(content, protocol=protocol)
        with pytest.raises(InputError, match=r"x holds .*Nothing of it was run"):
            read_number_lists(npy(stream), "x")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([[1], [1.5]], "BINFLOAT"),
        ([[1], ["word"]], r"\['word'\]"),
        ([[1], [True]], r"\[True\]"),
        ([[1], [None]], r"\[None\]"),
        ([[1], [[2]]], r"\[\[2\]\]"),
        ([[1], (2, 3)], r"\(2, 3\)"),
        ([[1], {2: 3}], "EMPTY_DICT"),
        ([[1], [np.int64(3)]], "scalar"),
        ([[1], [datetime.date(2026, 1, 1)]], "a call of 'datetime date'"),
    ],
)
def test_rows_of_anything_else_are_refused_by_name(rows, named):
    stream = pickle.dumps(ragged(rows), protocol=4)
    with pytest.raises(InputError, match=named) as error:
        read_number_lists(npy(stream, (2,)), "x")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "stream",
    [b"", b".", b"]", b"0.", b"K\x01", b"(.", b"e.", b"K\x01e.", b"h\x00.", b"R.", b"b.", b"]b.",
     b"\x80\x09].", b"]].", b"t.", b"\x85.", b"\x93.", b"].", b"\x80\x04\x95", b"]q\x00h\x00a."],
)  # fmt: skip
def test_a_broken_stream_is_one_line(stream):
    with pytest.raises(InputError, match="expected lists of whole numbers") as error:
        read_number_lists(npy(stream), "x")
    assert "\n" not in str(error.value)


def test_every_truncation_is_refused():
    whole = npy(pickle.dumps(ragged(ROWS[:4]), protocol=4), (4,))
    for size in range(len(whole)):
        with pytest.raises(InputError):
            read_number_lists(whole[:size], "x")


def test_another_array_or_another_number_of_rows_is_refused():
    file = io.BytesIO()
    np.save(file, np.arange(3))
    with pytest.raises(InputError, match="an array of int64 with 1 axes"):
        read_number_lists(file.getvalue(), "x")
    stream = pickle.dumps(ragged([[1], [2]]), protocol=4)
    with pytest.raises(InputError, match="2 lists for 3 rows"):
        read_number_lists(npy(stream, (3,)), "x")
