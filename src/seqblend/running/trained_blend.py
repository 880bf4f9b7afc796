"""A blend that was trained before, opened to predict rows that it has never seen."""

from __future__ import annotations

import multiprocessing
import signal
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqblend.blending.fold_average import blend_fit, finish_mean
from seqblend.blending.methods import Blend
from seqblend.core.errors import InputError, MachineError, listing
from seqblend.core.storage import MANIFEST, find_damage, read_json, read_record
from seqblend.data.sequences import Competition, SequenceSet
from seqblend.reading.cache import content_digest, load_competition
from seqblend.reading.lexicon import EMPTY
from seqblend.running.inputs import working_folders
from seqblend.running.runs import REFIT, DataFingerprint, Job, Run, Unit, code_of, seeds_of
from seqblend.running.units import WEIGHTS, restore_member
from seqblend.running.workspace import Workspace
from seqblend.tasks.adjustments import adjustment_from_record

Note = Callable[[str], None]
_process: dict[str, Any] = {}  # what _begin has set in a process that predicts


@dataclass(frozen=True)
class EncodedRows:
    """Test rows in the lexicon of a trained blend.

    sequences: of lexicon ids; new_tokens: that follow the lexicon, since it lacks them
    """

    sequences: SequenceSet
    new_tokens: tuple[str, ...]


@dataclass(frozen=True)
class TrainedBlend:
    """The blend that was submitted last from a working folder, and the rows of its training.

    folder: the blend's; record: its manifest
    """

    workspace: Workspace
    competition: Competition
    folder: Path
    record: dict[str, Any]

    def encode(self, rows: Competition) -> EncodedRows | None:
        """The test rows of a competition; None where its training rows are not the blend's."""
        known, task = self.competition, self.competition.task
        new = [token for token in rows.view.lexicon if token not in self._place]
        place = self._place | {token: len(self._place) + i for i, token in enumerate(new)}
        ids = np.array([place[token] for token in rows.view.lexicon], dtype=np.int32)
        is_same = (
            (rows.task.name, rows.task.columns) == (task.name, task.columns)
            and rows.view.name == known.view.name
            and np.array_equal(rows.targets, known.targets)
            and np.array_equal(rows.train.lengths, known.train.lengths)
            and np.array_equal(ids[rows.train.flat()[0]], known.train.flat()[0])
            and _have_same_steps(rows.train, known.train)
        )
        if not is_same:
            return None
        tokens, offsets = rows.test.flat()
        sequences = SequenceSet.from_offsets(ids[tokens], offsets, rows.test.steps)
        return EncodedRows(sequences, tuple(new))

    def encode_texts(
        self, rows: Iterable[list[str]], steps: SequenceSet | None = None
    ) -> EncodedRows:
        """Rows of tokens as the lexicon writes them; an empty row is one EMPTY.

        steps: the rows' real-valued ones, if any
        """
        place, tokens, offsets, new = self._place, array("i"), [0], {}
        for texts in rows:
            for text in texts or [EMPTY]:
                known = place.get(text)
                if known is None:
                    known = len(place) + new.setdefault(text, len(new))
                tokens.append(known)
            offsets.append(len(tokens))
        ids = np.frombuffer(tokens, dtype=np.int32)
        return EncodedRows(SequenceSet.from_offsets(ids, np.array(offsets), steps), tuple(new))

    @cached_property
    def _place(self) -> dict[str, int]:
        """The id of each token of the lexicon."""
        return {token: i for i, token in enumerate(self.competition.view.lexicon)}

    def fits(self) -> list[list[list[Job]]]:
        """For each fold, and all rows where they were fitted, each member's units, of its seeds.

        Members without a weight are left out.

        raises: InputError where one is missing or damaged, or predictions were made elsewhere
        """
        prints = {
            name: self.record[f"{name}_digest"] for name in ("data", "folds", "labels", "ids")
        }
        places = self.workspace.data, self.workspace.runs, DataFingerprint(**prints)
        members = []
        for name in self._used:
            folder = self.workspace.run(name)
            if find_damage(folder):
                raise InputError(f"{folder}: missing or damaged. Train again, then predict")
            manifest = read_json(folder / MANIFEST)
            if not manifest["units"]:
                raise InputError(
                    f"{self.folder.name} blends predictions that were made elsewhere ({name}), "
                    "which are of the old test rows alone. Blend without them (src/blend.py), "
                    "then predict"
                )
            run, folds = Run.of(name, manifest), len(manifest["units"]) // manifest["seeds"]
            seeds = self.record["made_by"][name]["seeds"]
            fits = [*range(folds), *([REFIT] if self.record["nested"].get("refit") else [])]
            members.append(
                [[Job(Unit(run, s, k), *places) for s in seeds_of(k, seeds)] for k in fits]
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
        raises: InputError as fits() does
        """
        fits, found = self.fits(), {}
        jobs = jobs_of(fits)
        spawn = multiprocessing.get_context("spawn")
        queue = spawn.Queue()
        for device in devices:
            queue.put(device)
        count = min(len(devices), len(jobs))
        try:
            with ProcessPoolExecutor(count, spawn, _begin, (rows, queue)) as pool:
                for job, array in zip(jobs, pool.map(_predict, jobs), strict=True):
                    found[job] = array
                    progress(len(found), len(jobs))
        except BrokenProcessPool:
            raise MachineError(
                "a process that predicts was killed (out of memory?): try --workers 1"
            ) from None
        return self.combine(fits, found)

    def check_files(self) -> None:
        """InputError where a unit's files are not those of its manifest, or of other code."""
        jobs, damaged, others = jobs_of(self.fits()), [], []
        for job in jobs:
            if find_damage(job.folder) or not (job.folder / WEIGHTS).is_file():
                damaged.append(str(job.unit.place))
            elif read_json(job.folder / MANIFEST).get("code") != code_of(job.unit.run.model):
                others.append(job.unit.run.model)
        if damaged:
            raise InputError(
                f"{jobs[0].runs}: missing or damaged: {listing(damaged, 3)}. Train again with the "
                "command that made them, then predict"
            )
        if others:
            raise InputError(
                f"{jobs[0].runs}: {listing(dict.fromkeys(others))} trained by another version of "
                "this code. Predict with that version, or train again"
            )

    def combine(self, fits: list[list[list[Job]]], found: dict[Job, np.ndarray]) -> np.ndarray:
        """float32 [n, c]: what is submitted, from the predictions float32 [n, c] of each fit.

        fits: as fits() has them
        """
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


def _have_same_steps(one: SequenceSet, other: SequenceSet) -> bool:
    """Whether the real-valued steps of two sets are the same."""
    if one.steps is None or other.steps is None:
        return one.steps is other.steps
    if not np.array_equal(one.steps.lengths, other.steps.lengths):
        return False
    values = one.steps.flat()[0], other.steps.flat()[0]  # of other processors' logarithms, perhaps
    return np.allclose(*values, rtol=1e-5, atol=1e-5, equal_nan=True)


def find_trained(folders: Iterable[Path], note: Note) -> Iterator[TrainedBlend]:
    """Of each working folder at or below these folders the blend that was submitted last.

    The newest first. note: called with what is damaged, and so passed over
    """
    found = []
    for folder in working_folders(folders):
        workspace = Workspace(folder.parent, folder.name)
        submitted = read_record(workspace.submitted)
        if submitted is None:  # nothing was submitted yet
            continue
        blend = workspace.blends / submitted["blend"]
        if damaged := [each for each in (workspace.data, blend) if find_damage(each)]:
            note(f"{listing(map(str, damaged))}: damaged, passed over")
            continue
        record = read_json(blend / MANIFEST)
        if record["data_digest"] == content_digest(workspace.data):
            found.append((workspace.submitted.stat().st_mtime, workspace, blend, record))
    for _, workspace, blend, record in sorted(found, key=lambda each: each[0], reverse=True):
        yield TrainedBlend(workspace, load_competition(workspace.data), blend, record)


def jobs_of(fits: list[list[list[Job]]]) -> list[Job]:
    """The units of fits()."""
    return [job for fold in fits for member in fold for job in member]


def _begin(rows: EncodedRows, devices: multiprocessing.Queue) -> None:
    """Prepare a process: the rows that it predicts, and a device of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    _process.update(rows=rows, device=devices.get())


def _predict(job: Job) -> np.ndarray:
    """float32 [n, c]: what the member of a unit predicts."""
    rows = _process["rows"]
    member = restore_member(job, torch.device(_process["device"]), rows.new_tokens)
    return member.predict(rows.sequences)


def _mean(arrays: list[np.ndarray]) -> np.ndarray:
    """float32 [n, c]: the mean over seeds."""
    return np.mean(arrays, axis=0, dtype=np.float64).astype(np.float32)
