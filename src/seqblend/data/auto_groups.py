"""folds.groups=auto: groups that make validation rows as unrelated to training as test rows are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from seqblend.core.config import FoldConfig
from seqblend.data.duplicates import count_duplicates, train_and_test
from seqblend.data.families import are_families_apart, find_families, measure_families
from seqblend.data.folds import join_keys, number_sequences
from seqblend.data.minhash import number_near
from seqblend.data.sequences import Competition


def resolve_groups(
    competition: Competition, config: FoldConfig, note: Callable[[str], None]
) -> tuple[FoldConfig, np.ndarray | None]:
    """(fold settings, groups int64 [n_train] or None) for make_folds; `note` gets the reason.

    Groups and folds from columns of the data take precedence.
    """
    if config.groups != "auto":
        return _resolve_by_sequence(competition, config, note), competition.groups
    if competition.groups is not None or competition.folds is not None:
        note("folds.groups=auto is ignored: the data has a group or fold column, which is used")
        return config, competition.groups
    config, groups = _resolve_duplicates(competition, config, note)
    ratio = measure_families(competition)
    if not are_families_apart(ratio):
        note("folds.groups=auto: no groups, test rows are as related to train rows as these are")
        return config, groups
    families = find_families(competition)
    shared = int((np.bincount(families)[families] > 1).sum())
    note(
        f"folds.groups=auto: a train and a test row share rare tokens {ratio.value:.2f} times as "
        f"often as two train rows do: {shared:,} rows are kept in a fold with their relatives"
    )
    return config, families if groups is None else join_keys(families, groups)


def _resolve_by_sequence(
    competition: Competition, config: FoldConfig, note: Callable[[str], None]
) -> FoldConfig:
    """Fold settings with folds.by_sequence resolved: duplicates as test rows have them."""
    if config.by_sequence != "auto" or competition.folds is not None:
        return config
    numbers = number_sequences(train_and_test(competition))
    found = count_duplicates(numbers, competition.task.strata(competition.targets))
    if not found.are_shared:
        return replace(config, by_sequence="true")
    note(
        f"folds: {found.known:,} test rows repeat a train row, as often as train rows repeat each "
        "other: identical sequences may lie in different folds (neither: "
        "--set folds.by_sequence=true)"
    )
    return replace(config, by_sequence="false")


def _resolve_duplicates(
    competition: Competition, config: FoldConfig, note: Callable[[str], None]
) -> tuple[FoldConfig, np.ndarray | None]:
    """Near duplicates as groups; no groups at all where test rows have duplicates in train too."""
    numbers = number_near(train_and_test(competition))
    found = count_duplicates(numbers, competition.task.strata(competition.targets))
    if not found.repeated:
        return config, None
    if found.are_shared:
        note(
            "folds.groups=auto: test rows have duplicates in train as often as train rows do, "
            "so duplicates are not kept in one fold"
        )
        return replace(config, by_sequence="false"), None
    note(f"folds.groups=auto: {found.repeated:,} near duplicates are kept in one fold")
    return config, numbers[: len(competition.train_ids)]
