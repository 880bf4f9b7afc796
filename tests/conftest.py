"""Shared by all tests: small competitions, made here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import seqblend  # noqa: F401  process settings before torch
from seqblend.data.sequences import SequenceSet, View
from seqblend.tasks.single_label import SingleLabel

pytest_plugins = ["fault_matrix"]
REPOSITORY = Path(__file__).resolve().parents[1]


class Touch:
    """A pickle of this makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def sequence_set(rows: list[list[int]]) -> SequenceSet:
    """A SequenceSet from lists."""
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return SequenceSet.from_offsets(np.concatenate(rows).astype(np.int32), offsets)


def classes_of(count: int) -> SingleLabel:
    """The task of telling so many classes apart: 0, 1, ..."""
    return SingleLabel(tuple(map(str, range(count))))


def view_of(size: int, sequences: SequenceSet | None = None) -> View:
    """A view of `size` tokens that are words: t00, t01, ..."""
    if sequences is None:
        sequences = sequence_set([list(range(size))])
    return View("words", sequences, [f"t{i:02d}" for i in range(size)])


def write_competition(
    folder: Path, *, n_train: int = 60, n_test: int = 20, seed: int = 0, share: float = 0.6
) -> Path:
    """Three classes told apart by a token of their own (this share of a row); JSON as usual."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    labels = rng.permutation(np.arange(n_train + n_test) % 3)

    def tokens(label: int) -> list[int]:
        length = int(rng.integers(3, 15))
        own = rng.random(length) < share
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


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small competition's folder, which no test changes."""
    return write_competition(tmp_path_factory.mktemp("competitions") / "tiny")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A copy of the code: what its scripts write lands beside it, not in this repository."""
    shutil.copytree(REPOSITORY / "src", tmp_path / "house" / "src")
    (tmp_path / "house" / "input").mkdir()
    return tmp_path / "house"


@pytest.fixture
def competition_folder(tmp_path: Path) -> Path:
    """A small competition's folder, for a test that changes its files."""
    return write_competition(tmp_path / "tiny")
