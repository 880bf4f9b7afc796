"""A batch that memory has no room for is computed in parts, with the gradient of the whole."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch
from fit_examples import CPU, SMALL, SOFTMAX, make_rows, make_setting

from seqblend.core.errors import UnitError
from seqblend.models.recurrent import RecurrentClassifier
from seqblend.training.fitting import fit_module, predict_module
from seqblend.training.micro_batches import MicroBatcher, is_out_of_memory
from seqblend.training.trainer import Trainer

PLAIN = dataclasses.replace(SMALL, dropout=0.0, embedding_dropout=0.0, word_dropout=0.0)


class Cramped(RecurrentClassifier):
    """Has memory for `most` rows; `seen` keeps how many each successful call had."""

    def __init__(self, most):
        super().__init__("lstm", PLAIN, 11, 2)
        self.most, self.seen = most, []

    def forward(self, tokens, lengths):
        logits = super().forward(tokens, lengths)
        if len(tokens) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.seen.append(len(tokens))
        return logits


def make_trainer(most, **changes):
    torch.manual_seed(1)
    setting = make_setting(batch_rows=20, **changes)
    return Trainer(Cramped(most), make_rows(), setting)


@pytest.mark.fault("M1")
@pytest.mark.parametrize("changes", [{}, {"class_weights": True, "label_smoothing": 0.2}])
def test_parts_have_the_loss_and_gradient_of_the_whole_batch(changes):
    rows = np.array([0, 2, 4, 6, 8, 1, 3, 10, 12, 14, 16, 18, 20])  # two of class 1
    whole, parts = make_trainer(99, **changes), make_trainer(4, **changes)
    expected, right = whole.batcher.run(whole._backward, rows)
    parts.batcher.run(parts._backward, rows[:5])  # leaves gradients
    loss, correct = parts.batcher.run(parts._backward, rows)
    assert parts.batcher.count == 4
    assert parts.model.seen[-4:] == [4, 3, 3, 3]
    assert correct == right
    torch.testing.assert_close(loss, expected)
    for mine, other in zip(parts.model.parameters(), whole.model.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-7, rtol=1e-5)


@pytest.mark.fault("M1")
def test_a_fit_in_parts_ends_where_the_whole_one_does_and_tells_of_it():
    told = []
    setting = dataclasses.replace(make_setting(batch_rows=20), report=told.append)
    fits = [fit_module(lambda n=n: Cramped(n), make_rows(), make_rows(), setting) for n in (99, 11)]
    (_, whole), (_, parts) = fits
    np.testing.assert_allclose(parts.history["valid_loss"], whole.history["valid_loss"], atol=1e-5)
    assert whole.recoveries == []
    assert [r["parts"] for r in parts.recoveries] == [2]
    assert {"recovery": "not enough memory for a batch of 20 rows: computed in 2 parts"} in told


@pytest.mark.fault("M1")
def test_predictions_are_made_in_parts_too(caplog):
    rows, model = make_rows(), Cramped(99)
    whole = predict_module(model, rows.sequences, SOFTMAX, "float32", CPU)
    model.most = 13
    np.testing.assert_allclose(
        predict_module(model, rows.sequences, SOFTMAX, "float32", CPU), whole, atol=1e-6
    )
    assert "predicted in 4 parts" in caplog.text


@pytest.mark.fault("M1")
def test_after_four_halvings_it_says_what_to_change():
    told = []
    batcher = MicroBatcher(lambda reason, parts: told.append(parts))

    def never(parts):
        raise MemoryError

    with pytest.raises(UnitError, match=r"100 rows, not even in 16 parts: lower train\.tokens_per"):
        batcher.run(never, np.arange(100))
    assert told == [2, 4, 8, 16]


def test_a_single_row_is_not_halved():
    batcher = MicroBatcher(lambda *_: None)

    def never(parts):
        raise MemoryError

    with pytest.raises(UnitError, match="a batch of 1 rows, not even in 1 parts"):
        batcher.run(never, np.arange(1))


def test_another_error_passes_through():
    batcher = MicroBatcher(lambda *_: None)

    def broken(parts):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        batcher.run(broken, np.arange(8))
    assert batcher.count == 1


def test_what_torch_raises_on_this_machine_is_recognised():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**15)
    assert is_out_of_memory(caught.value)
    assert not is_out_of_memory(KeyError("out of memory"))


_LIMITED = """
import resource, sys
import numpy as np
import seqblend, torch
from seqblend.training.micro_batches import MicroBatcher
torch.set_num_threads(1)
embed, lstm = torch.nn.Embedding(50, 64), torch.nn.LSTM(64, 64, batch_first=True)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 400 * 2**20,) * 2)
told = []
def work(parts):
    for rows in parts:
        lstm(embed(torch.ones(len(rows), 400, dtype=torch.long)))[0].sum().backward()
MicroBatcher(lambda reason, parts: told.append(parts)).run(work, np.arange(500))
print(told)
"""


@pytest.mark.fault("M1")
@pytest.mark.slow
def test_a_real_limit_on_memory_is_met_by_smaller_parts():
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(next(p for p in sys.path if p.endswith("src")))},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[2")
