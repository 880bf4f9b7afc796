"""folds.groups=auto: what the checks of the rows mean for the folds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seqblend.config import FoldConfig
from seqblend.diagnosis.families import are_families_apart, find_families, measure_families
from seqblend.sequences import Competition


def settle_groups(
    competition: Competition, config: FoldConfig, note: Callable[[str], None]
) -> tuple[FoldConfig, np.ndarray | None]:
    """(fold settings, groups int64 [n_train] or None) for make_folds; `note` is told what and why.

    Groups and folds that the competition's own columns give stand as they are.
    """
    if config.groups != "auto" or competition.groups is not None or competition.folds is not None:
        return config, competition.groups
    ratio = measure_families(competition)
    if not are_families_apart(ratio):
        note("folds.groups=auto: test rows share rare tokens as training rows do, so no groups")
        return config, None
    families = find_families(competition)
    shared = int((np.bincount(families)[families] > 1).sum())
    note(
        f"folds.groups=auto: training rows share rare tokens {ratio.value:.2f} times as often as "
        f"test rows do with them: {int(families.max()) + 1:,} families stay whole, {shared:,} rows "
        "have relatives"
    )
    return config, families
