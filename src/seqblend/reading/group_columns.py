"""Proposes a column whose equal values stay in one fold: authors, subjects, essays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from seqblend.core.config import DataConfig
from seqblend.core.findings import Finding
from seqblend.core.seeds import rng_for
from seqblend.reading.assembling import Assembled
from seqblend.reading.schema import Schema

_FEWEST_GROUPS = 10
_LARGEST_SHARE = 0.2  # of the rows, in one group; larger ones cannot be split into folds
_DRAWS = 200  # permutations of the labels
_SURE = 4.0  # standard deviations by which labels agree within groups more than by chance


@dataclass(frozen=True)
class Grouping:
    """The column of groups, "" without one, and what the plan says of it."""

    column: str = ""
    findings: tuple[Finding, ...] = ()


def find_group(made: Assembled, schema: Schema, labels: np.ndarray, data: DataConfig) -> Grouping:
    """The user's column, else one whose values repeat in train and which test does not share.

    It has to matter: labels agree within its groups more than in permutations of the labels.
    labels: int64 [n]
    """
    if data.group:
        return Grouping("" if data.group == "none" else data.group)
    taken = {schema.target.name, *schema.sequence, *schema.target.parts, str(schema.id), data.fold}
    best: tuple[float, str, float, float, int] | None = None
    for name, cells in made.train.columns.items():
        if name in taken or name not in made.test.columns:
            continue
        if not all(isinstance(cell, str) and cell for cell in cells):
            continue
        codes, keys = pd.factorize(np.array(cells, dtype=object))
        if set(map(str, keys)) & set(map(str, made.test.columns[name])):
            continue
        sizes = np.bincount(codes)
        if len(keys) < _FEWEST_GROUPS or sizes.max() > _LARGEST_SHARE * len(codes):
            continue
        if len(keys) == len(codes):
            continue
        agreement, expected, error = _agreement(codes, labels)
        if error > 0 and agreement - expected > _SURE * error:
            score = (agreement - expected) / error
            if best is None or score > best[0]:
                best = (score, name, agreement, expected, len(keys))
    if best is None:
        return Grouping()
    _, name, agreement, expected, count = best
    why = (
        f"test has none of its {count:,} values, and rows of one share their label in "
        f"{agreement:.0%} of pairs ({expected:.0%} by chance): they stay in one fold, else the "
        "score would be too high"
    )
    return Grouping(name, (Finding("groups", name, "--set data.group=COLUMN|none", why),))


def _agreement(codes: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """(share of pairs within groups with one label, its mean and deviation for shuffled labels)."""
    rng = rng_for(0, "groups")
    sizes = np.bincount(codes)
    pairs = float((sizes * (sizes - 1)).sum())

    def share(values: np.ndarray) -> float:
        keys = codes.astype(np.int64) * (values.max() + 1) + values
        counts = np.unique(keys, return_counts=True)[1]
        return float((counts * (counts - 1)).sum()) / pairs

    drawn = [share(rng.permutation(labels)) for _ in range(_DRAWS)]
    return share(labels), float(np.mean(drawn)), float(np.std(drawn))
