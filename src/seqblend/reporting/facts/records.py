"""What a report is made of: arrays and numbers, no models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqblend.blending.submission_log import Scored
from seqblend.core.findings import Finding
from seqblend.data.sequences import SequenceSet, show_token
from seqblend.diagnosis.record import Diagnosis
from seqblend.reporting.elements.metric_titles import title_of
from seqblend.reporting.facts.explanations import Explanation
from seqblend.tasks.task import Task


@dataclass(frozen=True)
class ModelRecord:
    """One run of one model.

    name: registry name; run: the run's folder name
    oof: float32 [n, c], NaN where a row has no out-of-fold prediction
    histories: one per (seed, fold) unit, {field: one value an epoch}; empty for linear members
    epochs: used by each unit
    seconds: training time over all units
    weight: in the blend; test: scores on the solution, where there is one
    remark: what to know of the score, such as `tuned on these rows`
    """

    name: str
    run: str
    oof: np.ndarray
    histories: list[dict[str, list[float]]] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    parameters: int = 0
    seconds: float = 0.0
    tokens_per_second: float | None = None
    weight: float | None = None
    test: dict[str, Any] | None = None
    deterministic: bool = True
    settings: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    remark: str = ""


@dataclass(frozen=True)
class BlendRecord:
    """The chosen blend.

    oof: float32 or float64 [n, c], cross-fitted: no row's weights were chosen on that row
    table: one dict a method tried, with method, cross_fitted, in_sample, gap, and where known size,
        low, high, beats_single
    whole: the same of the whole procedure, with gain over the best single model and gain_error, and
        what Forecast.record has
    weights: {model: weight}
    decisions: how classes may be decided from the mixture, (what, cross-fitted score, is it used)
    """

    method: str
    oof: np.ndarray
    cross_fitted: float | None
    in_sample: float | None
    table: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    test: dict[str, Any] | None = None
    whole: dict[str, Any] = field(default_factory=dict)
    decisions: list[tuple[str, float | None, bool]] = field(default_factory=list)


@dataclass(frozen=True)
class RowTexts:
    """The training rows as people read them.

    ids: n competition ids; sequences: n rows; lexicon: the text of every token
    joint: the separator of two tokens, empty where a token is a character
    """

    ids: list[str]
    sequences: SequenceSet
    lexicon: list[str]
    joint: str

    def excerpt(self, row: int, characters: int) -> str:
        """The row's beginning, at most so many characters; `…` where there is more."""
        tokens = self.sequences.row(row)[: characters + 1]
        text = self.joint.join(show_token(self.lexicon[token]) for token in tokens)
        return text if len(text) <= characters else text[: characters - 1] + "…"


@dataclass(frozen=True)
class ReportData:
    """Everything a report reads.

    task: what is predicted; targets: n rows, as the task has them; fold: int64 [n], -1 where a row
        has no out-of-fold prediction; lengths: int64 [n], in tokens
    card: facts about the data, (label, value, remark) each
    best_reachable: the score that no model can exceed, which synthetic data have; best_metric: of
        which metric it is
    submission: path, rows, sha256
    vectors: coverage of each source of token vectors, as embeddings/vector_sources describes it
    vectors_scope: how they were used, and which rows they know
    tuned: what the tuner kept of each model, as tuned/<model>.json has it
    missing: units that there was no time for, or that failed
    texts: the rows themselves, for the errors; without them these have no words
    explanations: what explanations/ holds
    diagnosis: what the doctor found; submissions: those logged, with what a leaderboard said
    """

    competition: str
    metric: str
    task: Task
    targets: np.ndarray
    fold: np.ndarray
    lengths: np.ndarray
    records: list[ModelRecord]
    blend: BlendRecord | None = None
    card: list[tuple[str, str, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    best_reachable: float | None = None
    best_metric: str = "accuracy"
    submission: dict[str, Any] = field(default_factory=dict)
    command: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    vectors: list[dict[str, Any]] = field(default_factory=list)
    vectors_scope: str = ""
    tuned: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    texts: RowTexts | None = None
    explanations: list[Explanation] = field(default_factory=list)
    diagnosis: Diagnosis | None = None
    submissions: list[Scored] = field(default_factory=list)

    @property
    def classes(self) -> tuple[str, ...]:
        """The columns of predictions: classes, or target columns."""
        return self.task.columns

    @property
    def best_name(self) -> str:
        """What `best_reachable` is."""
        return f"best reachable {title_of(self.best_metric)}"
