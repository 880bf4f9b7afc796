"""The task of a competition: what its targets are, and what a member's array means."""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.special import expit

from seqblend import tasks
from seqblend.core.config import TrainConfig
from seqblend.core.errors import FlagError, suggest
from seqblend.tasks.adjustments import Adjustment
from seqblend.tasks.blend_loss import BlendLoss
from seqblend.tasks.likely_targets import LikelyTargets
from seqblend.tasks.logistic import fit_binary
from seqblend.tasks.objective import Objective

Temperature = float | tuple[float, ...]  # one for all columns, or one for each


def as_temperature(values: ArrayLike) -> Temperature:
    """A temperature from numbers as they are stored or computed: one, or one for each column."""
    found = np.asarray(values, dtype=np.float64)
    return tuple(found.tolist()) if found.ndim else float(found)


@dataclass(frozen=True)
class Task(ABC):
    """What is predicted.

    columns: the names of the columns of a member's array float32 [n, c]: of classes, or of target
        columns

    `targets` are int64 [n] class indices, or [n, c] with a column per target: int64 of 0 and 1, or
    float64. A new task is a file with a subclass, registered by `task`.
    """

    columns: tuple[str, ...]

    name: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]  # those that are defined, the default first
    loss_metric: ClassVar[str]  # the one that training minimises
    has_classes: ClassVar[bool] = False  # a row is of one class: there is a confusion matrix
    has_probabilities: ClassVar[bool] = True  # of the columns; else they are numbers
    is_ordered: ClassVar[bool] = False  # classes are grades: numbers in their order
    needs: ClassVar[str]  # the targets it is for, in words
    convex_method: ClassVar[str] = "logodds_simplex"
    blend_methods: ClassVar[tuple[str, ...]] = (  # the simplest first: it wins ties
        *("single", "mean", convex_method, "stacking"),
    )

    # Words for people; of pairs the second is the plural.
    loss_name: ClassVar[str] = "log loss"  # of `losses`
    column_name: ClassVar[tuple[str, str]]
    strata_name: ClassVar[tuple[str, str]] = ("label", "labels")

    def describe_size(self) -> str:
        """How many columns of what there are, such as `3 classes` or `1 number`."""
        return f"{len(self.columns)} {self.column_name[len(self.columns) != 1]}"

    @abstractmethod
    def strata(self, targets: np.ndarray) -> np.ndarray:
        """int64 [n]: what folds are stratified by."""

    @abstractmethod
    def prior(self, targets: np.ndarray) -> np.ndarray:
        """float64 [c]: the constant prediction of least loss."""

    def as_columns(self, targets: np.ndarray) -> np.ndarray:
        """float64 [n, c]: the array of a member that knows the targets."""
        return targets.astype(np.float64)

    @abstractmethod
    def losses(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray:
        """float64 [n]: each row's loss, whose mean is `loss_metric` or a rising function of it."""

    @abstractmethod
    def errors(self, targets: np.ndarray, array: np.ndarray) -> np.ndarray:
        """float [n, q]: how wrong each row is, by target column; members' errors are correlated."""

    def prior_losses(self, targets: np.ndarray) -> np.ndarray:
        """float64 [n]: each row's loss by a model that knows the targets' distribution alone."""
        prior = np.broadcast_to(self.prior(targets), (len(targets), len(self.columns)))
        return self.losses(targets, prior)

    def prior_loss(self, targets: np.ndarray) -> float:
        """The mean of prior_losses."""
        return float(self.prior_losses(targets).mean())

    @abstractmethod
    def summarise(self, targets: np.ndarray, array: np.ndarray) -> dict[str, float | None]:
        """The scores that tables show, None where one is undefined."""

    # The metric, where none is asked for.

    @property
    def default_metric(self) -> str:
        """The likeliest metric."""
        return self.metrics[0]

    @property
    @abstractmethod
    def other_metrics(self) -> tuple[str, str]:
        """The two likeliest others."""

    # What a member's array is.

    @abstractmethod
    def check(
        self,
        array: np.ndarray,
        what: str,
        remedy: str,
        name_of: Callable[[int], str] = "row {}".format,
    ) -> None:
        """InputError where the array, float [n, c], is no valid prediction.

        what, remedy: how the message begins and ends; name_of: what a row (its position) is called
        """

    def normalise(self, array: np.ndarray) -> np.ndarray:
        """Float [n, c]: a mean of valid arrays, made valid again after rounding."""
        return array

    # Calibration.

    def fit_temperature(
        self, array: np.ndarray, targets: np.ndarray
    ) -> tuple[Temperature, float | None]:
        """(temperature, loss with it); (1, None) where the task has none."""
        return 1.0, None

    def apply_temperature(self, array: np.ndarray, temperature: Temperature) -> np.ndarray:
        """The array with its logits divided by the temperature; the same bytes where it is 1."""
        return array

    # Averages of fits.

    @abstractmethod
    def likely_targets(
        self, fits: np.ndarray, targets: np.ndarray, oof: np.ndarray
    ) -> LikelyTargets:
        """What the targets of rows may be of which several fits' predictions are averaged.

        fits: float [k, n, c]; targets, oof: m other rows, and single fits' predictions of them
            float [m, c]
        """

    # Training.

    @abstractmethod
    def objective(self, targets: np.ndarray, config: TrainConfig) -> Objective:
        """What a network that is fitted to these targets minimises."""

    @abstractmethod
    def objective_from_arrays(self, arrays: dict[str, np.ndarray]) -> Objective:
        """The objective whose `arrays` these are: enough to predict."""

    # Linear models.

    @abstractmethod
    def fit_linear(
        self, x: sparse.csr_matrix, targets: np.ndarray, strength: float, tolerance: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """(weights float32 [p, v], bias float64 [p]) of features float32 [n, v]; p is at most c."""

    @abstractmethod
    def answer_linear(self, scores: np.ndarray) -> np.ndarray:
        """Predictions float64 [n, c] of linear scores float64 [n, p]."""

    @abstractmethod
    def contrasts(self, targets: np.ndarray) -> np.ndarray:
        """bool [p, n]: for each linear score, the rows on its upper side."""

    def fit_contrast(
        self,
        x: sparse.csr_matrix,
        targets: np.ndarray,
        contrast: tuple[int, np.ndarray],
        strength: float,
        seed: int,
    ) -> tuple[np.ndarray, float]:
        """(weights float64 [v], bias) of one contrast alone: logistic regression.

        contrast: its place among `contrasts`, and its rows bool [n]
        """
        return fit_binary(x, contrast[1], strength, seed)

    def answer_contrasts(self, scores: np.ndarray) -> np.ndarray:
        """Predictions float64 [n, c] of the contrasts' scores float64 [n, p]."""
        return expit(scores)

    @abstractmethod
    def clip(self, array: np.ndarray) -> np.ndarray:
        """float32 [n, c]: predictions float64 [n, c] as a member's array has to be."""

    # Blending.

    def adjustments(
        self, metric: str
    ) -> tuple[Callable[[np.ndarray, np.ndarray], Adjustment], ...]:
        """What may be done to a mixture for a metric, each fitted on (array, targets)."""
        return ()

    @abstractmethod
    def blend_loss(self, stack: np.ndarray, targets: np.ndarray) -> BlendLoss:
        """The loss of mixtures of members' arrays, float32 [m, n, c], by weights and bias."""

    @abstractmethod
    def mix(self, weights: np.ndarray, stack: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
        """Float64 [n, c]: members mixed on the scale of `blend_loss`."""


_TASKS: dict[str, type[Task]] = {}


def register_task(cls: type[Task]) -> type[Task]:
    """Decorator: make a task available under its name."""
    _TASKS[cls.name] = cls
    return cls


def task_names() -> tuple[str, ...]:
    """All tasks."""
    return tuple(_load_tasks())


def task_for(name: str, columns: Sequence[str]) -> Task:
    """The task of that name; FlagError with the nearest where there is none."""
    known = _load_tasks()
    if name not in known:
        raise FlagError(f"no task '{name}'{suggest(name, known, 'Tasks')}")
    return known[name](tuple(columns))


@cache
def _load_tasks() -> dict[str, type[Task]]:
    """Every file of tasks/ is imported."""
    for file in pkgutil.iter_modules(tasks.__path__):
        importlib.import_module(f"seqblend.tasks.{file.name}")
    return _TASKS
