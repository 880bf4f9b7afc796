"""The benchmark: its rows, its clock, its ratios, and that every contender runs."""

import os

import numpy as np
import pytest
import torch

import bench
from seqblend.core.errors import FlagError
from seqblend.extras.benchmark import (
    COLUMNS,
    LONGEST,
    VOCABULARY,
    Timing,
    alternate,
    collate,
    compare,
    list_contenders,
    make_workload,
    measure,
    run_alone,
    time_steps,
)

CPU = torch.device("cpu")
CONTENDERS = list(list_contenders(CPU))


@pytest.mark.parametrize("n", [256, 4096])
def test_rows_have_the_lengths_of_imdb_however_few_they_are(n):
    lengths = make_workload(n).sequences.lengths
    assert abs(lengths.mean() - 202) < 1.5
    assert abs(np.mean(lengths == LONGEST) - 0.13) < 0.005
    assert lengths.min() >= 1
    assert lengths.max() == LONGEST


def test_tokens_are_zipf_like_vocabulary_ids_and_the_same_at_every_call():
    tokens = make_workload(512).sequences.tokens
    np.testing.assert_array_equal(tokens, make_workload(512).sequences.tokens)
    counts = np.bincount(tokens, minlength=VOCABULARY)
    assert counts[:2].tolist() == [0, 0]  # neither PAD nor UNK
    assert len(counts) == VOCABULARY
    assert 7.0 < counts[2] / counts[32:42].mean() < 11.0  # (35.5 + 2.7) / (1 + 2.7) = 10.3


def test_the_warm_up_is_not_counted_and_padding_is_a_share_of_all_cells():
    sizes = iter([(1_000, 1_000), *[(3, 4)] * 10_000_000])
    timing = time_steps(sizes, seconds=0.01, device=CPU)
    assert timing.padding == pytest.approx(0.25)  # with the first step it would be less
    assert timing.rate > 0


def test_ratios_are_taken_within_a_round_and_to_the_first_contender():
    slow, fast = (
        [Timing(rate, 0.5) for rate in rates]
        for rates in ([100e3, 50e3, 10e3], [300e3, 200e3, 20e3])
    )
    first, second = (
        dict(zip(COLUMNS, row, strict=True)) for row in compare({"slow": slow, "fast": fast})
    )
    assert (first["ratio"], first["min..max"]) == ("1.00", "1.00..1.00")
    assert second["ratio"] == "3.00"  # of 3, 4 and 2; the medians' ratio would be 4
    assert second["min..max"] == "2.00..4.00"
    assert (second["ktok/s"], second["padding"]) == ("200", "50.0%")


def test_every_round_runs_every_contender_and_every_second_one_backwards():
    assert alternate(["a", "b", "c"], 3) == ["a", "b", "c", "c", "b", "a", "a", "b", "c"]


def test_the_baseline_is_the_usual_way_and_one_of_ours_follows():
    assert ["seqblend" in name for name in CONTENDERS][:2] == [False, True]


def test_peers_see_the_same_rows_whatever_the_padding():
    examples = [(torch.tensor([5, 6, 7]), 0), (torch.tensor([8]), 1)]
    fixed, lengths, labels = collate(examples, is_fixed=True)
    dynamic, _, _ = collate(examples, is_fixed=False)
    assert fixed.shape == (2, LONGEST)
    assert dynamic.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert fixed[:, :3].tolist() == dynamic.tolist()
    assert int(fixed[:, 3:].abs().sum()) == 0
    assert (lengths.tolist(), labels.tolist()) == ([3, 1], [0, 1])


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_contender_gives_a_positive_figure(name):
    timing = measure(name, "cpu", rows=8, seconds=0.02)
    assert timing.rate > 0
    assert 0 <= timing.padding < 0.6


def test_a_peer_has_the_allocator_of_the_system_in_a_process_of_its_own():
    before = os.environ.get("SEQBLEND_MALLOC")
    assert run_alone(os.getenv, "SEQBLEND_MALLOC", is_peer=True) == "system"
    assert os.environ.get("SEQBLEND_MALLOC") == before


@pytest.mark.parametrize("flags", [["--rounds", "0"], ["--seconds", "0"], ["--rows", "3"]])
def test_flags_out_of_range_are_refused(flags):
    with pytest.raises(FlagError, match=r"--rounds expects at least 1"):
        bench.main(flags)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_missing_gpu_is_one_line():
    with pytest.raises(FlagError, match="torch finds no GPU here"):
        bench.main(["--device", "cuda"])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is here")
def test_training_is_compared_on_a_gpu(capsys):
    flags = ["--device", "cuda", "--seconds", "0.2", "--rounds", "1", "--rows", "256"]
    assert bench.main(flags) == 0
    assert "tutorial loop" in capsys.readouterr().out


@pytest.mark.slow
def test_the_script_measures_every_contender_and_prints_ratios(capsys):
    assert bench.main(["--seconds", "0.2", "--rounds", "1", "--rows", "64"]) == 0
    out = capsys.readouterr().out
    assert all(f"{name}: " in out for name in CONTENDERS)
    assert out.count("1.00..1.00") >= 1  # the base; a loaded machine may show another
