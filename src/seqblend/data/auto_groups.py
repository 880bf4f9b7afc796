"""folds.groups=auto: folds whose validation rows are as new to training rows as test rows are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from seqblend.core.config import FoldConfig
from seqblend.data.duplicates import count_duplicates, train_and_test
from seqblend.data.families import are_families_apart, find_families, measure_families
from seqblend.data.folds import join_keys
from seqblend.data.minhash import number_near
from seqblend.data.sequences import Competition


def resolve_groups(
    competition: Competition, config: FoldConfig, note: Callable[[str], None]
) -> tuple[FoldConfig, np.ndarray | None]:
    """(fold settings, groups int64 [n_train] or None) for make_folds; `note` is told what and why.

    Groups and folds that the competition's own columns give stand as they are.
    """
    if config.groups != "auto":
        return config, competition.groups
    if competition.groups is not None or competition.folds is not None:
        note("folds.groups=auto is left out: the data's own groups or folds stand")
        return config, competition.groups
    config, groups = _resolve_duplicates(competition, config, note)
    ratio = measure_families(competition)
    if not are_families_apart(ratio):
        note("folds.groups=auto: test rows are as related to train rows as these to each other")
        return config, groups
    families = find_families(competition)
    shared = int((np.bincount(families)[families] > 1).sum())
    note(
        f"folds.groups=auto: a train and a test row share rare tokens {ratio.value:.2f} times as "
        f"often as two train rows do: {shared:,} rows share a fold with their relatives"
    )
    return config, families if groups is None else join_keys(families, groups)


def _resolve_duplicates(
    competition: Competition, config: FoldConfig, note: Callable[[str], None]
) -> tuple[FoldConfig, np.ndarray | None]:
    """Near duplicates as groups, or none, and equal sequences apart, where test rows share them."""
    numbers = number_near(train_and_test(competition))
    found = count_duplicates(numbers, competition.labels)
    if not found.repeated:
        return config, None
    if found.are_shared:
        note(
            "folds.groups=auto: test rows have duplicates among train rows as often as these do, "
            "so duplicates fall into any fold"
        )
        return replace(config, by_sequence=False), None
    note(f"folds.groups=auto: {found.repeated:,} near duplicates share a fold with their likes")
    return config, numbers[: len(competition.train_ids)]
