"""Kernel member: logistic regression on how alike the rows' tf-idf n-grams are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from seqblend.core.knobs import Choice, Span, knob, share
from seqblend.core.seeds import rng_for
from seqblend.data.sequences import SequenceSet, View
from seqblend.models.ngram_values import NgramValues, rows_from_arrays, rows_to_arrays
from seqblend.models.registry import register
from seqblend.tasks.logistic import LogisticConfig, fit_kernel_logistic
from seqblend.tasks.task import Task

_CHUNK = 8_000_000  # similarities held at once besides the kernel: 32 MB


@dataclass(frozen=True)
class KernelOptions:
    """What the kernel and the regression are made of; paths: values tried on inner splits."""

    paths: ClassVar[dict[str, tuple[Any, ...]]] = {
        "orders": (1, 2, 3),
        "gamma": (0.1, 0.25, 0.5, 1.0, 2.0),
        "strength": (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0),
    }
    orders: int = knob(2, Choice((1, 2, 3)), "n-grams of 1 to this many tokens", least=1)
    min_count: int = knob(1, Choice((1, 2, 3)), "rarer n-grams are left out", least=1)
    gamma: float = knob(0.5, Span(0.05, 4.0, log=True), "of exp(-gamma distance^2)", above=0)
    strength: float = knob(30.0, Span(1.0, 1000.0, log=True), "inverse L2 penalty (C)", above=0)
    tolerance: float = share(3e-3, help="the gradient's norm at the end, as a share of the first")
    most_rows: int = knob(32_768, help="training rows; more are drawn from (2 GB a fit)", least=2)
    most_weights: int = knob(2_000_000, help="most n-grams; with more, the least count is raised")


@register("kernel", KernelOptions, kind="linear", tasks=("single_label", "ordinal"), cost=5.0)
class KernelLogistic:
    """Multinomial logistic regression with a Gaussian kernel on tf-idf values of length 1.

    It sees which tokens occur together, which linear members do not: in rows that are sets of few
    items, such as ingredients, that is most of what there is. The kernel is scaled to be 0 for rows
    with nothing in common and 1 for the same rows, so that the cosine similarity is its limit for
    small gamma. Strings of nucleotides are compared as proteins.
    """

    def __init__(
        self,
        values: NgramValues,
        rows: sparse.csr_matrix,
        weights: np.ndarray,
        gamma: float,
        view: View,
        task: Task,
    ) -> None:
        """rows: float32 [n, v]; weights: float64 [n, p], the training rows' coefficients."""
        self.values, self.rows, self.weights, self.gamma = values, rows, weights, gamma
        self.view, self.task = view, task
        self.index = values.index

    @classmethod
    def fit(
        cls,
        train: SequenceSet,
        targets: np.ndarray,
        *,
        task: Task,
        view: View,
        options: KernelOptions,
        seed: int,
    ) -> KernelLogistic:
        """Fit coefficients of the given rows. targets: as the task has them."""
        if len(targets) > options.most_rows:
            drawn = rng_for(seed, "rows of the kernel").permutation(len(targets))
            drawn = np.sort(drawn[: options.most_rows])
            train, targets = train.take(drawn), targets[drawn]
        values, counts = NgramValues.fit(
            train, view, options.orders, options.min_count, options.most_weights
        )
        rows = values.weigh(counts)
        kernel = SymmetricKernel(rows, options.gamma)
        config = LogisticConfig(options.strength, options.tolerance)
        weights = fit_kernel_logistic(kernel.multiply, targets, len(task.columns), config)
        return cls(values, rows, weights, options.gamma, view, task)

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], as the task's arrays are."""
        values, columns = self.values.of(sequences, self.view.lexicon), self.rows.T.tocsr()
        size, bias = max(_CHUNK // len(self.weights), 1), self.weights.sum(axis=0)
        block = np.zeros((size, len(self.weights)), dtype=np.float32)
        scores = np.empty((len(sequences), self.weights.shape[1]))
        for start in range(0, len(sequences), size):
            part = values[start : start + size]
            count = part.shape[0]
            block[:count] = kernel_of(part, columns, self.gamma)
            scores[start : start + count] = (block @ self.weights)[:count]  # always of one shape
        return self.task.clip(self.task.answer_linear(scores + bias))

    @property
    def parameters(self) -> int:
        """Fitted coefficients, and stored values of training rows."""
        return self.weights.size + self.rows.nnz

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that predict needs besides the view."""
        own = {"weights": self.weights, "gamma": np.array(self.gamma)}
        return self.values.arrays() | rows_to_arrays(self.rows) | own

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], view: View, task: Task) -> KernelLogistic:
        """The member that gave these arrays."""
        values = NgramValues.from_arrays(arrays)
        rows = rows_from_arrays(arrays, values.index.width)
        return cls(values, rows, arrays["weights"], float(arrays["gamma"]), view, task)


def kernel_of(values: sparse.csr_matrix, columns: sparse.csr_matrix, gamma: float) -> np.ndarray:
    """float32 [b, n]: the scaled kernel of rows of length 1, [b, v] and [v, n].

    The squared distance is 2 - 2 cosine, so exp(-gamma distance^2) is exp(2 gamma cosine), scaled.
    """
    similar = (values @ columns).toarray()
    similar *= np.float32(2 * gamma)
    return np.expm1(similar, out=similar) / np.float32(np.expm1(2 * gamma))


class SymmetricKernel:
    """The kernel of all pairs of n rows: blocks of rows, each up to the diagonal alone."""

    def __init__(self, rows: sparse.csr_matrix, gamma: float) -> None:
        """rows: float32 [n, v], of length 1."""
        n, columns = rows.shape[0], rows.T.tocsr()
        size = max(_CHUNK // max(n, 1), 1)
        self._blocks = [
            (start, kernel_of(rows[start : start + size], columns[:, : start + size], gamma))
            for start in range(0, n, size)
        ]

    def multiply(self, a: np.ndarray) -> np.ndarray:
        """The kernel's product with float [n, p], in float32."""
        a = a.astype(np.float32)
        product = np.zeros_like(a)
        for start, block in self._blocks:
            end = block.shape[1]
            product[start:end] += block @ a[:end]
            product[:start] += block[:, :start].T @ a[start:end]
        return product
