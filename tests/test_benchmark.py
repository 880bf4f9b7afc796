"""The benchmark: its rows, its clock, its ratios, and that every variant runs."""

import json

import numpy as np
import pytest
import torch

import bench
from seqblend.benchmark.compare import Measurement, Plan, order_runs, run_child, summarise
from seqblend.benchmark.peers import TutorialLSTM, collate_dynamic, collate_fixed
from seqblend.benchmark.timing import Timing, time_steps
from seqblend.benchmark.variants import (
    BASELINES,
    INFERENCE,
    SCRATCH_FORWARD,
    SCRATCH_STEP,
    TRAINING,
    Variant,
    make_variants,
    measure,
)
from seqblend.benchmark.workload import LONGEST, VOCABULARY, make_workload
from seqblend.errors import FlagError, UnitError


def variant(name: str, task: str = TRAINING) -> Variant:
    """A variant that is never run."""
    return Variant(name, task, name, measure=lambda rows, seconds: Timing(1, 1.0, 0.0))


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
    drawn = []

    def steps():
        while True:
            drawn.append(1)
            yield 3, 4

    timing = time_steps(steps(), seconds=0.01, warm_up=5)
    assert timing.tokens == 3 * (len(drawn) - 5)
    assert timing.seconds >= 0.01
    assert timing.padding == pytest.approx(0.25)
    assert timing.rate == pytest.approx(timing.tokens / timing.seconds)


def test_ratios_are_taken_within_a_round_and_within_a_task():
    variants = (variant("slow"), variant("fast"), variant("read", INFERENCE))
    tokens = {"slow": [100, 50, 10], "fast": [300, 200, 20], "read": [7, 7, 7]}
    found = [
        Measurement(name, i, Timing(count, 2.0, 0.5))
        for i in (2, 0, 1)
        for name, counts in tokens.items()
        for count in [counts[i]]
    ]
    plan = Plan(variants, rounds=3, seconds=1.0, rows=64)
    slow, fast, read = summarise(plan, found)
    assert slow.ratio == (1.0, 1.0, 1.0)
    assert fast.ratio == (3.0, 2.0, 4.0)  # of 3, 4 and 2; the medians' ratio would be 4
    assert fast.rate == (100.0, 10.0, 150.0)
    assert read.ratio == (1.0, 1.0, 1.0)
    assert fast.padding == 0.5


def test_every_round_runs_every_variant_and_every_second_one_backwards():
    plan = Plan((variant("a"), variant("b"), variant("c")), rounds=3, seconds=1.0, rows=64)
    names = [one.name for _, one in order_runs(plan)]
    assert names == ["a", "b", "c", "c", "b", "a", "a", "b", "c"]


def test_peers_see_the_same_rows_whatever_the_padding():
    examples = [(torch.tensor([5, 6, 7]), 0), (torch.tensor([8]), 1)]
    fixed, lengths, labels = collate_fixed(examples)
    dynamic, _, _ = collate_dynamic(examples)
    assert fixed.shape == (2, LONGEST)
    assert dynamic.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert fixed[:, :3].tolist() == dynamic.tolist()
    assert int(fixed[:, 3:].abs().sum()) == 0
    assert (lengths.tolist(), labels.tolist()) == ([3, 1], [0, 1])


def test_the_packed_peer_does_not_read_padding():
    torch.manual_seed(0)
    model = TutorialLSTM(is_packed=True)
    tokens = torch.tensor([[5, 6, 7, 0, 0]])
    torch.testing.assert_close(
        model(tokens, torch.tensor([3])), model(tokens[:, :3], torch.tensor([3]))
    )


def test_the_first_variant_of_each_task_is_what_the_others_are_compared_with():
    first = {}
    for one in make_variants():
        first.setdefault(one.task, one)
    assert {task: one.name for task, one in first.items()} == {
        TRAINING: "tutorial",
        INFERENCE: "tutorial_inference",
        SCRATCH_STEP: "torch_step",
        SCRATCH_FORWARD: "torch_forward",
    }
    assert list(BASELINES) == list(first)


@pytest.mark.parametrize("name", [one.name for one in make_variants()])
def test_every_variant_gives_a_positive_figure(name):
    timing = measure(name, rows=8, seconds=0.02)
    assert timing.rate > 0
    assert 0 <= timing.padding < 0.6


def test_a_child_that_fails_is_named():
    with pytest.raises(UnitError, match=r"measuring nowhere ended with exit code 1: KeyError"):
        run_child(variant("nowhere"), 8, 0.02)


@pytest.mark.parametrize("flags", [["--rounds", "0"], ["--seconds", "0"], ["--rows", "3"]])
def test_flags_out_of_range_are_told(flags):
    with pytest.raises(FlagError, match=r"--rounds expects at least 1"):
        bench.main(flags)


@pytest.mark.slow
def test_the_script_measures_every_variant_and_writes_its_figures(tmp_path, capsys):
    path = tmp_path / "speed.json"
    flags = ["--seconds", "0.2", "--rounds", "1", "--rows", "64", "--json", str(path)]
    assert bench.main(flags) == 0
    found = json.loads(path.read_text())
    names = {one.name for one in make_variants()}
    assert set(found["summaries"]) == names
    assert all(row["tokens"] > 0 for row in found["measurements"])
    assert f"{len(names)}/{len(names)}  " in capsys.readouterr().out  # a line a run
