"""Fit one unit, write its files, and restore a fitted one from them."""

from __future__ import annotations

import dataclasses
import functools
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqblend.core.errors import UnitError, listing
from seqblend.core.provenance import git_commit
from seqblend.core.storage import (
    MANIFEST,
    commit_folder,
    read_arrays,
    read_json,
    write_array,
    write_arrays,
    write_json,
)
from seqblend.core.versions import package_versions
from seqblend.data.fold_files import read_folds
from seqblend.data.folds import inner_split, split
from seqblend.data.sequences import Competition
from seqblend.embeddings.prepare import make_wanted
from seqblend.embeddings.vectors import folder_of, load_embedding
from seqblend.models.registry import entry_for
from seqblend.reading.cache import load_checked
from seqblend.running.runs import PILOT, REFIT, Job, PilotResult, Unit, code_of
from seqblend.training.contract import Context, Fitted, Rows
from seqblend.training.devices import configure_device, describe_device
from seqblend.training.fitting import pilot_loss_key
from seqblend.training.members import fit_member, member_from_arrays
from seqblend.training.recovery import DivergenceError

WEIGHTS = "weights.npz"
_SCOPE = "training rows of the fold"
_load_rows = functools.lru_cache(maxsize=1)(load_checked)  # read and checked once per process
_load_folds = functools.lru_cache(maxsize=1)(read_folds)


def run_unit(job: Job, device: torch.device, report: Callable[[dict], None]) -> dict[str, Any]:
    """Fit one unit, write its folder, and return its manifest. Depends on its arguments alone.

    A unit starts at its first epoch: an interrupted one leaves nothing that could be mixed in.
    """
    device = configure_device(device)
    competition = _load_rows(job.data, job.fingerprint.data)
    if job.unit.run.embedding:
        folder = folder_of(job.data, job.unit.run.embedding.digest)
        make_wanted(folder, competition, report)
    began = time.perf_counter()
    fold, keys = _load_folds(job.data, job.fingerprint.folds)
    strata = competition.task.strata(competition.targets)
    train_rows, valid_rows = _rows_of(job.unit, strata, fold, keys)
    context = _context(job, competition, device, report, pilot_result_for(job))
    rows = Rows(competition.train, competition.targets, keys)
    train, valid = rows.take(train_rows), rows.take(valid_rows)
    try:
        member = fit_member(train, valid, context)
    except DivergenceError as error:
        rows = listing(competition.train_ids[train_rows[row]] for row in error.rows)
        raise UnitError(f"{error}. The batch's rows, by id: {rows}") from None
    arrays, scores = {}, {}
    if job.unit.fold != REFIT:
        arrays["valid"] = member.predict(valid.sequences)
        scores = competition.task.summarise(valid.targets, arrays["valid"])
    if job.unit.fold != PILOT:
        arrays["test"] = member.predict(competition.test)
    manifest = _describe(job, member, competition, context)
    manifest |= {
        "scores": scores,
        "seconds": time.perf_counter() - began,
        "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    _write(job.folder, member, arrays, manifest)
    return manifest


def restore_member(job: Job, device: torch.device, new_tokens: Sequence[str] = ()) -> Fitted:
    """The fitted member of a finished unit, from its arrays: gives the same bytes again.

    new_tokens: that follow the competition's lexicon
    """
    device = configure_device(device)
    pilot = PilotResult.of(read_json(job.folder / MANIFEST))  # what the unit was fitted with
    run = dataclasses.replace(job.unit.run, embedding=None)  # the weights have it
    job = dataclasses.replace(job, unit=dataclasses.replace(job.unit, run=run))
    competition = _load_rows(job.data, job.fingerprint.data)
    if new_tokens:
        view = competition.view
        view = dataclasses.replace(view, lexicon=[*view.lexicon, *new_tokens])
        competition = dataclasses.replace(competition, views={view.name: view})
    context = _context(job, competition, device, lambda _: None, pilot)
    return member_from_arrays(read_arrays(job.folder / WEIGHTS), context)


def _rows_of(
    unit: Unit, strata: np.ndarray, fold: np.ndarray, keys: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(training rows, validation rows) of a unit: integer positions."""
    if unit.fold == REFIT:
        return np.arange(len(fold)), np.arange(0)
    train, valid = split(fold, max(unit.fold, 0))
    return (train, valid) if unit.fold != PILOT else inner_split(strata, train, 0, keys)


def pilot_result_for(job: Job) -> PilotResult:
    """The number of epochs (0: validation chooses) and the temperature of a unit.

    A run brings the result of an earlier pilot, or has its own, or none: then epochs are as
    configured, and the temperature is 1. A fit on all rows takes what its folds had.
    """
    unit, run = job.unit, job.unit.run
    if unit.fold == REFIT:
        return _result_of_folds(job)
    if run.pilot:
        return run.pilot
    if not run.has_pilot or unit.fold == PILOT:
        return PilotResult(run.train.epochs, 1.0)
    return PilotResult.of(read_json(job.runs / run.name / "pilot" / MANIFEST))


def _result_of_folds(job: Job) -> PilotResult:
    """The median of the folds' epochs, and the temperature of the first fold."""
    fold, _ = _load_folds(job.data, job.fingerprint.folds)
    units = [dataclasses.replace(job.unit, fold=k) for k in range(int(fold.max()) + 1)]
    found = [PilotResult.of(read_json(job.runs / unit.place / MANIFEST)) for unit in units]
    return PilotResult(int(np.median([each.epochs for each in found])), found[0].temperature)


def _context(
    job: Job,
    competition: Competition,
    device: torch.device,
    report: Callable[[dict], None],
    pilot: PilotResult,
) -> Context:
    """What a fit needs besides its rows. pilot: its epochs and temperature"""
    unit, run = job.unit, job.unit.run
    train = run.train
    if unit.fold == REFIT:  # which has no validation rows
        train = dataclasses.replace(train, early_stopping=False)
    return Context(
        entry_for(run.model),
        run.options,
        train,
        run.vocabulary,
        competition.task,
        competition.view,
        unit.seed,
        unit.fold,
        pilot.epochs,
        device,
        report,
        run.embedding and load_embedding(job.data, run.embedding),
        pilot.temperature,
        _rival_losses(job),
    )


def _rival_losses(job: Job) -> tuple[float, ...]:
    """The validation losses that a pilot has to keep up with; empty where there are none."""
    run = job.unit.run
    path = job.runs / run.rival / "pilot" / "history.json"
    if job.unit.fold != PILOT or not run.rival or not path.exists():
        return ()
    return tuple(read_json(path)[pilot_loss_key(run.train)])


def _describe(job: Job, member: Fitted, competition: Competition, context: Context) -> dict:
    """The manifest of a unit, less what is measured at its end."""
    unit, run, facts = job.unit, job.unit.run, member.record
    trained = len(facts.history.get("epoch", []))
    scope = ["all training rows" if unit.fold == REFIT else _SCOPE]
    scope += [run.embedding.scope] if run.embedding else []
    return {
        "unit": str(unit.place),
        "model": run.model,
        "code": code_of(run.model),
        "seed": unit.seed,
        "fold": unit.fold,
        "options": dataclasses.asdict(run.options),
        "chosen": facts.chosen,
        "train": dataclasses.asdict(run.train),
        "vocabulary": dataclasses.asdict(run.vocabulary),
        "vocabulary_scope": ", and ".join(scope),
        "embedding": run.embedding and dataclasses.asdict(run.embedding),
        **job.fingerprint.as_dict(),
        "classes": list(competition.classes),
        "temperature": facts.temperature,
        "epochs": facts.epochs,
        "epochs_trained": trained,
        "pilot_loss": facts.pilot_loss,
        "is_pruned": facts.is_pruned,
        "epochs_chosen_on_validation": trained > 0
        and unit.fold != REFIT
        and (run.train.early_stopping or not context.epochs),
        "parameters": facts.parameters,
        "padding": facts.padding,
        "tokens_per_second": facts.tokens_per_second,
        "precision": {"scratch": "float32", "linear": "float64"}.get(run.kind, run.train.precision),
        "device": describe_device(context.device),
        "deterministic": context.device.type == "cpu",
        "recoveries": facts.recoveries,
        "versions": package_versions(),
        "git_commit": git_commit(),
    }


def _write(
    folder: Path, member: Fitted, arrays: dict[str, np.ndarray], manifest: dict[str, Any]
) -> None:
    """The unit's files, each atomically, and its manifest last."""
    hashes = {"history.json": write_json(folder / "history.json", member.record.history)}
    for name, array in arrays.items():
        hashes[f"{name}.npy"] = write_array(folder / f"{name}.npy", array, "oof")
    weights = member.arrays()
    hashes[WEIGHTS] = write_arrays(folder / WEIGHTS, weights, "weights")
    commit_folder(folder, manifest, hashes)
