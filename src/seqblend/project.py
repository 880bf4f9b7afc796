"""One competition opened for work: its data, folds, places and devices."""

from __future__ import annotations

import dataclasses
import glob
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seqblend import release_freed_memory
from seqblend.config import Config
from seqblend.dataset import contents_digest, load_or_read
from seqblend.demo import BEST, write_demo
from seqblend.devices import Machine, find_devices
from seqblend.diagnosis.grouping import settle_groups
from seqblend.embeddings.preparing import Prepared, prepare_embedding
from seqblend.embeddings.settling import lighten_dropout, settle_vectors
from seqblend.errors import FlagError
from seqblend.folds import Folds, folds_name, make_folds, write_folds
from seqblend.models.groups import choose_models
from seqblend.models.registry import entry_for
from seqblend.paths import Origin, Places, Store, choose_competition, open_store
from seqblend.reading.discovery import CompetitionFiles, find_files
from seqblend.running.executors import cores
from seqblend.running.results import Ledger
from seqblend.running.runs import Job, Unit
from seqblend.sequences import Competition
from seqblend.store import check_writable, sweep
from seqblend.tuned import apply_tuned

DEMO = "demo"


@dataclass(frozen=True)
class Project:
    """Everything that the steps of the whole way share."""

    config: Config
    places: Places
    store: Store
    files: CompetitionFiles
    competition: Competition
    folds: Folds
    ledger: Ledger
    machine: Machine
    is_solution_given: bool = False
    embedding: Prepared = field(default_factory=Prepared)

    @property
    def fold(self) -> np.ndarray:
        """int64 [n]: each training row's fold, -1 where it is always in training."""
        return self.folds.fold

    def job(self, unit: Unit) -> Job:
        """The unit with its places."""
        ledger, store = self.ledger, self.store
        return Job(
            unit, store.data, store.root / "runs", ledger.data, ledger.folds, ledger.labels,
            ledger.ids,
        )  # fmt: skip


def open_project(
    config: Config,
    places: Places,
    *,
    data: Path | None = None,
    workers: int = 0,
    solution: Path | None = None,
    out: Path | None = None,
    is_untuned: bool = False,
    note: Callable[[str], None] = lambda _: None,
    is_plan: bool = False,
    is_look: bool = False,
) -> Project:
    """Read the competition (given, found, or the demo), make its folds, choose the devices.

    out: a further place for the submission; only checked here
    is_untuned: leave out what the tuner found
    is_plan: token vectors that are not there yet are announced, not made
    is_look: nothing will be fitted or written: goes on beside a process that holds the lock

    raises: InputError, FlagError or MachineError before anything is trained
    """
    folder = choose_competition(data, places.inputs) or prepare_demo(places.working)
    files = _find_files(folder, solution)
    origin = Origin(str(folder.resolve()), contents_digest(files))
    store = open_store(places.working, name_of(folder, places), origin, note, is_look=is_look)
    _prepare_submissions(places, out)
    competition, key = load_or_read(
        store.data,
        files,
        config.data,
        config.metric,
        store.root.name,
        note,
        refusal=store.refusal,
    )
    config = _name_models(config, competition, note)
    release_freed_memory()  # reading took several times what is kept
    fold_config, groups = settle_groups(competition, config.folds, note)
    folds = make_folds(
        competition.labels, competition.train, fold_config, groups=groups,
        given=competition.folds, classes=competition.classes,
    )  # fmt: skip
    ledger = make_ledger(competition, folds, key)
    if store.refusal is None:
        write_folds(store.data, folds, ledger.folds, note)
    if not is_untuned:
        config = apply_tuned(config, store, ledger, config.models, note)
    config, embedding = _prepare_vectors(
        config, competition, note, key=key, data=store.data, folders=[folder, *places.inputs],
        besides=files.all(), is_plan=is_plan,
    )  # fmt: skip
    machine = find_devices(workers, cores())
    return Project(
        config, places, store, files, competition, folds, ledger, machine, solution is not None,
        embedding,
    )  # fmt: skip


def _prepare_vectors(
    config: Config, competition: Competition, note: Callable[[str], None], **places: Any
) -> tuple[Config, Prepared]:
    """The configuration with what `auto` means for token vectors, and the vectors.

    places: further arguments of prepare_embedding
    """
    if not any(map(_takes_vectors, config.models)):
        return config, Prepared()
    settled = settle_vectors(config, competition, note)
    embedding = prepare_embedding(settled.embedding, competition, note=note, **places)
    release_freed_memory()  # as counting pairs of tokens did
    is_open = config.embedding.mode == "auto"
    if is_open and embedding.use and embedding.use.mode == "frozen":
        settled = lighten_dropout(settled, filter(_takes_vectors, config.models))
    return settled, embedding


def _find_files(folder: Path, solution: Path | None) -> CompetitionFiles:
    """The competition's files, with the answers that --solution names."""
    files = find_files(folder)
    if solution is None:
        return files
    if not solution.is_file():
        raise FlagError(f"--solution expects a file with the test answers, got {solution}")
    return dataclasses.replace(files, solution=solution)


def _name_models(config: Config, competition: Competition, note: Callable[[str], None]) -> Config:
    """The configuration with groups of models written out for these rows."""
    models, lost = choose_models(config.models, competition.views)
    if lost:
        note(f"note: left out, they cannot read these rows: {', '.join(lost)}")
    return dataclasses.replace(config, models=models)


def _takes_vectors(model: str) -> bool:
    entry = entry_for(model)
    return entry.kind == "module" and entry.takes_vectors


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


def prepare_demo(working: Path) -> Path:
    """The folder of the embedded demo, written on first use."""
    folder = working / DEMO / "input"
    if not (folder / BEST).exists():  # written last
        write_demo(folder)
    return folder


def name_of(folder: Path, places: Places) -> str:
    """A competition's name: its folder's, or its parent's where the folder is just an input."""
    generic = {"input", "data", "raw", *(place.name for place in places.inputs)}
    for candidate in (folder, *folder.parents):
        if candidate.name.lower() not in generic and candidate.name:
            is_own_root = any(candidate == place.parent for place in places.inputs)
            name = "competition" if is_own_root else candidate.name
            return re.sub(r"[^\w.-]+", "-", name) or "competition"
    return "competition"


def make_ledger(competition: Competition, folds: Folds, key: str) -> Ledger:
    """The digests that probabilities of this competition carry."""
    ids = json.dumps([competition.train_ids, competition.test_ids]).encode()
    labels = np.ascontiguousarray(competition.labels, dtype="<i8").tobytes()
    return Ledger(
        data=key,
        folds=folds_name(folds.fold, folds.keys),
        labels=hashlib.sha256(labels).hexdigest()[:16],
        ids=hashlib.sha256(ids).hexdigest()[:16],
    )
