"""A trained blend held in memory, for competitions whose server asks for one row at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seqblend.app.predict import NewRows, find_new_rows, folders_of
from seqblend.blending.submission import answers
from seqblend.core.console import make_console, say
from seqblend.core.errors import InputError
from seqblend.reading.tables import make_table
from seqblend.running.inputs import KAGGLE, find_places
from seqblend.running.runs import Job
from seqblend.running.trained_blend import EncodedRows, jobs_of
from seqblend.running.units import restore_member
from seqblend.training.members import LinearMember

_NEW = "?"  # behind the lexicon, for networks: any token that it lacks


class RowPredictor:
    """Predicts rows one by one, each as in the submission of a file with them.

    Members are restored once. A linear member is restored again for a row with tokens that the
    lexicon lacks: one on characters within words reads them by their parts.
    """

    def __init__(self, rows: NewRows, device: str = "cpu") -> None:
        """rows: of a competition, with the blend that was trained on it; their test rows are unread

        raises: InputError where a member's files are missing or damaged
        """
        self._rows, self._device = rows, torch.device(device)
        self._fits = rows.trained.fits()
        self._jobs = jobs_of(self._fits)
        rows.trained.check_files()
        self._members = {job: restore_member(job, self._device, (_NEW,)) for job in self._jobs}

    @classmethod
    def open(
        cls,
        data: Path | None = None,
        working: Path | None = None,
        device: str = "cpu",
        kaggle: Path = KAGGLE,
    ) -> RowPredictor:
        """The newest blend that was trained on a competition's training rows.

        data: the competition's folder; None: the only one below input/ or /kaggle/input
        working: where the blend may lie; None: in working/, or anywhere below /kaggle/input
        raises: InputError where there is none
        """
        places = find_places(kaggle=kaggle)
        folders = [working] if working else folders_of(places)
        rows = find_new_rows(data, places, folders, partial(say, make_console(), style="yellow"))
        if rows is None:
            raise InputError("no blend was trained on these training rows: train one with ./run.sh")
        return cls(rows, device)

    def predict_proba(self, cells: Mapping[str, Iterable[Any]]) -> np.ndarray:
        """float32 [c]: what the blend predicts, in the order of the competition's classes.

        cells: {column of the test file: its values}: one value each, or one for each step where the
            file has a row per step; a data frame of pandas or polars is such a mapping. Texts are
            as the file writes them: 007 is not 7
        raises: InputError where columns are missing, or these are several rows
        """
        row = self._encode(cells)
        found = {job: self._predict(job, row) for job in self._jobs}
        return self._rows.trained.combine(self._fits, found)[0]

    def predict(self, cells: Mapping[str, Iterable[Any]]) -> list[str]:
        """The row's fields of a submission after its id: the class, or a number per column."""
        competition = self._rows.competition
        array = self.predict_proba(cells)[None]
        return answers(competition.form, competition.task.columns, array)[0]

    def _encode(self, cells: Mapping[str, Iterable[Any]]) -> EncodedRows:
        """The one row of these cells."""
        tokenizer = self._rows.tokenizer
        table = make_table("row", {name: cells[name] for name in _names(cells)})
        missing = tokenizer.missing(table, features=True)
        if missing:
            raise InputError(f"the row lacks the columns {', '.join(missing)} of the test file")
        table = tokenizer.arrange(table)
        if len(table) != 1:
            raise InputError(f"expected one row, or the steps of one, got {len(table)} rows")
        return self._rows.encode(table)

    def _predict(self, job: Job, row: EncodedRows) -> np.ndarray:
        """float32 [1, c]: what the member of a unit predicts for one row."""
        member = self._members[job]
        if row.new_tokens and isinstance(member, LinearMember):
            member = restore_member(job, self._device, row.new_tokens)
            return member.predict(row.sequences)
        known = len(self._rows.trained.competition.view.lexicon)
        tokens = np.minimum(row.sequences.tokens, known)
        return member.predict(dataclasses.replace(row.sequences, tokens=tokens))


def _names(cells: Mapping[str, Iterable[Any]]) -> list[str]:
    """The columns of a mapping or a data frame."""
    return list(cells.columns if hasattr(cells, "columns") else cells)
