"""Linear member on tf-idf values of character n-grams, within words or along the sequence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.data.sequences import COLUMN_MARK, SequenceSet, View
from seqblend.models.ngrams import NgramIndex, fit_ngrams
from seqblend.models.registry import register
from seqblend.models.weighting import TfidfRegression

_CODE_POINTS = 0x110000  # characters are numbered as in Unicode
_BOUNDARY = " "  # before and after a word
_WORD = re.compile(r"[^\W\d_]{3}")


@dataclass(frozen=True)
class CharOptions:
    """What the regression on characters is made of; paths: values tried on inner splits."""

    paths: ClassVar[dict[str, tuple[Any, ...]]] = {
        "strength": (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0),
        "orders": (3, 5, 6),
    }
    orders: int = knob(5, Choice((3, 4, 5, 6)), "n-grams of 1 to this many characters", least=1)
    min_count: int = knob(3, Choice((2, 3, 5)), "rarer n-grams are left out", least=1)
    strength: float = knob(100.0, Span(1.0, 1000.0, log=True), "inverse L2 penalty (C)", above=0)
    tolerance: float = share(3e-3, help="the gradient's norm at the end, as a share of the first")
    most_weights: int = knob(50_000_000, help="with more, the least count is raised (200 MB)")


def why_not_spelt(view: View) -> str:
    """Why spelling the tokens says nothing; empty where most have a word in them.

    Tokens that name columns do not count.
    """
    if view.name != "ids":
        return ""
    often = np.bincount(view.sequences.flat()[0], minlength=len(view.lexicon))
    is_column = np.array([token.startswith(COLUMN_MARK) for token in view.lexicon])
    is_word = np.array([bool(_WORD.search(token)) for token in view.lexicon]) & ~is_column
    share = int(often[is_word].sum()) / max(int(often[~is_column].sum()), 1)
    if share > 0.5:
        return ""
    return f"reads tokens with words in them, and {share:.0%} of the tokens are such"


@register("chars", CharOptions, kind="linear", why_not=why_not_spelt, cost=1.0)
class CharLogistic(TfidfRegression):
    """One regression of all classes on sublinear tf-idf values of character n-grams.

    Where tokens are words or names, each distinct one is spelt once, and a row's counts are its
    tokens' counts times their n-grams': one that no training row holds is known by its parts.
    """

    @staticmethod
    def fit_counts(
        train: SequenceSet, view: View, options: CharOptions, min_count: int
    ) -> tuple[NgramIndex, sparse.csr_matrix]:
        """The training rows' n-grams of characters and their counts: float32 [n, v].

        Within words, an n-gram occurs as often as the rows hold its word.
        """
        orders = options.orders
        if view.name == "chars":
            return fit_ngrams(train, len(view.lexicon), orders, min_count, has_ends=True)
        words, counts = count_words(train)
        totals = np.asarray(counts.sum(axis=0)).ravel()
        letters = spell_words(view.lexicon, words)
        index, grams = fit_ngrams(letters, _CODE_POINTS, orders, min_count, totals)
        return index, (counts @ grams).tocsr()

    def count(self, sequences: SequenceSet) -> sparse.csr_matrix:
        """The rows' known n-grams of characters: float32 [n, v]."""
        if self.view.name == "chars":
            return super().count(sequences)
        words, counts = count_words(sequences)
        return (counts @ super().count(spell_words(self.view.lexicon, words))).tocsr()

    def spread(self, row: SequenceSet, each: np.ndarray) -> np.ndarray:
        """float64 [t]: amounts of n-grams by token of the row; a word has those within it."""
        if self.view.name == "chars":
            return super().spread(row, each)
        words = spell_words(self.view.lexicon, row.row(0))
        return super().count(words).astype(np.float64) @ each


def spell_words(lexicon: list[str], words: np.ndarray) -> SequenceSet:
    """The characters of lexicon[words], a boundary before and after each. words: int64 [m]."""
    texts = [f"{_BOUNDARY}{lexicon[word]}{_BOUNDARY}" for word in words.tolist()]
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<i4")
    return SequenceSet.from_offsets(points, np.cumsum([0, *map(len, texts)]))


def count_words(sequences: SequenceSet) -> tuple[np.ndarray, sparse.csr_matrix]:
    """The distinct tokens int64 [m], ascending, and the rows' counts of them float32 [n, m]."""
    tokens, offsets = sequences.flat()
    words = np.flatnonzero(np.bincount(tokens))
    ones = np.ones(len(tokens), dtype=np.float32)
    counts = sparse.csr_matrix(
        (ones, np.searchsorted(words, tokens), offsets), shape=(len(sequences), len(words))
    )
    counts.sum_duplicates()
    return words, counts
