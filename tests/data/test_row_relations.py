"""The checks of rows: what is planted is found, and what is drawn at random is not."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import sequence_set
from diagnosis_examples import competition_of, draw_families
from scipy import sparse

from seqblend.core.config import FoldConfig
from seqblend.data.auto_groups import resolve_groups
from seqblend.data.duplicates import Duplicates, check_near, count_duplicates
from seqblend.data.families import (
    are_families_apart,
    check_families,
    find_families,
    measure_families,
)
from seqblend.data.minhash import choose_order, hash_ngrams, number_near
from seqblend.data.pairs import compare_pairs
from seqblend.diagnosis.leaks import describe_ids, describe_order, measure_leak
from seqblend.diagnosis.shift import check_adversarial, check_unseen, unseen_by_chance
from seqblend.evaluation.intervals import Estimate


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def split_families(rng, *, by_family):
    """A competition whose test rows are other families, or rows drawn at random."""
    rows, family = draw_families(rng)
    is_test = family >= 40 if by_family else rng.permutation(family >= 40)
    train, test = ([rows[i] for i in np.flatnonzero(side)] for side in (~is_test, is_test))
    return competition_of(train, test, rng.integers(0, 2, len(train))), family[~is_test]


def test_the_ratio_of_pairs_is_what_counting_them_gives(rng):
    held = rng.random((40, 3)) < 0.4
    is_test = np.arange(40) >= 25
    a, b = held[~is_test].sum(0), held[is_test].sum(0)
    weight = 1 / (a + b - 1)
    within, across = (weight * a * (a - 1)).sum() / (25 * 24), (weight * a * b).sum() / (25 * 15)
    found = compare_pairs(sparse.csr_matrix(held.astype(np.float32)), is_test)
    assert found.value == pytest.approx(across / within)
    assert found.low < found.value < found.high


def test_the_ratio_is_1_on_the_mean_of_random_splits(rng):
    held = rng.random((60, 30)) < 0.15
    weight = 1 / np.maximum(held.sum(0) - 1, 1)
    within, across = [], []
    for _ in range(4_000):
        is_test = rng.permutation(np.arange(60) >= 40)
        a, b = held[~is_test].sum(0), held[is_test].sum(0)
        within.append((weight * a * (a - 1)).sum() / (40 * 39))
        across.append((weight * a * b).sum() / (40 * 20))
    assert np.mean(within) == pytest.approx(np.mean(across), rel=0.02)


def test_test_rows_of_other_families_raise_the_flag_and_random_ones_do_not(rng):
    apart, _ = split_families(rng, by_family=True)
    check = check_families(apart, are_folds_grouped=False)
    assert check.is_flagged
    assert check.estimate.high < 0.1
    assert "folds.groups=auto" in check.advice
    assert not check_families(apart, are_folds_grouped=True).is_flagged
    alike, _ = split_families(rng, by_family=False)
    check = check_families(alike, are_folds_grouped=False)
    assert not check.is_flagged
    assert check.estimate.low < 1 < check.estimate.high


def test_without_rare_tokens_families_cannot_be_told(rng):
    rows = rng.integers(0, 5, (400, 30)).tolist()
    check = check_families(
        competition_of(rows[:300], rows[300:], [0, 1] * 150), are_folds_grouped=False
    )
    assert (check.estimate, check.is_flagged) == (None, False)


def test_families_are_found_by_their_names(rng):
    competition, family = split_families(rng, by_family=True)
    found = find_families(competition)
    same = found[:, None] == found
    truth = family[:, None] == family
    assert (same & truth).sum() / truth.sum() > 0.5  # of relatives, those that are joined
    assert (same & truth).sum() / same.sum() > 0.9  # of joined rows, those that are relatives
    np.testing.assert_array_equal(found, find_families(competition))


def test_one_rare_token_in_common_makes_no_family():
    own = [[30 * k + i for i in range(20)] for k in range(60)]  # 60 families of 3 rows
    train = [[*names, 1_900 + k // 2] for k, names in enumerate(own) for _ in range(3)]
    found = find_families(competition_of(train, [[1_990]] * 180, [0, 1] * 90))
    np.testing.assert_array_equal(found, np.repeat(np.arange(60), 3))


def test_auto_groups_relatives_only_where_test_rows_have_none(rng):
    said = []
    apart, family = split_families(rng, by_family=True)
    config, groups = resolve_groups(apart, FoldConfig(groups="auto"), said.append)
    assert groups is not None
    assert config.by_sequence != "false"
    assert "relatives" in said[-1]
    assert len(np.unique(groups)) < len(family) / 2
    alike, _ = split_families(rng, by_family=False)
    assert resolve_groups(alike, FoldConfig(groups="auto"), said.append)[1] is None


def test_groups_of_the_competition_stand_whatever_auto_would_say(rng):
    rows, family = draw_families(rng, families=10)
    own = competition_of(rows[:60], rows[60:], [0, 1] * 30, groups=family[:60])
    said = []
    for setting in ("", "auto"):
        assert resolve_groups(own, FoldConfig(groups=setting), said.append)[1] is own.groups
    assert len(said) == 1
    assert "ignored" in said[0]


def test_duplicates_that_test_rows_share_fall_where_they_may_and_others_stay_together(rng):
    texts = rng.integers(0, 3_000, (300, 12)).tolist()
    shared = [texts[i] for i in rng.permutation(np.repeat(np.arange(300), 4))]
    said = []
    alike = competition_of(shared[:800], shared[800:], rng.integers(0, 2, 800))
    config, groups = resolve_groups(alike, FoldConfig(groups="auto"), said.append)
    assert (config.by_sequence, groups) == ("false", None)
    within = [texts[i] for i in np.repeat(np.arange(200), 4)]
    apart = competition_of(within, texts[200:] + texts[:5], rng.integers(0, 2, 800))
    config, groups = resolve_groups(apart, FoldConfig(groups="auto"), said.append)
    assert config.by_sequence != "false"
    assert len(np.unique(groups)) <= 200
    check = check_near(apart, np.arange(800) % 5)
    assert check.is_flagged
    assert check.figure.startswith("600 train rows")
    assert not check_near(apart, np.repeat(np.arange(200), 4) % 5).is_flagged


@pytest.mark.fault("K1", "K3")
def test_duplicates_are_counted_by_hand():
    numbers = np.array([0, 1, 0, 0, 2, 1, 3, 1, 9])  # six training rows, then three test rows
    found = count_duplicates(numbers, np.array([0, 1, 0, 1, 0, 1]))
    assert (found.repeated, found.known, found.conflicting) == (3, 1, 3)
    assert found.examples == [(2, 3)]


@pytest.mark.parametrize(
    ("low", "high", "are_shared"), [(0.8, 1.1, True), (0.8, 0.95, False), (0.3, 1.7, False)]
)
def test_duplicates_are_shared_where_the_ratio_is_surely_near_1(low, high, are_shared):
    ratio = Estimate((low + high) / 2, low, high)
    assert Duplicates(50, 50, 0, [], ratio).are_shared == are_shared
    assert not Duplicates(50, 0, 0, [], None).are_shared


def brute_force_groups(rows, order, least):
    """Groups linked by a Jaccard similarity of sets of tuples, one pair at a time."""
    grams = [
        {tuple(row[i : i + order]) for i in range(max(len(row) - order + 1, 1))} for row in rows
    ]
    group = list(range(len(rows)))
    for i in range(len(rows)):
        for j in range(i):
            if len(grams[i] & grams[j]) / len(grams[i] | grams[j]) >= least:
                old, new = group[i], group[j]
                group = [new if each == old else each for each in group]
    return np.array(group)


@pytest.mark.fault("K1")
def test_near_duplicates_are_those_that_comparing_all_pairs_finds(rng):
    rows = rng.integers(0, 500, (60, 40)).tolist()
    for k in range(20):  # copies with one to four tokens replaced, some below the threshold
        copy = list(rows[k])
        for place in rng.choice(40, 1 + k % 4, replace=False):
            copy[place] = 499 - copy[place]
        rows.append(copy[: 40 - k % 3])
    rows += [[3], [3], [3, 4], [4]]  # shorter than an n-gram
    found = number_near(sequence_set(rows))
    expected = brute_force_groups(rows, choose_order(sequence_set(rows)), 0.8)
    np.testing.assert_array_equal(found[:, None] == found, expected[:, None] == expected)


def test_four_letters_need_longer_ngrams_than_words(rng):
    letters = sequence_set(rng.integers(0, 4, (30, 500)).tolist())
    assert choose_order(letters) >= 9
    assert len(np.unique(number_near(letters))) == 30
    assert choose_order(sequence_set(rng.integers(0, 5_000, (30, 100)).tolist())) == 3


def test_hashes_of_ngrams_do_not_cross_rows():
    grams, offsets = hash_ngrams(sequence_set([[1, 2, 3, 4], [1, 2, 3], [5], [3, 4]]), 3)
    assert offsets.tolist() == [0, 2, 3, 4, 5]
    assert grams[0] == grams[2]
    assert len(np.unique(grams)) == 4


def test_a_sketch_is_of_the_set_whatever_the_chunk(rng, monkeypatch):
    rows = sequence_set(rng.integers(0, 50, (40, 12)).tolist() * 2)
    whole = number_near(rows)
    monkeypatch.setattr("seqblend.data.minhash._CHUNK", 7)
    np.testing.assert_array_equal(number_near(rows), whole)


@pytest.mark.fault("K3")
def test_a_label_is_read_from_an_id_that_holds_a_rating_and_from_sorted_rows(rng):
    labels = rng.integers(0, 2, 1_000)
    ratings = [f"{rng.integers(10**6)}_{rng.integers(1, 5) + 6 * label}" for label in labels]
    assert measure_leak(describe_ids(ratings), labels).low > 0.9
    folders = [f"{('neg', 'pos')[label]}/{i}.txt" for i, label in enumerate(labels)]
    assert measure_leak(describe_ids(folders), labels).low > 0.9
    assert measure_leak(describe_order(np.arange(1_000)), np.sort(labels)).low > 0.9
    assert measure_leak(describe_order(np.arange(1_000)), np.arange(1_000) % 5).low > 0.9


def test_no_label_is_read_from_numbers_drawn_at_random(rng):
    labels = rng.integers(0, 3, 1_000)
    for x in (describe_order(np.arange(1_000)), rng.normal(size=(1_000, 4))):
        assert measure_leak(x, labels).low < 0


def test_adversarial_validation_names_the_token_that_tells(rng):
    train, test = (rng.integers(0, 60, (n, 25)) for n in (400, 200))
    labels = rng.integers(0, 2, 400)
    alike = check_adversarial(competition_of(train.tolist(), test.tolist(), labels))
    assert alike.estimate.low < 0.55
    assert not alike.is_flagged
    test[:, 3] = 77
    told = check_adversarial(competition_of(train.tolist(), test.tolist(), labels))
    assert told.is_flagged
    assert told.estimate.low > 0.95
    assert told.details["tokens"][0] == ["t77", 0.0, 1.0]


def test_unseen_tokens_by_chance_are_those_of_random_splits(rng):
    held = rng.random((30, 80)) < rng.random(80) * 0.2
    shares = []
    for _ in range(3_000):
        is_test = rng.permutation(np.arange(30) >= 20)
        shares.append(held[is_test][:, ~held[~is_test].any(0)].sum() / 10)
    expected = unseen_by_chance(held.sum(0), 20, 10) * held.sum() / 30
    assert np.mean(shares) == pytest.approx(expected, rel=0.03)
    assert unseen_by_chance(np.array([1]), 2, 1) == pytest.approx(1.0)


def test_unseen_tokens_are_counted_once_a_row():
    competition = competition_of([[0, 1], [1, 2]], [[0, 9, 9], [1, 2]], [0, 1])
    check = check_unseen(competition)
    assert check.estimate.value == pytest.approx(1 / 4)
    assert check.details["rows"] == 1


def test_families_measure_of_a_split_is_none_or_a_number(rng):
    competition, _ = split_families(rng, by_family=True)
    assert are_families_apart(measure_families(competition))
    assert not are_families_apart(None)
