import numpy as np
import pytest
import torch
from conftest import sequence_set

from seqblend.core.config import VocabularyConfig
from seqblend.core.errors import InputError
from seqblend.training.batching import (
    DeviceSequences,
    padding_share,
    plan_batches,
    plan_rows,
    tokens_per_batch,
    truncate,
)

CPU = torch.device("cpu")


@pytest.fixture
def lengths():
    rng = np.random.default_rng(0)
    return np.minimum(rng.lognormal(5, 0.6, 10_000).astype(int) + 1, 400)


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_every_row_appears_exactly_once(lengths, seed):
    rng = None if seed is None else np.random.default_rng(seed)
    batches = plan_batches(lengths, 2_048, rng)
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(len(lengths)))


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_no_padded_batch_exceeds_the_budget(lengths, seed):
    rng = None if seed is None else np.random.default_rng(seed)
    batches = plan_batches(lengths, 2_048, rng)
    assert max(lengths[rows].max() * len(rows) for rows in batches) <= 2_048


def test_padding_stays_under_three_percent(lengths):
    batches = plan_batches(lengths, 13_000, np.random.default_rng(0))
    assert 0 <= padding_share(lengths, batches) < 0.03


def test_a_plan_without_rng_begins_with_the_longest(lengths):
    first = plan_batches(lengths, 2_048)[0]
    assert lengths[first].max() == lengths.max()


def test_each_epoch_has_other_neighbours(lengths):
    plans = [plan_batches(lengths, 2_048, np.random.default_rng(seed)) for seed in (0, 1)]
    assert {tuple(sorted(rows)) for rows in plans[0]} != {tuple(sorted(rows)) for rows in plans[1]}


def test_a_sequence_longer_than_the_budget_names_both_remedies():
    with pytest.raises(InputError, match=r"300 tokens .* raise train.tokens_per_batch or lower"):
        plan_batches(np.array([10, 300]), tokens_per_batch=256)


def test_small_data_gets_small_batches_and_one_row_always_fits():
    assert tokens_per_batch(np.full(3_200, 100), 128, 16_384) == 2_500
    assert tokens_per_batch(np.full(100_000, 100), 128, 16_384) == 16_384
    assert tokens_per_batch(np.array([5_000]), 128, 2_000) == 5_000


@pytest.mark.parametrize(
    ("truncate", "expected"),
    [("head", [0, 1, 2, 3]), ("tail", [6, 7, 8, 9]), ("both", [0, 7, 8, 9])],
)
def test_a_cut_keeps_head_tail_or_both(truncate, expected):
    config = VocabularyConfig(max_len=4, truncate=truncate)
    rows = DeviceSequences(sequence_set([list(range(10)), [5]]), np.arange(10), config, CPU)
    tokens, lengths = rows.gather(np.array([0, 1]))
    assert tokens.tolist() == [expected, [5, 0, 0, 0]]
    assert lengths.tolist() == [4, 1]


def test_an_unknown_truncation_is_named():
    with pytest.raises(InputError, match="head, tail or both, got 'middle'"):
        truncate(np.array([3]), VocabularyConfig(truncate="middle"))


def test_a_gathered_batch_is_the_rows_remapped_and_padded():
    rows = [[1, 2, 3], [4], [2, 2]]
    remap = np.array([9, 5, 6, 7, 8])
    on_device = DeviceSequences(
        sequence_set(rows).take(np.array([2, 0, 1])), remap, VocabularyConfig(), CPU
    )
    tokens, lengths = on_device.gather(np.array([1, 2, 0]))
    assert tokens.tolist() == [[5, 6, 7], [8, 0, 0], [6, 6, 0]]
    assert lengths.tolist() == [3, 1, 2]


def test_batches_of_a_number_of_rows_partition_them_and_one_is_smaller(lengths):
    batches = plan_rows(lengths, 128, np.random.default_rng(0))
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(len(lengths)))
    assert sorted(map(len, batches)) == [10_000 % 128] + [128] * (10_000 // 128)
    assert padding_share(lengths, batches) < 0.03
    assert lengths[batches[0]].max() < lengths.max()  # in random order
