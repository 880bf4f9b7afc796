"""Runs collected from finished units: out-of-fold and test predictions, and what made them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seqblend.core.errors import InputError, listing
from seqblend.core.storage import (
    MANIFEST,
    commit_arrays,
    find_damage,
    read_array,
    read_finished,
    read_json,
)
from seqblend.data.folds import split
from seqblend.running.runs import REFIT, DataFingerprint, seeds_of, unit_folder
from seqblend.running.workspace import Workspace
from seqblend.tasks.task import Task

# What a run's manifest says of how it was made, besides the fingerprint.
_SETTINGS = ("model", "options", "train", "vocabulary", "vocabulary_scope", "versions")
MADE_BY = (*_SETTINGS, "seeds", "git_commits")
_OF_ALL_UNITS = (  # what a run's units have in common
    *_SETTINGS,
    *("embedding", "precision", "device", "deterministic", "classes"),
    "epochs_chosen_on_validation",
)


@dataclass(frozen=True)
class RunResult:
    """A run's predictions: oof float32 [n, c] (NaN without a fold), test float32 [n_test, c]."""

    name: str
    model: str
    oof: np.ndarray
    test: np.ndarray
    manifest: dict[str, Any]

    @property
    def title(self) -> str:
        """The model, with its recipe where it has one: `bilstm-light`."""
        recipe = self.manifest.get("recipe", "").replace(" ", "_")
        return "-".join(filter(None, [self.model, recipe]))


def collect_run(
    workspace: Workspace,
    run: str,
    seeds: int,
    fold: np.ndarray,
    fingerprint: DataFingerprint,
    task: Task,
    *,
    remark: str = "",
    recipe: str = "",
) -> RunResult:
    """Average the run's finished units over seeds and folds, in file order, and write the run.

    fold: int64 [n]; every (seed, fold) unit has to be finished
    remark: what to know of its score, such as that its settings were tuned on these rows
    recipe: the name of its settings, if any
    """
    folds = int(fold.max()) + 1
    places = [(seed, k) for seed in range(seeds) for k in range(folds)]
    folders = [workspace.run(run) / unit_folder(seed, k) for seed, k in places]
    manifests = [read_json(folder / MANIFEST) for folder in folders]
    oof, test = None, 0.0
    for (_, k), folder in zip(places, folders, strict=True):
        valid = read_array(folder / "valid.npy")
        if oof is None:
            oof = np.zeros((len(fold), valid.shape[1]))
        oof[split(fold, k)[1]] += valid / seeds
        test = test + read_array(folder / "test.npy").astype(np.float64) / len(places)
    oof[fold < 0] = np.nan
    oof[fold >= 0] = task.normalise(oof[fold >= 0])
    test = task.normalise(test)
    manifest = _summarise(manifests) | fingerprint.as_dict() | {"seeds": seeds, "remark": remark}
    manifest["recipe"] = recipe
    arrays = {"oof": oof.astype(np.float32), "test": test.astype(np.float32)}
    commit_arrays(workspace.run(run), manifest, arrays, "oof")
    return RunResult(run, manifest["model"], **arrays, manifest=manifest)


def _summarise(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    """What the units have in common, and the sums of what they cost."""
    first = manifests[0]
    speeds = [m["tokens_per_second"] for m in manifests if m["tokens_per_second"]]
    return {name: first[name] for name in _OF_ALL_UNITS} | {
        "units": [m["unit"] for m in manifests],
        "git_commits": sorted({m["git_commit"] for m in manifests}),
        "epochs": [m["epochs"] for m in manifests],
        "seconds": sum(m["seconds"] for m in manifests),
        "parameters": max(m["parameters"] for m in manifests),
        "recoveries": [{"unit": m["unit"], **r} for m in manifests for r in m["recoveries"]],
        "peak_megabytes": max(m["peak_megabytes"] for m in manifests),
        "tokens_per_second": float(np.mean(speeds)) if speeds else None,
    }


def finished_runs(
    workspace: Workspace, fingerprint: DataFingerprint, note: Callable[[str], None]
) -> list[RunResult]:
    """Every finished run of exactly these data, folds, labels and ids, newest configuration last.

    note: called with each run that is left out: it belongs to other rows or folds, or is damaged
    """
    found = []
    for path in sorted(workspace.runs.glob(f"*/{MANIFEST}"), key=lambda path: path.stat().st_mtime):
        folder = path.parent
        manifest = _read_run(folder, fingerprint, note)
        if manifest is not None:
            oof, test = read_array(folder / "oof.npy"), read_array(folder / "test.npy")
            found.append(RunResult(folder.name, manifest["model"], oof, test, manifest))
    return found


def _read_run(
    folder: Path, fingerprint: DataFingerprint, note: Callable[[str], None]
) -> dict[str, Any] | None:
    """The manifest of a run with this fingerprint whose files and units are whole, else None."""
    manifest = read_finished(folder, note)
    if manifest is None:
        damaged = ["its files"]
    else:
        fault = find_mismatch(manifest, fingerprint)
        if fault:
            note(f"{folder.name} is left out: {fault}")
            return None
        units = manifest["units"]
        damaged = [unit for unit in units if read_finished(folder.parent / unit, note) is None]
    if not damaged:
        return manifest
    model = folder.name.rpartition("-")[0]
    note(
        f"{folder.name} is left out, missing or damaged: {listing(damaged, 3)}. "
        f"The command that made it, such as ./run.sh --models {model}, makes them again"
    )
    return None


def find_mismatch(manifest: dict[str, Any], fingerprint: DataFingerprint) -> str:
    """Why a run's probabilities cannot be blended under the fingerprint; empty where they can."""
    wrong = [key for key, value in fingerprint.as_dict().items() if manifest.get(key) != value]
    if wrong:
        return f"its {', '.join(wrong)} differ"
    lacking = [key for key in MADE_BY if key not in manifest]
    return f"its manifest does not say {', '.join(lacking)}" if lacking else ""


def check_result(
    result: RunResult, fold: np.ndarray, fingerprint: DataFingerprint, task: Task
) -> None:
    """InputError where a run belongs to other rows, or its scored rows are no valid predictions.

    fold: int64 [n], -1 for rows without predictions
    """
    fault = find_mismatch(result.manifest, fingerprint)
    if fault:
        raise InputError(f"{result.name} cannot be blended with these data and folds: {fault}")
    rows = np.flatnonzero(fold >= 0)
    remedy = "Delete that run's folder and type the same command again"
    task.check(result.oof[rows], f"{result.name}/oof.npy", remedy, lambda row: f"row {rows[row]}")
    task.check(result.test, f"{result.name}/test.npy", remedy)


def read_test_stacks(
    workspace: Workspace, results: Sequence[RunResult], folds: int, *, refit: bool = False
) -> Iterator[np.ndarray]:
    """For each fold, float32 [m, n_test, c]: test predictions of each run's fits, over its seeds.

    refit: at the end those of the fits on all rows too
    A run that was made elsewhere has no fits here: its test predictions stand for every fold.
    """
    for k in [*range(folds), *([REFIT] if refit else [])]:
        yield np.stack([_read_fold_test(workspace, result, k) for result in results])


def _read_fold_test(workspace: Workspace, result: RunResult, k: int) -> np.ndarray:
    """float32 [n_test, c]: the mean over seeds of a fold's fits."""
    seeds = seeds_of(k, result.manifest["seeds"]) if result.manifest["units"] else ()
    folder = workspace.run(result.name)
    tests = [read_array(folder / unit_folder(seed, k) / "test.npy") for seed in seeds]
    return np.mean(tests, axis=0, dtype=np.float64).astype(np.float32) if tests else result.test


def are_refitted(workspace: Workspace, results: Sequence[RunResult]) -> bool:
    """Whether there are runs that were trained here, and each has its fit on all rows."""
    folders = [
        workspace.run(result.name) / unit_folder(0, REFIT)
        for result in results
        if result.manifest["units"]
    ]
    return bool(folders) and not any(map(find_damage, folders))


def largest_blend(
    workspace: Workspace, fingerprint: DataFingerprint, note: Callable[[str], None]
) -> tuple[dict[str, float], np.ndarray] | None:
    """({member: weight}, oof float32 [n, c]) of the blend of most runs, the newest of those."""
    known, found = fingerprint.as_dict().items(), []
    for path in workspace.blends.glob(f"*/{MANIFEST}"):
        manifest = read_finished(path.parent, note)
        if manifest is not None and all(item in manifest.items() for item in known):
            found.append((len(manifest["members"]), path.stat().st_mtime, str(path.parent)))
    if not found:
        return None
    folder = Path(max(found)[2])
    return read_json(folder / "weights.json"), read_array(folder / "oof.npy")
