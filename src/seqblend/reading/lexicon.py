"""Builds the lexicon: collects rows of tokens as one flat array of token ids."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

import numpy as np

from seqblend.data.sequences import SequenceSet, View

EMPTY = ""  # the token of a row without tokens: every row has at least one


class _TokenIds(dict[str, int]):
    """Token -> id; a new token gets the next free id."""

    def __missing__(self, token: str) -> int:
        self[token] = number = len(self)
        return number


class Interner:
    """Collects rows of tokens as ids, so that their text can be freed at once.

    It may be pickled.
    """

    def __init__(self) -> None:
        self._ids = _TokenIds()
        self._tokens = array("i")
        self._lengths = array("q")

    def merge(self, other: Interner) -> None:
        """Append the rows of another one."""
        own = np.array([self._ids[text] for text in other._ids], dtype=np.int32)
        self._tokens.frombytes(own[np.frombuffer(other._tokens, dtype=np.int32)].tobytes())
        self._lengths.extend(other._lengths)

    def add(self, rows: Iterable[list[str]]) -> int:
        """Append rows of tokens; an empty row becomes one EMPTY. Returns how many were empty."""
        get, extend = self._ids.__getitem__, self._tokens.extend
        empty = 0
        for tokens in rows:
            if not tokens:
                empty += 1
                tokens = [EMPTY]
            extend(map(get, tokens))
            self._lengths.append(len(tokens))
        return empty

    def finish(self, name: str, canonical: Callable[[str], str] = str) -> View:
        """The view of all rows; tokens with the same `canonical` text are merged.

        The lexicon is sorted by text: it depends on the tokens, not on the order of the rows.
        """
        texts = [canonical(token) for token in self._ids]
        lexicon = sorted(set(texts))
        position = {text: i for i, text in enumerate(lexicon)}
        rank = np.array([position[text] for text in texts], dtype=np.int32)
        tokens = rank[np.frombuffer(self._tokens, dtype=np.int32)]
        lengths = np.frombuffer(self._lengths, dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return View(name, SequenceSet.from_offsets(tokens, offsets), lexicon)


def unseen_rate(view: View, train: slice, test: slice) -> float:
    """The share of test tokens that occur in no training row."""
    tokens, _ = view.sequences.take(test).flat()
    is_seen = np.zeros(len(view.lexicon), dtype=bool)
    is_seen[view.sequences.take(train).flat()[0]] = True
    return float(1.0 - is_seen[tokens].mean())
