"""Folds: a stratified partition that keeps groups and identical sequences whole."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from seqblend.core.config import FoldConfig
from seqblend.core.errors import FlagError, InputError
from seqblend.data.fold_files import folds_digest, folds_name, read_folds, write_folds
from seqblend.data.folds import inner_split, join_keys, make_folds, number_sequences, split
from seqblend.data.sequences import SequenceSet
from seqblend.data.stratify import stratified_group_split


def sequences_of(*rows: list[int]) -> SequenceSet:
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    return SequenceSet.from_offsets(np.concatenate(rows).astype(np.int32), offsets)


def spread(fold: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """[k, c]: rows of each class in each fold."""
    return np.stack(
        [np.bincount(labels[fold == part], minlength=labels.max() + 1) for part in range(k)]
    )


def ragged_labels(n: int = 503, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(4, n, p=[0.6, 0.25, 0.1, 0.05])


@pytest.mark.parametrize("count", [2, 5, 10])
def test_sizes_and_class_counts_differ_by_at_most_one(count):
    labels = ragged_labels()
    fold = make_folds(labels, None, FoldConfig(count=count)).fold
    counts = spread(fold, labels, count)
    assert counts.sum() == len(labels)
    assert np.ptp(counts, axis=0).max() <= 1
    assert np.ptp(counts.sum(1)) <= 1


def test_the_seed_alone_decides():
    labels = ragged_labels()
    first, again, other = (make_folds(labels, None, FoldConfig(seed=s)).fold for s in (1, 1, 2))
    assert folds_digest(first) == folds_digest(again) != folds_digest(other)


def test_train_and_validation_rows_are_a_partition():
    folds = make_folds(ragged_labels(), None, FoldConfig(count=3))
    train, valid = split(folds.fold, 1)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, valid])), np.arange(503))
    assert (folds.fold[valid] == 1).all()
    assert folds.count == 3


@pytest.mark.parametrize("index", ["shuffled", "gaps", "text"])
def test_a_frame_with_any_index_gives_the_folds_of_a_clean_one(index):
    clean = pd.DataFrame({"label": ragged_labels(60)})
    n = len(clean)
    frame = clean.set_index(
        pd.Index(
            {
                "shuffled": np.random.default_rng(0).permutation(n),
                "gaps": np.arange(n) * 7 + 100,
                "text": [f"row {i}" for i in range(n)],
            }[index]
        )
    )
    ours = make_folds(frame["label"].to_numpy(), None, FoldConfig())
    np.testing.assert_array_equal(
        ours.fold, make_folds(clean["label"].to_numpy(), None, FoldConfig()).fold
    )
    train, valid = split(ours.fold, 0)
    assert len(frame.iloc[train]) + len(frame.iloc[valid]) == n


@pytest.mark.fault("K1")
def test_identical_sequences_share_a_fold_and_conflicts_are_counted():
    rows = [[i % 20, 1] for i in range(60)]  # 20 sequences, 3 times each
    labels = np.arange(60) % 2
    labels[20] = 1 - labels[20]  # one copy of sequence 0 disagrees
    folds = make_folds(labels, sequences_of(*rows), FoldConfig(count=4))
    assert folds.duplicates == 40
    assert folds.conflicting == 3
    assert all(len(set(folds.fold[i::20])) == 1 for i in range(20))
    assert "40 rows repeat" in folds.notes[0]


def test_identical_sequences_may_be_told_apart():
    sequences = sequences_of(*[[7]] * 10)
    folds = make_folds(np.arange(10) % 2, sequences, FoldConfig(count=5, by_sequence="false"))
    np.testing.assert_array_equal(np.bincount(folds.fold), [2] * 5)
    assert folds.duplicates == 9


def test_sequences_are_numbered_by_content_and_not_by_where_they_lie():
    sequences = sequences_of([1, 2], [1], [2, 1], [1, 2], [1], [1, 2, 0])
    np.testing.assert_array_equal(number_sequences(sequences), [0, 1, 2, 0, 1, 3])
    backwards = sequences.take(np.arange(6)[::-1])
    np.testing.assert_array_equal(number_sequences(backwards), [0, 1, 2, 3, 1, 2])


@pytest.mark.fault("K1")
def test_groups_stay_whole_and_balanced():
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 120, 1_000)
    labels = ragged_labels(1_000)
    fold = make_folds(labels, None, FoldConfig(count=5), groups=groups).fold
    assert all(len(set(fold[groups == g])) == 1 for g in np.unique(groups))
    counts = spread(fold, labels, 5)
    assert np.ptp(counts.sum(1)) <= 10
    np.testing.assert_allclose(counts / counts.sum(0), 0.2, atol=0.05)


def test_rows_linked_through_a_group_and_a_sequence_get_one_key():
    keys = join_keys(np.array([0, 1, 1, 2, 3]), np.array([5, 5, 6, 6, 9]))
    np.testing.assert_array_equal(keys, [0, 0, 0, 0, 1])


def test_no_fold_is_empty_where_there_are_enough_groups():
    for seed in range(200):
        rng = np.random.default_rng(seed)
        count, n = int(rng.integers(2, 6)), int(rng.integers(6, 25))
        keys = np.unique(rng.integers(0, n, n), return_inverse=True)[1]
        fold = stratified_group_split(rng.integers(0, 3, n), keys, count, rng)
        assert len(np.unique(fold)) == min(count, keys.max() + 1)


@pytest.mark.fault("L4")
def test_a_class_smaller_than_the_folds_is_listed_and_stays_in_training():
    labels = np.array([0] * 50 + [1] * 3 + [2] * 2)
    folds = make_folds(labels, None, FoldConfig(count=5), classes=("big", "few", "two"))
    assert (folds.fold >= 0).all()
    for k in range(5):
        train, _ = split(folds.fold, k)
        assert set(labels[train]) == {0, 1, 2}
    assert folds.notes == ["2 classes have fewer rows than the 5 folds: few (3), two (2)"]


def test_rare_strata_are_called_as_the_task_calls_its_classes_or_not_at_all():
    labels, words = np.array([0] * 50 + [1] * 8 + [2] * 2), ("grade", "grades")
    graded = make_folds(
        labels, None, FoldConfig(count=5), classes=("1", "2", "3"), class_name=words
    )
    assert graded.notes == ["1 grade has fewer rows than the 5 folds: 3 (2)"]
    assert make_folds(labels, None, FoldConfig(count=5)).notes == []  # strata without names


def test_one_fold_is_a_stratified_hold_out_of_a_fifth():
    labels = np.array([0] * 80 + [1] * 20)
    folds = make_folds(labels, None, FoldConfig(count=1))
    np.testing.assert_array_equal(np.bincount(labels[folds.fold == 0]), [16, 4])
    assert (folds.fold == -1).sum() == 80
    assert folds.count == 1


def test_a_hold_out_never_takes_all_rows_of_a_class():
    for seed in range(20):
        labels = np.array([0] * 10 + [1, 2, 3])
        train, valid = split(make_folds(labels, None, FoldConfig(count=1, seed=seed)).fold, 0)
        assert set(labels[train]) == {0, 1, 2, 3}
        assert len(valid)


def test_given_folds_are_used_as_they_are():
    labels = np.arange(6) % 2
    folds = make_folds(labels, None, FoldConfig(), given=np.array([0, 1, 2, 0, 1, -1]))
    np.testing.assert_array_equal(folds.fold, [0, 1, 2, 0, 1, -1])
    renumbered = make_folds(labels, None, FoldConfig(), given=np.array([10, 20, 10, 20, 10, 20]))
    np.testing.assert_array_equal(renumbered.fold, [0, 1, 0, 1, 0, 1])


def test_given_folds_that_tear_a_group_are_noted():
    folds = make_folds(
        np.array([0, 1, 0, 1]),
        None,
        FoldConfig(),
        groups=np.array([0, 0, 1, 1]),
        given=np.array([0, 1, 1, 1]),
    )
    assert folds.notes == ["the given folds separate 2 rows that share a group or a sequence"]


@pytest.mark.fault("L3")
def test_what_cannot_be_folded_is_refused_with_its_numbers():
    labels = np.arange(8) % 2
    with pytest.raises(InputError, match=r"at least 2 classes, but all 8 rows .*data\.target"):
        make_folds(np.zeros(8, int), None, FoldConfig())
    with pytest.raises(InputError, match=r"8 training rows cannot make 9 folds\. Lower --folds"):
        make_folds(labels, None, FoldConfig(count=9))
    with pytest.raises(InputError, match=r"fall into 3 groups .* too few for 4 folds"):
        make_folds(labels, None, FoldConfig(count=4), groups=np.arange(8) % 3)
    with pytest.raises(InputError, match=r"data\.fold.* needs at least 2 different values.*only 4"):
        make_folds(labels, None, FoldConfig(), given=np.full(8, 4))
    with pytest.raises(FlagError, match="--folds expects a number from 1 on, got 0"):
        make_folds(labels, None, FoldConfig(count=0))
    with pytest.raises(InputError, match="hold-out of 20 %"):
        make_folds(np.array([0, 1]), None, FoldConfig(count=1))


def test_the_inner_split_stays_inside_its_rows_and_keeps_groups_whole():
    labels = ragged_labels(200)
    groups = np.arange(200) // 2
    rows = np.arange(0, 160)[::-1]
    train, valid = inner_split(labels, rows, 0, groups)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, valid])), np.arange(160))
    assert not set(groups[train]) & set(groups[valid])
    assert 28 <= len(valid) <= 36
    again = inner_split(labels, rows, 0, groups)
    np.testing.assert_array_equal(valid, again[1])
    assert not np.array_equal(valid, inner_split(labels, rows, 1, groups)[1])


def test_the_digest_reads_values_and_not_their_type():
    fold = np.array([0, 1, -1])
    assert folds_digest(fold) == folds_digest(fold.astype(np.int32))
    assert folds_digest(fold) != folds_digest(fold[::-1])


def test_a_hundred_thousand_rows_are_folded_in_seconds():
    rng = np.random.default_rng(0)
    n = 100_000
    sequences = SequenceSet(
        rng.integers(0, 50, n + 9).astype(np.int32), np.arange(n), np.full(n, 9)
    )
    start = time.perf_counter()
    make_folds(rng.integers(0, 5, n), sequences, FoldConfig(), groups=np.arange(n) // 2)
    assert time.perf_counter() - start < 10  # 0.4 s alone; the machine may be busy


def swap(path, array):
    """Two entries that differ change places: still folds, still as many of each."""
    other = int(np.flatnonzero(array != array[0])[0])
    array[[0, other]] = array[[other, 0]]
    np.save(path, array)


def flip(path, _):
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)


def truncate(path, _):
    path.write_bytes(path.read_bytes()[:-5])


@pytest.mark.parametrize("kind", ["folds", "keys"])
@pytest.mark.parametrize("damage", [swap, flip, truncate])
def test_damaged_folds_are_refused_where_read_and_made_again_where_written(tmp_path, kind, damage):
    folds = make_folds(np.arange(30) % 3, None, FoldConfig(count=3))
    name = folds_name(folds.fold, folds.keys)
    write_folds(tmp_path, folds, name)
    path = tmp_path / f"{kind}-{name}.npy"
    before = path.read_bytes()
    damage(path, np.load(path))
    with pytest.raises(
        InputError, match=rf"digest {name}, found others|could only read|cannot resh"
    ):
        read_folds(tmp_path, name)
    notes = []
    write_folds(tmp_path, folds, name, notes.append)
    assert notes == [
        f"{path.name} does not match the digest in its name; set aside, and made again"
    ]
    assert path.read_bytes() == before
    assert path.with_name(f"{path.name}.corrupt").exists()
    fold, keys = read_folds(tmp_path, name)
    np.testing.assert_array_equal(fold, folds.fold)
    np.testing.assert_array_equal(keys, folds.keys)
