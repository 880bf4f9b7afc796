"""Small fits: one network alone, and every member under one contract."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from conftest import classes_of, sequence_set, view_of

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.data.sequences import SequenceSet, View
from seqblend.models.recurrent import RecurrentOptions
from seqblend.models.registry import entries, entry_for, resolve_options
from seqblend.training.batching import DeviceSequences
from seqblend.training.contract import Context, Rows
from seqblend.training.fitting import FitSetting, TargetRows

CPU = torch.device("cpu")
SMALL = RecurrentOptions(width=8, hidden=8)
SOFTMAX = classes_of(2).objective_from_arrays({})


def make_rows(n=48, seed=0):
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 2).astype(np.int64)
    rows = [[int(k) + 2, *rng.integers(4, 9, rng.integers(0, 12)).tolist()] for k in labels]
    on_device = DeviceSequences(sequence_set(rows), np.arange(9), VocabularyConfig(), CPU)
    return TargetRows(on_device, labels)


def make_setting(**changes):
    config = TrainConfig(steps_per_epoch=4, warmup=2, precision="float32", **changes)
    return FitSetting(config, classes_of(2), 4, 0, 0, CPU, lambda _: None)


NAMES = sorted(entries())
MODULES = [name for name in NAMES if entry_for(name).kind == "module"]
OPTIONS = {
    "options": {
        "width": 16,
        "hidden": 16,
        "dropout": 0.0,
        "embedding_dropout": 0.0,
        "word_dropout": 0.0,
    }
}
CODONS = [  # of twelve amino acids
    *("GCT", "TGC", "GAC", "GAA", "TTC", "GGC"),
    *("CAC", "ATC", "AAG", "CTG", "ATG", "AAC"),
]
TRAIN = TrainConfig(lr=0.02, epochs=12, warmup=5, steps_per_epoch=8, precision="float32")


def draw(n=60, seed=0, classes=3):
    """Rows whose class is which of a few tokens they hold; lengths 1 to 30."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    rows = [
        [int(label), *rng.integers(classes, 12, rng.integers(0, 30)).tolist()] for label in labels
    ]
    return Rows(sequence_set(rows), labels.astype(np.int64))


def with_steps(sequences):
    """The rows with real-valued steps beside them: whether a token is the first, second, third."""
    tokens, offsets = sequences.flat()
    steps = SequenceSet.from_offsets(np.eye(24, dtype=np.float32)[tokens, :3], offsets)
    return SequenceSet.from_offsets(tokens, offsets, steps)


def draw_for(name, n=60, seed=0, classes=3):
    """The rows of `draw`; for models on nucleotides each token is a codon, for others steps."""
    rows = draw(n, seed, classes)
    if entry_for(name).reads_steps:
        return Rows(with_steps(rows.sequences), rows.targets)
    if entry_for(name).views != ("chars",):
        return rows
    tokens, offsets = rows.sequences.flat()
    bases = np.array([["ACGT".index(base) for base in codon] for codon in CODONS])[tokens].ravel()
    return Rows(SequenceSet.from_offsets(bases.astype(np.int32), 3 * offsets), rows.targets)


def view_for(name):
    """What those rows are cut into."""
    if entry_for(name).views != ("chars",):
        return view_of(12)
    return View("chars", sequence_set([[0, 1, 2, 3]]), list("ACGT"))


def make_context(name, *, classes=3, **changes):
    base = Context(
        entry_for(name),
        resolve_options(name, OPTIONS),
        TRAIN,
        VocabularyConfig(min_count=1),
        classes_of(classes),
        view_for(name),
        0,
        0,
        TRAIN.epochs,
        CPU,
        lambda _: None,
    )
    return dataclasses.replace(base, **changes)
