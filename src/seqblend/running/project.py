"""One competition opened for work: its data, folds, places and devices."""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from seqblend import release_freed_memory
from seqblend.core.config import Config, DataConfig, FoldConfig
from seqblend.core.errors import FlagError
from seqblend.core.processes import cores
from seqblend.core.storage import check_writable, sweep
from seqblend.data.auto_groups import resolve_groups
from seqblend.data.fold_files import folds_name, write_folds
from seqblend.data.folds import Folds, make_folds
from seqblend.data.sequences import Competition
from seqblend.embeddings.auto import reduce_dropout, resolve_vector_settings
from seqblend.embeddings.prepare import PreparedVectors, VectorPlaces, prepare_embedding
from seqblend.models.model_groups import choose_models
from seqblend.models.registry import entry_for
from seqblend.reading.cache import contents_digest, load_or_read
from seqblend.reading.discovery import CompetitionFiles, find_files
from seqblend.reading.metric_choice import try_metric
from seqblend.running.inputs import (
    Places,
    attached_folders,
    choose_competition,
    demo_folder,
    name_competition,
    prepare_demo,
)
from seqblend.running.runs import DataFingerprint, Job, Run, Unit, plan_runs
from seqblend.running.transfer import adopt_earlier_work
from seqblend.running.tuned import apply_tuned
from seqblend.running.workspace import Origin, Workspace, open_workspace
from seqblend.training.devices import Machine, find_devices
from seqblend.training.precision import resolve_precision

Note = Callable[[str], None]


@dataclass(frozen=True)
class Project:
    """What every step of the pipeline needs."""

    config: Config
    places: Places
    workspace: Workspace
    files: CompetitionFiles
    competition: Competition
    folds: Folds
    fingerprint: DataFingerprint
    machine: Machine
    is_solution_given: bool = False
    embedding: PreparedVectors = field(default_factory=PreparedVectors)

    @property
    def fold(self) -> np.ndarray:
        """int64 [n]: each training row's fold, -1 where it is always in training."""
        return self.folds.fold

    @property
    def device(self) -> torch.device:
        """The first worker's."""
        return torch.device(self.machine.devices[0])

    def precisions(self, note: Note) -> dict[str, str]:
        """{model: precision} of this working folder where train.precision is `auto`, else empty."""
        if self.config.train.precision != "auto":
            return {}
        return resolve_precision(self.workspace.machine, self.config.models, self.device, note)

    def runs_of(self, config: Config, resolved: dict[str, str]) -> list[Run]:
        """The runs of a configuration on these rows and folds.

        resolved: {model: precision}, as `precisions` gives them
        """
        return plan_runs(
            config,
            self.fingerprint.data,
            self.fingerprint.folds,
            self.device,
            resolved=resolved,
            embedding=self.embedding.use,
        )

    def job(self, unit: Unit) -> Job:
        """The unit with its places."""
        return Job(unit, self.workspace.data, self.workspace.runs, self.fingerprint)


@dataclass(frozen=True)
class Request:
    """What a command asks for.

    data: the competition's folder; None: the one found in the inputs, else the demo
    workers: processes; 0: one per core or GPU
    solution: the test answers; out: a further place for the submission, only checked here
    is_untuned: leave out what the tuner found
    is_plan: missing token vectors are announced, not made
    is_read_only: nothing will be fitted or written; works beside a process that holds the lock
    """

    data: Path | None = None
    workers: int = 0
    solution: Path | None = None
    out: Path | None = None
    is_untuned: bool = False
    is_plan: bool = False
    is_read_only: bool = False


@dataclass(frozen=True)
class OpenedRows:
    """A competition as read, where its files lie and where its work is kept.

    key: the content digest of its rows
    """

    folder: Path
    files: CompetitionFiles
    workspace: Workspace
    competition: Competition
    key: str


def open_project(
    config: Config,
    places: Places,
    request: Request = Request(),
    *,
    note: Note = lambda _: None,
) -> Project:
    """Read the competition, split it, resolve the configuration, choose the devices.

    raises: InputError, FlagError or MachineError before anything is trained
    """
    opened = read_rows(config, places, request, note)
    competition, workspace = opened.competition, opened.workspace
    config = _resolve_models(config, competition, note)
    if config.preset == "auto":
        is_demo = opened.folder == demo_folder(places.working)
        config = dataclasses.replace(config, preset="quick" if is_demo else "default")
    folds, fingerprint = split_rows(opened, config.folds, note)
    if not request.is_untuned:
        config = apply_tuned(config, workspace, fingerprint.data, note)
    vector_places = VectorPlaces(
        opened.key,
        workspace.data,
        folders=[opened.folder, *attached_folders(places.inputs)],
        besides=opened.files.all(),
        is_plan=request.is_plan,
    )
    config, embedding = _resolve_embedding(config, competition, vector_places, note)
    return Project(
        config,
        places,
        workspace,
        opened.files,
        competition,
        folds,
        fingerprint,
        find_devices(request.workers, cores()),
        request.solution is not None,
        embedding,
    )


def read_rows(config: Config, places: Places, request: Request, note: Note) -> OpenedRows:
    """The competition, from its files or the cache; its working folder is locked."""
    folder = choose_competition(request.data, places.inputs) or prepare_demo(places.working)
    files = _find_files(folder, config.data, request.solution)
    origin = Origin(str(folder.resolve()), contents_digest(files))
    name = name_competition(folder, places)
    workspace = open_workspace(
        places.working, name, origin, note, is_read_only=request.is_read_only
    )
    _prepare_submissions(places, request.out)
    if workspace.refusal is None:
        adopt_earlier_work(places.inputs[1:], workspace.root, origin.contents, note)
    competition, key = load_or_read(
        workspace.data,
        files,
        config.data,
        config.metric,
        workspace.root.name,
        note,
        refusal=workspace.refusal,
    )
    release_freed_memory()  # reading took several times what is kept
    try_metric(competition.metric, competition.task, competition.targets)
    return OpenedRows(folder, files, workspace, competition, key)


def split_rows(opened: OpenedRows, config: FoldConfig, note: Note) -> tuple[Folds, DataFingerprint]:
    """The folds, written to the working folder, and the digests that name rows and folds."""
    competition, workspace = opened.competition, opened.workspace
    config, groups = resolve_groups(competition, config, note)
    folds = make_folds(
        competition.task.strata(competition.targets),
        competition.train,
        config,
        groups=groups,
        given=competition.folds,
        classes=competition.classes if competition.task.has_classes else None,
        class_name=competition.task.column_name,
        extra=competition.extra,
    )
    fingerprint = make_fingerprint(competition, folds, opened.key)
    if workspace.refusal is None:
        write_folds(workspace.data, folds, fingerprint.folds, note)
    return folds, fingerprint


def _resolve_models(config: Config, competition: Competition, note: Note) -> Config:
    """The configuration with the models of each group, less those that cannot read these rows."""
    models, lost = choose_models(
        config.models, competition.views, competition.task.name, competition.view
    )
    if lost:
        note(f"note: left out, they cannot be fitted here: {', '.join(lost)}")
    return dataclasses.replace(config, models=models)


def _resolve_embedding(
    config: Config, competition: Competition, places: VectorPlaces, note: Note
) -> tuple[Config, PreparedVectors]:
    """(configuration without `auto`, token vectors): how vectors are used, and their dropout."""
    readers = [model for model in config.models if entry_for(model).takes_vectors]
    if not readers:
        return config, PreparedVectors()
    is_auto = config.embedding.mode == "auto"
    config = resolve_vector_settings(config, competition, note)
    embedding = prepare_embedding(config.embedding, competition, places, note)
    release_freed_memory()  # counting pairs of tokens takes several times what is kept
    if is_auto and embedding.use and embedding.use.mode == "frozen":
        config = reduce_dropout(config, readers)
    return config, embedding


def _find_files(folder: Path, data: DataConfig, solution: Path | None) -> CompetitionFiles:
    """The competition's files, with the answers that --solution names."""
    files = find_files(folder, data)
    if solution is None:
        return files
    if not solution.is_file():
        raise FlagError(f"--solution expects a file with the test answers, got {solution}")
    return dataclasses.replace(files, solution=solution)


def _prepare_submissions(places: Places, out: Path | None) -> None:
    """Check, before any work, that a submission can be written wherever one is wanted."""
    check_writable(places.submissions, "Make it writable, or remove what is in its place")
    sweep(places.submissions)
    if out is not None and out.is_dir():
        raise FlagError(f"--out expects a file name, got the folder {out}")
    for file in (places.extra_submission, out):
        if file is not None:
            check_writable(file.parent, "Name another file with --out")
            sweep(file.parent, f".{glob.escape(file.name)}.*.tmp")


def make_fingerprint(competition: Competition, folds: Folds, key: str) -> DataFingerprint:
    """The digests that probabilities of this competition carry."""
    ids = json.dumps([competition.train_ids, competition.test_ids]).encode()
    is_whole = competition.targets.dtype.kind == "i"
    labels = np.ascontiguousarray(competition.targets, "<i8" if is_whole else "<f8").tobytes()
    return DataFingerprint(
        data=key,
        folds=folds_name(folds.fold, folds.keys),
        labels=hashlib.sha256(labels).hexdigest()[:16],
        ids=hashlib.sha256(ids).hexdigest()[:16],
    )
