"""Small competitions whose faults are known, for the tests of the diagnosis."""

from __future__ import annotations

import numpy as np
from conftest import classes_of, sequence_set

from seqblend.data.sequences import Competition, SubmissionForm, View


def competition_of(
    train: list[list[int]],
    test: list[list[int]],
    labels: list[int] | np.ndarray,
    *,
    ids: list[str] | None = None,
    groups: np.ndarray | None = None,
) -> Competition:
    """Rows of token numbers as a competition; token k is called `tk`."""
    rows = sequence_set([*map(list, train), *map(list, test)])
    labels = np.asarray(labels, dtype=np.int64)
    test_ids = [f"x{i}" for i in range(len(test))]
    lexicon = [f"t{k}" for k in range(int(rows.tokens.max()) + 1)]
    return Competition(
        name="toy",
        task=classes_of(int(labels.max()) + 1),
        targets=labels,
        test_ids=test_ids,
        train_ids=ids or [f"r{i}" for i in range(len(train))],
        views={"words": View("words", rows, lexicon)},
        metric="accuracy",
        form=SubmissionForm("id", ("label",), "labels", test_ids),
        groups=groups,
    )


def draw_families(
    rng: np.random.Generator, *, families: int = 60, size: int = 8, names: int = 6
) -> tuple[list[list[int]], np.ndarray]:
    """(rows, family int64 [n]): 20 common tokens a row and 4 of the family's own names."""
    family = np.repeat(np.arange(families), size)
    own = 100 + names * family[:, None] + rng.integers(0, names, (len(family), 4))
    rows = np.concatenate([rng.integers(0, 100, (len(family), 20)), own], axis=1)
    return rows.tolist(), family
