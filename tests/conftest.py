"""Shared by all tests: small competitions, made here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import seqblend  # noqa: F401  process settings before torch
from seqblend.sequences import SequenceSet

REPOSITORY = Path(__file__).resolve().parents[1]
FAST = [
    "--set", "train.epochs=2", "--set", "options.hidden=8", "--set", "options.width=8",
    "--set", "train.precision=float32",
]  # fmt: skip


def sequence_set(rows: list[list[int]]) -> SequenceSet:
    """A SequenceSet from lists."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return SequenceSet.from_offsets(np.concatenate(rows).astype(np.int32), offsets)


def write_competition(folder: Path, *, n_train: int = 60, n_test: int = 20, seed: int = 0) -> Path:
    """Three classes told apart by which token is frequent; JSON in the usual shape."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    labels = rng.permutation(np.arange(n_train + n_test) % 3)

    def tokens(label: int) -> list[int]:
        length = int(rng.integers(3, 15))
        own = rng.random(length) < 0.6
        return np.where(own, 100 + label, rng.integers(1, 40, length)).tolist()

    rows = [{"id": i, "sequence": tokens(label)} for i, label in enumerate(labels)]
    names = ["red", "green", "blue"]
    train = [row | {"label": names[label]} for row, label in zip(rows, labels, strict=True)]
    (folder / "train.json").write_text(json.dumps(train[:n_train]))
    (folder / "test.json").write_text(json.dumps(rows[n_train:]))
    sample = "id,label\n" + "".join(f"{row['id']},red\n" for row in rows[n_train:])
    (folder / "sample_submission.csv").write_text(sample)
    answers = zip(rows[n_train:], labels[n_train:], strict=True)
    solution = "id,label\n" + "".join(f"{row['id']},{names[k]}\n" for row, k in answers)
    (folder / "solution.csv").write_text(solution)
    return folder


def run_script(name: str, *flags: str, **environment: str) -> subprocess.CompletedProcess:
    """A script as a user starts it, in its own process."""
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "src" / name), *flags],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )


@pytest.fixture
def competition_folder(tmp_path: Path) -> Path:
    """A small competition's folder."""
    return write_competition(tmp_path / "tiny")
