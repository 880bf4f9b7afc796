"""Nearest neighbours: votes of the training rows whose tf-idf n-grams are most like a row's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.data.sequences import SequenceSet, View
from seqblend.models.ngram_values import NgramValues, rows_from_arrays, rows_to_arrays
from seqblend.models.registry import register
from seqblend.tasks.task import Task

_CHUNK = 8_000_000  # similarities, or targets of neighbours, held at once: 32 or 64 MB


@dataclass(frozen=True)
class NeighbourOptions:
    """What votes, and with which weight; paths: values tried on inner splits."""

    paths: ClassVar[dict[str, tuple[Any, ...]]] = {
        "orders": (1, 2, 3, 4, 5),
        "rarity": (1.0, 1.5, 2.0, 3.0),
        "power": (1.0, 2.0, 3.0, 4.0),
    }
    orders: int = knob(2, Choice((1, 2, 3, 4, 5)), "n-grams of 1 to this many tokens", least=1)
    min_count: int = knob(1, Choice((1, 2, 3)), "rarer n-grams are left out", least=1)
    rarity: float = knob(1.0, Span(0.5, 3.0), "power of the idf: rare n-grams count more", least=0)
    power: float = knob(2.0, Span(0.5, 6.0), "of a similarity, as a vote's weight", least=0)
    neighbours: int = knob(100, Choice((10, 25, 50, 100, 200)), "rows that vote", least=1)
    prior_similarity: float = share(0.05, Span(0.02, 0.5), "of one more vote, for the prior")
    most_products: int = knob(100_000, help="a predicted row's; with more, common n-grams go")
    most_weights: int = knob(2_000_000, help="most n-grams; with more, the least count is raised")


@register("neighbours", NeighbourOptions, kind="linear", cost=1.5, fits_each_class=False)
class Neighbours:
    """The mean target of similar training rows, weighted by a power of their cosine similarity.

    The prior votes as well, with the weight of one row of `prior_similarity`: a row like no other
    is of any class. Strings of nucleotides are compared as proteins.
    """

    def __init__(
        self,
        values: NgramValues,
        rows: sparse.csr_matrix,
        votes: np.ndarray,
        prior: np.ndarray,
        vote: np.ndarray,
        view: View,
        task: Task,
    ) -> None:
        """rows: float32 [n, v]; votes: float64 [n, c], the training rows' targets as columns.

        prior: float64 [c]; vote: float64 [3], neighbours, power and prior_similarity
        """
        self.values, self.rows, self.votes, self.prior = values, rows, votes, prior
        self.vote, self.view, self.task = vote, view, task
        self.index = values.index

    @classmethod
    def fit(
        cls,
        train: SequenceSet,
        targets: np.ndarray,
        *,
        task: Task,
        view: View,
        options: NeighbourOptions,
        seed: int,
    ) -> Neighbours:
        """Keep the given rows' values and targets. targets: as the task has them."""
        values, counts = NgramValues.fit(
            train, view, options.orders, options.min_count, options.most_weights
        )
        values = replace(values, idf=_weigh_by_rarity(counts, options))
        vote = np.array([options.neighbours, options.power, options.prior_similarity])
        votes, prior = task.as_columns(targets), task.prior(targets)
        return cls(values, values.weigh(counts), votes, prior, vote, view, task)

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], as the task's arrays are."""
        values = self.values.of(sequences, self.view.lexicon)
        columns = self.rows.T.tocsr()
        largest = max(len(self.votes), int(self.vote[0]) * self.votes.shape[1])
        size = max(_CHUNK // largest, 1)
        parts = [
            self._vote((values[start : start + size] @ columns).toarray())
            for start in range(0, len(sequences), size)
        ]
        return self.task.clip(np.concatenate(parts))

    def _vote(self, similarity: np.ndarray) -> np.ndarray:
        """Weighted means float64 [b, c] by similarities float32 [b, n]."""
        count, power, of_prior = int(self.vote[0]), self.vote[1], self.vote[2]
        count = min(count, similarity.shape[1])
        nearest = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
        nearest.sort(axis=1)  # one order of summing, whatever else is in the chunk
        found = np.take_along_axis(similarity, nearest, axis=1).astype(np.float64)
        weight, weight_of_prior = found**power, max(of_prior**power, 1e-12)
        total = np.einsum("bk,bkc->bc", weight, self.votes[nearest])
        total += weight_of_prior * self.prior
        return total / (weight.sum(axis=1, keepdims=True) + weight_of_prior)

    @property
    def parameters(self) -> int:
        """Stored values of training rows."""
        return self.rows.nnz

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that predict needs besides the view."""
        own = {"votes": self.votes, "prior": self.prior, "vote": self.vote}
        return self.values.arrays() | rows_to_arrays(self.rows) | own

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], view: View, task: Task) -> Neighbours:
        """The member that gave these arrays."""
        values = NgramValues.from_arrays(arrays)
        rows = rows_from_arrays(arrays, values.index.width)
        own = (arrays[name] for name in ("votes", "prior", "vote"))
        return cls(values, rows, *own, view, task)


def _weigh_by_rarity(counts: sparse.csr_matrix, options: NeighbourOptions) -> np.ndarray:
    """float32 [v]: log((1 + rows) / (1 + rows that hold the n-gram)) to the power of `rarity`.

    0 for the commonest n-grams, until a predicted row costs few enough products: as many as its
    n-grams have rows, on average sum(held_by**2) / rows.
    """
    n = counts.shape[0]
    held_by = np.bincount(counts.indices, minlength=counts.shape[1])
    often = np.sort(held_by)
    is_affordable = np.cumsum(often.astype(np.float64) ** 2) <= options.most_products * n
    most = often[is_affordable].max(initial=1)
    weights = np.log((1 + n) / (1 + held_by)) ** options.rarity
    return np.where(held_by <= most, weights, 0.0).astype(np.float32)
