"""Duplicates within and across train and test: how many, do labels agree, group them or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from seqblend.data.folds import number_sequences
from seqblend.data.minhash import number_near
from seqblend.data.pairs import PairRatio, compare_pairs
from seqblend.data.sequences import Competition, SequenceSet
from seqblend.evaluation.check import Check, Estimate, plain_text, share_text
from seqblend.evaluation.intervals import wilson_interval

KEPT = 2 / 3  # duplicates are kept where test rows surely have as many as this, of 1
MANY = 0.01  # share of training rows from which near duplicates across folds flatter


@dataclass(frozen=True)
class Duplicates:
    """Rows that are like another one.

    repeated: training rows like an earlier training row; known: test rows like a training row
    conflicting: training rows like one of another label; examples: row pairs of such
    ratio: pairs of a training and a test row over pairs of two training rows, by chance 1
    """

    repeated: int
    known: int
    conflicting: int
    examples: list[tuple[int, int]]
    ratio: PairRatio | None

    @property
    def are_shared(self) -> bool:
        """Whether test rows have duplicates among the training rows as often as these do."""
        return self.ratio is not None and self.ratio.high >= 1 and self.ratio.low > KEPT


def count_duplicates(numbers: np.ndarray, labels: np.ndarray, *, examples: int = 5) -> Duplicates:
    """Duplicates among training rows, which come first, and test rows.

    numbers: int64 [n + m], equal for rows that are alike; labels: int64 [n], of training rows
    """
    n = len(labels)
    train, is_test = numbers[:n], np.arange(len(numbers)) >= n
    order = np.lexsort((labels, train))
    is_pair = train[order[1:]] == train[order[:-1]]
    is_torn = is_pair & (labels[order[1:]] != labels[order[:-1]])
    torn = np.stack([order[:-1], order[1:]], axis=1)[is_torn]
    return Duplicates(
        repeated=int(is_pair.sum()),
        known=int(np.isin(numbers[n:], train).sum()),
        conflicting=int(np.isin(train, train[torn[:, 0]]).sum()),
        examples=[(int(one), int(other)) for one, other in torn[:examples]],
        ratio=_compare(numbers, is_test),
    )


def _compare(numbers: np.ndarray, is_test: np.ndarray) -> PairRatio | None:
    """The ratio over numbers that several rows have."""
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
    """Rows with the same sequence. fold: int64 [n_train], which may separate them."""
    numbers = number_sequences(train_and_test(competition))
    return _check("exact duplicates", "equal sequences", numbers, competition, fold)


def check_near(competition: Competition, fold: np.ndarray) -> Check:
    """Rows with nearly the same sequence. fold: int64 [n_train], which may separate them."""
    numbers = number_near(train_and_test(competition))
    what = "rows that share 80 % of their n-grams"
    return _check("near duplicates", what, numbers, competition, fold)


def _check(
    name: str, what: str, numbers: np.ndarray, competition: Competition, fold: np.ndarray
) -> Check:
    """One kind of duplicates as a check."""
    n, m = len(competition.train_ids), len(competition.test_ids)
    found = count_duplicates(numbers, competition.labels)
    low, high = wilson_interval(np.array(found.repeated), np.array(n))
    share = Estimate(found.repeated / n, float(low), float(high))
    rate = f"; train-test over train-train pairs {plain_text(found.ratio)}" if found.ratio else ""
    is_whole = len(np.unique(np.stack([numbers[:n], fold]), axis=1).T) == len(
        np.unique(numbers[:n])
    )
    means, advice, is_flagged = _judge(found, share.value, is_kept_whole=is_whole)
    names = competition.train_ids
    return Check(
        name, f"{what}, within train and with test",
        f"{found.repeated:,} train rows ({share_text(share)}); {found.known:,} of {m:,} "
        f"test rows are in train; {found.conflicting:,} with labels that differ{rate}",
        means, advice, is_flagged, share.value, share.low, share.high,
        {"repeated": found.repeated, "known": found.known, "conflicting": found.conflicting,
         "shared_alike": found.are_shared,
         "examples": [[names[one], names[other]] for one, other in found.examples]},
    )  # fmt: skip


def _judge(found: Duplicates, share: float, *, is_kept_whole: bool) -> tuple[str, str, bool]:
    """(what it means, what to do, is it a flag)."""
    if not found.repeated:
        return "nothing to do", "", False
    where = "they share a fold" if is_kept_whole else "some lie in different folds"
    if found.are_shared:
        means = f"test rows have theirs in train as often as training rows do; {where}"
        return (
            means,
            "--set folds.groups=auto keeps them as they fall" if is_kept_whole else "",
            False,
        )
    if found.ratio is None or found.ratio.high >= 1:
        return f"too few to tell whether test rows have theirs in train; {where}", "", False
    is_flag = share > MANY and not is_kept_whole
    advice = "--set folds.groups=auto groups them" if is_flag else ""
    return (
        f"test rows have theirs in train less often than training rows do; {where}",
        advice,
        is_flag,
    )
