"""Lists of whole numbers from NumPy's object arrays: the pickle inside is parsed, never run.

NumPy stores an array of lists as a pickle, and unpickling calls whatever the file names. Lists of
numbers need few of its instructions. Here names stay text and a call stays a record of it, so
that nothing in the file can be imported or called; every other instruction is refused.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pickletools import genops
from typing import Any

import numpy as np

from seqblend.errors import InputError

_ARRAY = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
_NAMES = {*_ARRAY, "numpy ndarray", "numpy dtype", "_codecs encode"}
_VALUES = {
    "BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "SHORT_BINUNICODE", "BINSTRING",
    "SHORT_BINSTRING", "SHORT_BINBYTES",
}  # fmt: skip
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class _Name:
    """The name of a function or class, as text."""

    text: str


@dataclass
class _Call:
    """A call that was not made, and the state the result would have been given."""

    name: _Name
    state: Any = None


def read_number_lists(content: bytes, place: str) -> list[list[int]]:
    """The lists in an .npy whose array has dtype object and one axis.

    place: how messages name the file

    raises: InputError for another array, a damaged file, and any pickle that builds more than
        lists of whole numbers
    """
    file = io.BytesIO(content)
    try:
        read_header = {1: np.lib.format.read_array_header_1_0}.get(
            np.lib.format.read_magic(file)[0], np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(file)
        if dtype.kind != "O" or len(shape) != 1:
            raise ValueError(f"an array of {dtype} with {len(shape)} axes")
        lists = _lists_of(_Machine().run(file))
        if len(lists) != shape[0]:
            raise ValueError(f"{len(lists):,} lists for {shape[0]:,} rows")
    except (ValueError, IndexError, KeyError) as error:
        problem = error if isinstance(error, ValueError) else "a broken pickle"
        raise InputError(
            f"{place} holds {problem}; expected lists of whole numbers and "
            "nothing else. Nothing of it was run: get the file from where it is published"
        ) from None
    return lists


def _lists_of(value: Any) -> list[list[int]]:
    """The array's content, out of the state that ndarray.__reduce__ documents."""
    if not (isinstance(value, _Call) and value.name.text in _ARRAY):
        raise ValueError(f"a pickled {type(value).__name__}")
    if not (isinstance(value.state, tuple) and isinstance(value.state[-1], list)):
        raise ValueError("an array without content")
    for row in value.state[-1]:
        if not isinstance(row, list) or any(type(number) is not int for number in row):
            raise ValueError(f"a row such as {str(row)[:60]}")
    return value.state[-1]


class _Machine:
    """The stack machine of the pickle format, for the instructions that lists of numbers need."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, file: io.BytesIO) -> Any:
        """What the stream builds; ValueError, IndexError or KeyError where it is refused."""
        for opcode, argument, position in genops(file):
            name = opcode.name
            if name in _VALUES:
                self.stack.append(argument)
            elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
                self.memo[len(self.memo) if argument is None else argument] = self.stack[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                self.stack.append(self.memo[argument])
            elif name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name])
            elif name in _TUPLES:
                self.stack.append(tuple(self._take(_TUPLES[name])))
            elif name in ("GLOBAL", "STACK_GLOBAL"):
                self._name(argument or " ".join(map(str, self._take(2))))
            elif not self._build(name):
                raise ValueError(f"the pickle instruction {name} at byte {position}")
        return self.stack.pop()

    def _build(self, name: str) -> bool:
        """Carry out what makes containers and calls; False for any other instruction."""
        if name == "MARK":
            self.marks.append(len(self.stack))
        elif name == "EMPTY_LIST":
            self.stack.append([])
        elif name in ("APPEND", "APPENDS"):
            values = self._take(1) if name == "APPEND" else self._take_marked()
            self._expect(list).extend(values)
        elif name == "TUPLE":
            self.stack.append(tuple(self._take_marked()))
        elif name == "REDUCE":
            self.stack.pop()  # the arguments
            self.stack[-1] = _Call(self._expect(_Name))
        elif name == "BUILD":
            state = self.stack.pop()
            self._expect(_Call).state = state
        return name in {
            "MARK", "EMPTY_LIST", "APPEND", "APPENDS", "TUPLE", "REDUCE", "BUILD",
            "PROTO", "FRAME", "STOP",
        }  # fmt: skip

    def _name(self, text: str) -> None:
        if text not in _NAMES:
            raise ValueError(f"a call of '{text[:60]}'")
        self.stack.append(_Name(text))

    def _take(self, count: int) -> list[Any]:
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def _take_marked(self) -> list[Any]:
        return self._take(len(self.stack) - self.marks.pop())

    def _expect(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise ValueError(f"a pickle that changes a {type(self.stack[-1]).__name__}")
        return self.stack[-1]
