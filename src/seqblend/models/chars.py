"""Linear member on tf-idf values of character n-grams, within words or along the sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.data.sequences import SequenceSet, View
from seqblend.models.logistic import LogisticConfig
from seqblend.models.ngrams import NgramIndex, fit_ngrams, fit_within
from seqblend.models.registry import register
from seqblend.models.weighting import TfidfRegression, fit_tfidf

_CODE_POINTS = 0x110000  # characters are numbered as in Unicode
_BOUNDARY = " "  # before and after a word


@dataclass(frozen=True)
class CharOptions:
    """What the regression on characters is made of."""

    orders: int = knob(5, Choice((3, 4, 5, 6)), "n-grams of 1 to this many characters", least=1)
    min_count: int = knob(3, Choice((2, 3, 5)), "rarer n-grams are left out", least=1)
    strength: float = knob(100.0, Span(1.0, 1000.0, log=True), "inverse L2 penalty (C)", above=0)
    tolerance: float = share(3e-3, help="the gradient's norm at the end, as a share of the first")
    most_weights: int = knob(50_000_000, help="with more, the least count is raised (200 MB)")


@register("chars", CharOptions, kind="linear", views=("words", "chars"))
class CharLogistic(TfidfRegression):
    """One regression of all classes on sublinear tf-idf values of character n-grams.

    Where tokens are words, each distinct word is spelt once, and a row's counts are its words'
    counts times their n-grams': a word that no training row holds is known by its parts.
    """

    @classmethod
    def fit(
        cls,
        train: SequenceSet,
        labels: np.ndarray,
        *,
        classes: int,
        view: View,
        options: CharOptions,
        seed: int,
    ) -> CharLogistic:
        """Fit n-grams, idf and weights on the given rows. labels: int64 [n]."""
        fit = _fit_within_words if view.name == "words" else _fit_along
        index, counts = fit_within(
            lambda least: fit(train, view, options.orders, least),
            options.min_count, options.most_weights // classes, int(train.lengths.sum()),
        )  # fmt: skip
        config = LogisticConfig(options.strength, options.tolerance)
        return cls(index, *fit_tfidf(counts, labels, classes, config), view)

    def count(self, sequences: SequenceSet) -> sparse.csr_matrix:
        """The rows' known n-grams of characters: float32 [n, v]."""
        if self.view.name != "words":
            return super().count(sequences)
        words, counts = count_words(sequences)
        return (counts @ super().count(spell(self.view.lexicon, words))).tocsr()


def spell(lexicon: list[str], words: np.ndarray) -> SequenceSet:
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


def _fit_within_words(
    train: SequenceSet, view: View, orders: int, least: int
) -> tuple[NgramIndex, sparse.csr_matrix]:
    """Index and counts of the words' n-grams; a word counts as often as the rows hold it."""
    words, counts = count_words(train)
    often = np.asarray(counts.sum(axis=0)).ravel()
    index, grams = fit_ngrams(spell(view.lexicon, words), _CODE_POINTS, orders, least, often)
    return index, (counts @ grams).tocsr()


def _fit_along(
    train: SequenceSet, view: View, orders: int, least: int
) -> tuple[NgramIndex, sparse.csr_matrix]:
    """Index and counts of n-grams along rows whose tokens are characters."""
    return fit_ngrams(train, len(view.lexicon), orders, least)
