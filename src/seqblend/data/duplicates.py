"""Duplicates within and between train and test: how many, whether labels agree, what to do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seqblend.data.folds import number_sequences
from seqblend.data.minhash import number_near
from seqblend.data.pairs import compare_pairs
from seqblend.data.sequences import Competition, SequenceSet
from seqblend.evaluation.check import Check
from seqblend.evaluation.intervals import Estimate

KEPT = 2 / 3  # test rows share duplicates with train: the ratio's interval lies above this
_EXAMPLES = 5  # pairs of rows that disagree on the label, for the report
MANY = 0.01  # share of duplicated training rows from which the score may be too optimistic


@dataclass(frozen=True)
class Duplicates:
    """Counts of rows that duplicate another one.

    repeated: training rows that duplicate an earlier one; known: test rows that duplicate a
        training row
    conflicting: training rows with a duplicate of another label (stratum); examples: such pairs
    ratio: duplicate pairs train-test over train-train; 1 for a random split
    """

    repeated: int
    known: int
    conflicting: int
    examples: list[tuple[int, int]]
    ratio: Estimate | None

    @property
    def are_shared(self) -> bool:
        """Whether test rows have duplicates among the training rows as often as these do."""
        return self.ratio is not None and self.ratio.high >= 1 and self.ratio.low > KEPT


def count_duplicates(numbers: np.ndarray, strata: np.ndarray) -> Duplicates:
    """Duplicates among training rows, which come first, and test rows.

    numbers: int64 [n + m], equal for duplicates; strata: int64 [n], of training rows
    """
    n = len(strata)
    train, is_test = numbers[:n], np.arange(len(numbers)) >= n
    order = np.lexsort((strata, train))
    is_pair = train[order[1:]] == train[order[:-1]]
    is_torn = is_pair & (strata[order[1:]] != strata[order[:-1]])
    torn = np.stack([order[:-1], order[1:]], axis=1)[is_torn]
    return Duplicates(
        repeated=int(is_pair.sum()),
        known=int(np.isin(numbers[n:], train).sum()),
        conflicting=int(np.isin(train, train[torn[:, 0]]).sum()),
        examples=[(int(one), int(other)) for one, other in torn[:_EXAMPLES]],
        ratio=_compare(numbers, is_test),
    )


def _compare(numbers: np.ndarray, is_test: np.ndarray) -> Estimate | None:
    """The ratio over the numbers that occur more than once."""
    numbers = np.unique(numbers, return_inverse=True)[1].reshape(-1)
    many = np.flatnonzero(np.bincount(numbers) > 1)
    ones = np.ones(len(numbers), dtype=np.float32)
    held = sparse.csr_matrix((ones, numbers, np.arange(len(numbers) + 1)))
    return compare_pairs(held[:, many], is_test) if len(many) else None


def train_and_test(competition: Competition) -> SequenceSet:
    """The training rows, then the test rows."""
    count = len(competition.train_ids) + len(competition.test_ids)
    return competition.view.sequences.take(slice(0, count))


def check_exact(competition: Competition, fold: np.ndarray) -> Check:
    """Rows with the same sequence. fold: int64 [n_train]."""
    numbers = number_sequences(train_and_test(competition))
    return _check("exact duplicates", "rows with identical sequences", numbers, competition, fold)


def check_near(competition: Competition, fold: np.ndarray) -> Check:
    """Rows with nearly the same sequence. fold: int64 [n_train]."""
    numbers = number_near(train_and_test(competition))
    description = "rows that share at least 80 % of their n-grams (MinHash, Jaccard)"
    return _check("near duplicates", description, numbers, competition, fold)


def _check(
    name: str, description: str, numbers: np.ndarray, competition: Competition, fold: np.ndarray
) -> Check:
    """One kind of duplicates as a check. numbers: int64 [n + m], equal for duplicates."""
    n, m = len(competition.train_ids), len(competition.test_ids)
    task = competition.task
    found = count_duplicates(numbers, task.strata(competition.targets))
    share = Estimate.share(found.repeated, n)
    pairs = np.unique(np.stack([numbers[:n], fold]), axis=1)
    is_kept_whole = pairs.shape[1] == len(np.unique(numbers[:n]))
    means, advice = _interpret(found, is_many=share.value > MANY, is_kept_whole=is_kept_whole)
    figure = (
        f"{found.repeated:,} train rows ({share.percent()}); {found.known:,} of {m:,} test rows "
        f"have a duplicate in train; {found.conflicting:,} train rows with conflicting "
        f"{task.strata_name[1]}"
    )
    if found.ratio:
        figure += f"; train-test over train-train pairs: {found.ratio.text()}"
    ids = competition.train_ids
    examples = [[ids[one], ids[other]] for one, other in found.examples]
    is_flagged = bool(advice) and not found.are_shared
    details = {"conflicting": examples}
    return Check(name, description, figure, means, advice, is_flagged, share, details)


def _interpret(found: Duplicates, *, is_many: bool, is_kept_whole: bool) -> tuple[str, str]:
    """(what the duplicates mean for the cross-validated score, what to do)."""
    if not found.repeated:
        return "no duplicates", ""
    where = "each set is in one fold" if is_kept_whole else "some are in different folds"
    if found.are_shared:
        advice = "--set folds.groups=auto spreads them over the folds" if is_kept_whole else ""
        return f"test rows have duplicates in train as often as train rows do; {where}", advice
    if found.ratio is None or found.ratio.high >= 1:
        return f"too few to say whether test rows have duplicates in train as often; {where}", ""
    means = f"test rows have duplicates in train less often than train rows do; {where}"
    if is_many and not is_kept_whole:
        return f"{means}: the score is too optimistic", "--set folds.groups=auto groups them"
    return means, ""
