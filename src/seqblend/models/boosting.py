"""Gradient boosting on counts of n-grams, lengths, first and last tokens, and summaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from seqblend.core.knobs import Choice, Span, knob
from seqblend.data.sequences import SequenceSet, View
from seqblend.models.boosted_trees import BoostedTrees, BoostingConfig, fit_trees
from seqblend.models.ngrams import NgramIndex, count_ngrams, fit_ngrams
from seqblend.models.random_convolutions import summarise_steps
from seqblend.models.registry import register
from seqblend.tasks.task import Task


@dataclass(frozen=True)
class BoostingOptions:
    """What trees are fitted to, and how many; nothing is tried on inner splits but the scale."""

    paths: ClassVar[dict[str, tuple[Any, ...]]] = {}
    orders: int = knob(2, Choice((1, 2, 3)), "n-grams of 1 to this many tokens", least=1)
    min_count: int = knob(2, Choice((2, 5, 10)), "rarer n-grams are left out", least=1)
    counted: int = knob(100, Choice((50, 100, 200)), "commonest n-grams that are counted", least=1)
    ends: int = knob(30, Choice((10, 30)), "commonest first and last tokens told apart", least=1)
    rounds: int = knob(120, Choice((60, 120, 250)), "rounds of boosting", least=1)
    rate: float = knob(0.06, Span(0.02, 0.2, log=True), "learning rate", above=0)
    leaves: int = knob(15, Choice((4, 7, 15, 31)), "most leaves of a tree", least=2)
    least_rows: int = knob(20, Choice((5, 20, 50)), "fewest rows in a leaf", least=1)
    penalty: float = knob(1.0, Span(0.1, 10.0, log=True), "L2 penalty of leaves", least=0)
    feature_share: float = knob(0.3, Span(0.1, 1.0), "features that a split sees", above=0)
    trees: int = knob(1_500, help="most trees, of all classes together", least=1)


@dataclass(frozen=True)
class RowFacts:
    """What turns rows into a dense matrix.

    index: the n-grams of the training rows; counted: int64 [w], the columns of those that count
    firsts, lasts: int64 [e], tokens that a row may begin or end with
    """

    index: NgramIndex
    counted: np.ndarray
    firsts: np.ndarray
    lasts: np.ndarray

    @classmethod
    def fit(cls, train: SequenceSet, lexicon_size: int, options: BoostingOptions) -> RowFacts:
        """The commonest n-grams, first and last tokens of the training rows."""
        index, counts = fit_ngrams(train, lexicon_size, options.orders, options.min_count)
        held_by = np.bincount(counts.indices, minlength=counts.shape[1])
        ends = (_commonest(np.bincount(end), options.ends) for end in _ends(train))
        return cls(index, _commonest(held_by, options.counted), *ends)

    def of(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, d]: counts; length, distinct tokens and their share; first and last token.

        Of rows with real-valued steps also their summaries.
        """
        counts = count_ngrams(self.index, sequences)[:, self.counted].toarray()
        tokens, _ = sequences.flat()
        rows = np.repeat(np.arange(len(sequences)), sequences.lengths)
        pairs = np.unique(rows * (int(tokens.max()) + 1) + tokens)
        distinct = np.bincount(pairs // (int(tokens.max()) + 1), minlength=len(sequences))
        sizes = np.stack([sequences.lengths, distinct, distinct / sequences.lengths], axis=1)
        first, last = _ends(sequences)
        ends = [first[:, None] == self.firsts, last[:, None] == self.lasts]
        steps = [] if sequences.steps is None else [summarise_steps(sequences.steps)]
        return np.hstack([counts, sizes, *ends, *steps]).astype(np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that from_arrays needs."""
        own = {"counted": self.counted, "firsts": self.firsts, "lasts": self.lasts}
        return self.index.arrays() | own

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> RowFacts:
        """The facts that gave these arrays, found among others."""
        own = (arrays[name] for name in ("counted", "firsts", "lasts"))
        return cls(NgramIndex.from_arrays(arrays), *own)


def _ends(sequences: SequenceSet) -> tuple[np.ndarray, np.ndarray]:
    """The rows' first and last tokens: int32 [n] each."""
    tokens, offsets = sequences.flat()
    return tokens[offsets[:-1]], tokens[offsets[1:] - 1]


def _commonest(often: np.ndarray, most: int) -> np.ndarray:
    """int64: the positions of the largest counts above 0, ascending; of equal ones the first."""
    best = np.argsort(-often, kind="stable")[:most]
    return np.sort(best[often[best] > 0])


@register("boosting", BoostingOptions, kind="linear", reads_steps=True, cost=3.0)
class Boosting:
    """Boosted trees (Friedman 2001) on a few facts of each row.

    They see what linear members on n-grams do not: lengths, thresholds, and one thing given
    another, which decides in logs of events.
    """

    def __init__(self, facts: RowFacts, trees: BoostedTrees, task: Task) -> None:
        self.facts, self.trees, self.task = facts, trees, task

    @classmethod
    def fit(
        cls,
        train: SequenceSet,
        targets: np.ndarray,
        *,
        task: Task,
        view: View,
        options: BoostingOptions,
        seed: int,
    ) -> Self:
        """Fit features and trees on the given rows. targets: as the task has them."""
        rows, size = cls.read(train, len(view.lexicon))
        facts = RowFacts.fit(rows, size, options)
        names = ("rounds", "rate", "leaves", "least_rows", "penalty", "feature_share", "trees")
        config = BoostingConfig(**{name: getattr(options, name) for name in names})
        return cls(facts, fit_trees(facts.of(rows), targets, task, config, seed), task)

    @staticmethod
    def read(sequences: SequenceSet, size: int) -> tuple[SequenceSet, int]:
        """The rows whose facts are taken, and how many tokens there may be. size: the lexicon's"""
        return sequences, size

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], as the task's arrays are."""
        rows, _ = self.read(sequences, self.facts.index.lexicon_size)
        scores = self.trees.scores(self.facts.of(rows))
        return self.task.clip(self.task.answer_linear(scores))

    @property
    def parameters(self) -> int:
        """Leaves and thresholds."""
        return len(self.trees.values)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that predict needs."""
        return self.facts.arrays() | self.trees.arrays()

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], view: View, task: Task) -> Self:
        """The member that gave these arrays."""
        return cls(RowFacts.from_arrays(arrays), BoostedTrees.from_arrays(arrays), task)
