"""Runs and their units: what is fitted, under names that are digests of what decides the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from seqblend.core.config import (
    Config,
    TrainConfig,
    VocabularyConfig,
    configure,
    digest,
)
from seqblend.core.knobs import override
from seqblend.core.provenance import code_digest
from seqblend.embeddings.vectors import EmbeddingUse
from seqblend.models.registry import Entry, entries, entry_for, resolve_options
from seqblend.tasks.task import Temperature, as_temperature
from seqblend.training.optimisation import choose_precision

PILOT = -1  # the fold number of a pilot,
REFIT = -2  # and of a fit on all rows
REMARK = "tuned on these rows"
# The sources that change what a unit computes, by kind of model.
_SHARED = (
    *("data/sequences", "data/folds", "data/fold_files", "data/stratify"),
    *("core/seeds", "evaluation/", "tasks/"),
    *("models/registry", "training/contract", "training/devices", "training/members"),
    *("running/runs", "running/units"),
)
_MODULE = (
    *("data/vocabulary", "embeddings/vectors"),
    *("models/layers", "models/recurrence"),
    *("training/batching", "training/fitting", "training/gradient_norms", "training/halving"),
    "training/micro_batches",
    *("training/optimisation", "training/recovery", "training/trainer"),
)
_LINEAR = (
    *("models/boosted_trees", "models/boosting", "models/ngrams", "models/ngram_values"),
    *("models/positions", "models/proteins", "models/random_convolutions", "models/weighting"),
    "training/option_paths",
)
_SCRATCH = (*_MODULE, "models/scratch_nets/", "training/scratch_fitting")
_SOURCES = {"module": _MODULE, "linear": _LINEAR, "scratch": _SCRATCH}


@dataclass(frozen=True)
class DataFingerprint:
    """What probabilities belong to: digests of data, folds, labels, ids and the classes' order."""

    data: str
    folds: str
    labels: str
    ids: str

    def as_dict(self) -> dict[str, str]:
        """The digests as a manifest has them: `data_digest`, ..."""
        return {f"{name}_digest": value for name, value in dataclasses.asdict(self).items()}


@dataclass(frozen=True)
class PilotResult:
    """What a pilot found for its folds: how many epochs, and by what to divide their logits."""

    epochs: int
    temperature: Temperature

    @classmethod
    def of(cls, manifest: dict[str, Any]) -> PilotResult:
        """That of a pilot's manifest, or of any unit's."""
        return cls(int(manifest["epochs"]), as_temperature(manifest["temperature"]))


@dataclass(frozen=True)
class Recipe:
    """Settings of a model that differ from the defaults, named as the tuner names them."""

    name: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


DEFAULT = Recipe()


@dataclass(frozen=True)
class Run:
    """One model under one configuration, on one data set and one set of folds.

    pilot: the result of an earlier run's pilot, which replaces one of its own
    recipe: where its settings come from; decides nothing, they are in the other fields
    rival: the name of the run whose pilot its own has to keep up with, if any
    """

    name: str
    model: str
    options: Any
    train: TrainConfig
    vocabulary: VocabularyConfig
    embedding: EmbeddingUse | None = None
    pilot: PilotResult | None = None
    recipe: Recipe = field(default=DEFAULT, compare=False)
    rival: str = ""

    @classmethod
    def of(cls, name: str, manifest: dict[str, Any]) -> Run:
        """The run of that name, as the manifest of its results has it: to restore its members."""
        model, vectors = manifest["model"], manifest["embedding"]
        return cls(
            name,
            model,
            override(entry_for(model).options(), manifest["options"]),
            override(TrainConfig(), manifest["train"]),
            override(VocabularyConfig(), manifest["vocabulary"]),
            EmbeddingUse(**vectors) if vectors else None,
        )

    @property
    def title(self) -> str:
        """As displayed: `bilstm light`."""
        return " ".join(filter(None, [self.model, self.recipe.name]))

    @property
    def kind(self) -> str:
        """`module`, `scratch` or `linear`."""
        return entry_for(self.model).kind

    @property
    def has_pilot(self) -> bool:
        """Whether a pilot chooses the number of epochs."""
        needs_one = not self.train.epochs and not self.train.early_stopping and not self.pilot
        return self.kind != "linear" and needs_one

    def against(self, rival: Run) -> Run:
        """The same run under a name of its own, whose pilot ends where it falls behind a rival's.

        Then a pilot that was cut short is never taken for one that was not.
        """
        name = f"{self.model}-{digest(self.name, rival.name)[:12]}"
        return dataclasses.replace(self, name=name, rival=rival.name)

    def with_pilot(self, pilot: PilotResult) -> Run:
        """The same run under a name of its own, with an earlier pilot's result for its folds."""
        name = f"{self.model}-{digest(self.name, pilot)[:12]}"
        return dataclasses.replace(self, name=name, pilot=pilot)


def unit_folder(seed: int, fold: int) -> str:
    """The name of a unit's folder below its run's."""
    if fold == PILOT:
        return "pilot"
    return f"seed{seed}-all-rows" if fold == REFIT else f"seed{seed}-fold{fold}"


def seeds_of(fold: int, seeds: int) -> range:
    """The seeds of a fold's fits; all rows are fitted once, whatever the number of seeds."""
    return range(1 if fold == REFIT else seeds)


@dataclass(frozen=True)
class Unit:
    """One fit of a run.

    Fold PILOT is its pilot, on an inner split of fold 0's training rows; fold REFIT a fit on all
    rows, which is no part of the run's own predictions.
    """

    run: Run
    seed: int
    fold: int

    @property
    def name(self) -> str:
        """As displayed: `bilstm fold 3`, with the seed where it is not the first."""
        place = {PILOT: "pilot", REFIT: "all rows"}.get(self.fold, f"fold {self.fold}")
        return f"{self.run.title} {place}" + (f" seed {self.seed}" if self.seed else "")

    @property
    def place(self) -> Path:
        """The unit's folder below runs/."""
        return Path(self.run.name) / unit_folder(self.seed, self.fold)


@dataclass(frozen=True)
class Job:
    """A unit, where its data are and where its result goes: all that a worker needs."""

    unit: Unit
    data: Path
    runs: Path
    fingerprint: DataFingerprint

    @property
    def folder(self) -> Path:
        """Where the result goes."""
        return self.runs / self.unit.place


def sources_of(entry: Entry) -> tuple[str, ...]:
    """The modules that a unit of this model runs through; a change in one renames its runs."""
    return _SHARED + _SOURCES[entry.kind] + (entry.file,)


def code_of(model: str) -> str:
    """Digest of the sources that a model's units run through."""
    return code_digest(sources_of(entry_for(model)))


def plan_runs(
    config: Config,
    data_digest: str,
    folds_digest: str,
    device: torch.device,
    *,
    resolved: dict[str, str] | None = None,
    embedding: EmbeddingUse | None = None,
) -> list[Run]:
    """The runs of a configuration, each model with its tuned settings; linear ones first.

    resolved: model -> precision, where `auto` was resolved before; without it the device decides
    embedding: the vectors of neural models; they decide the width of token embeddings
    """
    runs = []
    for model in config.models:
        own = with_values(config, model)
        options, entry = resolve_options(model, own.options), entry_for(model)
        precision = own.train.precision
        if precision == "auto":
            precision = (resolved or {}).get(model, precision)
        precision = choose_precision(
            precision, device, low_precision_on_cpu=entry.low_precision_on_cpu
        )
        train = dataclasses.replace(own.train, precision=precision)
        use = embedding if entry.takes_vectors else None
        if use:
            mode = own.embedding.mode if model in config.tuned else use.mode
            use = dataclasses.replace(use, mode=mode)
            options = dataclasses.replace(options, width=use.width)
        parts = [options, data_digest, folds_digest, code_of(model)]
        if entry.kind == "linear":
            parts += [train.adapt]
        else:
            parts += [train, own.vocabulary, use]
        name = f"{model}-{digest(model, *parts)[:12]}"
        runs.append(Run(name, model, options, train, own.vocabulary, use))
    return sorted(runs, key=lambda run: run.kind != "linear")


def with_values(config: Config, model: str) -> Config:
    """The configuration with the model's tuned values put in."""
    settings: dict[str, dict[str, Any]] = {}
    for name, value in config.tuned.get(model, {}).items():
        section, _, key = name.partition(".")
        settings.setdefault(model if section == "options" else section, {})[key] = value
    return configure(config, settings, entries()) if settings else config


def fold_units(run: Run, seeds: Iterable[int], folds: int) -> list[Unit]:
    """The units of these seeds, a seed complete before the next begins."""
    return [Unit(run, seed, fold) for seed in seeds for fold in range(folds)]


def plan_units(runs: list[Run], seeds: int, folds: int) -> list[Unit]:
    """Every unit: linear runs, pilots, then the rest; a seed is complete before the next begins."""
    linear = [run for run in runs if run.kind == "linear"]
    networks = [run for run in runs if run.kind != "linear"]
    units = [unit for run in linear for unit in fold_units(run, range(seeds), folds)]
    units += [Unit(run, 0, PILOT) for run in networks if run.has_pilot]
    for seed in range(seeds):
        units += [unit for run in networks for unit in fold_units(run, [seed], folds)]
    return units
