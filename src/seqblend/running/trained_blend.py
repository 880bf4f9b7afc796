"""A blend that was trained before, opened to predict rows that it has never seen."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqblend.blending.fold_average import blend_fit, finish_mean
from seqblend.blending.methods import Blend
from seqblend.core.errors import InputError, listing
from seqblend.core.storage import MANIFEST, read_finished, read_json
from seqblend.data.sequences import Competition, SequenceSet
from seqblend.reading.cache import content_digest, load_competition
from seqblend.running.inputs import working_folders
from seqblend.running.runs import DataFingerprint, Job, Run, Unit
from seqblend.running.units import restore_member
from seqblend.running.workspace import Workspace
from seqblend.tasks.adjustments import adjustment_from_record

Note = Callable[[str], None]


def _ignore(_: str) -> None:
    """Stored files of others are only read: nothing is set aside, and nothing is said of it."""


@dataclass(frozen=True)
class EncodedRows:
    """Test rows in the lexicon of a trained blend.

    sequences: of lexicon ids; new_tokens: that follow the lexicon, since it lacks them
    """

    sequences: SequenceSet
    new_tokens: tuple[str, ...]


@dataclass(frozen=True)
class TrainedBlend:
    """The blend of most runs in a working folder, and the rows that it was trained on.

    folder: the blend's; record: its manifest
    """

    workspace: Workspace
    competition: Competition
    folder: Path
    record: dict[str, Any]

    def encode(self, rows: Competition) -> EncodedRows | None:
        """The test rows of a competition; None where its training rows are not the blend's."""
        known, task = self.competition, self.competition.task
        place = {token: i for i, token in enumerate(known.view.lexicon)}
        new = [token for token in rows.view.lexicon if token not in place]
        place |= {token: len(place) + i for i, token in enumerate(new)}
        ids = np.array([place[token] for token in rows.view.lexicon], dtype=np.int32)
        is_same = (
            (rows.task.name, rows.task.columns) == (task.name, task.columns)
            and rows.view.name == known.view.name
            and np.array_equal(rows.targets, known.targets)
            and np.array_equal(rows.train.lengths, known.train.lengths)
            and np.array_equal(ids[rows.train.flat()[0]], known.train.flat()[0])
        )
        if not is_same:
            return None
        tokens, offsets = rows.test.flat()
        return EncodedRows(SequenceSet.from_offsets(ids[tokens], offsets), tuple(new))

    def fits(self) -> list[list[list[Job]]]:
        """For each fold, for each member with a weight, the units of its seeds.

        raises: InputError where one is missing or damaged, or predictions were made elsewhere
        """
        prints = {
            name: self.record[f"{name}_digest"] for name in ("data", "folds", "labels", "ids")
        }
        places = self.workspace.data, self.workspace.runs, DataFingerprint(**prints)
        members = []
        for name in self._used:
            manifest = read_json(self.workspace.run(name) / MANIFEST)
            if not manifest["units"]:
                raise InputError(
                    f"{self.folder.name} blends predictions that were made elsewhere ({name}), "
                    "which are of the old test rows alone. Blend without them (src/blend.py), "
                    "then predict"
                )
            run, folds = Run.of(name, manifest), len(manifest["units"]) // manifest["seeds"]
            seeds = range(self.record["made_by"][name]["seeds"])
            members.append(
                [[Job(Unit(run, seed, k), *places) for seed in seeds] for k in range(folds)]
            )
        return [list(fold) for fold in zip(*members, strict=True)]

    def predict(
        self,
        rows: EncodedRows,
        devices: Sequence[str],
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> np.ndarray:
        """float32 [n, c]: what is submitted for these rows, the same as at the time of training.

        devices: one for each process; progress: called with (fits done, all fits)
        raises: InputError as fits() does, and where a fit's files are damaged
        """
        fits, found = self.fits(), {}
        jobs = [job for fold in fits for member in fold for job in member]
        _check_files(jobs)
        places = [devices[i % len(devices)] for i in range(len(jobs))]
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(len(devices), len(jobs)), spawn) as pool:
            arrays = pool.map(partial(_predict, rows), jobs, places)
            for job, array in zip(jobs, arrays, strict=True):
                found[job] = array
                progress(len(found), len(jobs))
        blend, metric = self._blend(), self.record["metric"]
        means = [
            np.stack([_mean([found[job] for job in member]) for member in fold]) for fold in fits
        ]
        mean = np.stack([blend_fit(blend, metric, stack) for stack in means]).mean(axis=0)
        return finish_mean(blend, metric, mean, sharpening=self.record["sharpening"])

    @property
    def _used(self) -> dict[str, float]:
        """{run: weight} of the members that have one."""
        weights = zip(self.record["members"], self.record["member_weights"], strict=True)
        return {name: weight for name, weight in weights if weight}

    def _blend(self) -> Blend:
        """The blend of the members with a weight."""
        bias, adjustment = self.record["bias"], self.record["adjustment"]
        return Blend(
            self.record["method"],
            np.array(list(self._used.values())),
            tuple(self._used),
            self.competition.task,
            None if bias is None else np.array(bias),
            adjustment and adjustment_from_record(adjustment),
        )


def find_trained(folders: Iterable[Path]) -> Iterator[TrainedBlend]:
    """The blends of working folders at or below these folders, the newest first.

    Of each competition's folder the blend of most runs, of those the newest. What is damaged is
    passed over.
    """
    found = []
    for folder in working_folders(folders):
        workspace = Workspace(folder.parent, folder.name)
        if read_finished(workspace.data, _ignore, sets_aside=False) is None:
            continue
        data = content_digest(workspace.data)
        blends = []
        for path in workspace.blends.glob(f"*/{MANIFEST}"):
            record = read_finished(path.parent, _ignore, sets_aside=False)
            if record and record["data_digest"] == data and "member_weights" in record:
                blends.append((len(record["members"]), path.stat().st_mtime, path, record))
        if blends:
            _, when, path, record = max(blends, key=lambda each: each[:2])
            found.append((when, workspace, path.parent, record))
    for _, workspace, folder, record in sorted(found, key=lambda each: each[0], reverse=True):
        yield TrainedBlend(workspace, load_competition(workspace.data), folder, record)


def _check_files(jobs: list[Job]) -> None:
    """InputError where a unit's files are not those that its manifest says."""
    damaged = [
        str(job.unit.place)
        for job in jobs
        if read_finished(job.folder, _ignore, sets_aside=False) is None
    ]
    if damaged:
        raise InputError(
            f"{jobs[0].runs}: missing or damaged: {listing(damaged, 3)}. Train again with the "
            "command that made them, then predict"
        )


def _predict(rows: EncodedRows, job: Job, device: str) -> np.ndarray:
    """float32 [n, c]: what the member of a unit predicts."""
    member = restore_member(job, torch.device(device), rows.new_tokens)
    return member.predict(rows.sequences)


def _mean(arrays: list[np.ndarray]) -> np.ndarray:
    """float32 [n, c]: the mean over seeds."""
    return np.mean(arrays, axis=0, dtype=np.float64).astype(np.float32)
