"""Recurrent layers and pooling held against torch's packed sequences and plain loops."""

import pytest
import torch
from torch import nn
from torch.nn.utils import rnn

from seqblend.models import layers
from seqblend.models.layers import (
    AdditiveAttention,
    BidirectionalRnn,
    Embed,
    NetworkOptions,
    Pool,
    reversal_of,
    reverse_steps,
)
from seqblend.models.recurrence import has_steps

LENGTHS = torch.tensor([7, 4, 1])


def draw_states(d=5):
    return torch.randn(3, 7, d, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_both_directions_equal_the_packed_bidirectional_answer(cell):
    layer = BidirectionalRnn(cell, 5, 6, 2)
    kinds = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
    oracle = kinds[cell](5, 6, batch_first=True, bidirectional=True)
    state = dict(layer.passes[0].named_parameters())
    state |= {f"{name}_reverse": p for name, p in layer.passes[1].named_parameters()}
    oracle.load_state_dict({name: p.detach() for name, p in state.items()})
    x = draw_states()
    packed = rnn.pack_padded_sequence(x, LENGTHS, batch_first=True)  # the oracle, not our path
    expected = rnn.pad_packed_sequence(oracle(packed)[0], batch_first=True)[0]
    ours = layer(x, reversal_of(LENGTHS, 7))
    for row, length in enumerate(LENGTHS):
        torch.testing.assert_close(ours[row, :length], expected[row, :length])


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("cell", ["gru"])
@pytest.mark.parametrize("t", [1, 7, 90])
def test_the_cpu_loop_equals_torch_in_outputs_and_every_gradient(cell, directions, t, monkeypatch):
    layer = BidirectionalRnn(cell, 5, 64, directions).double()
    x = torch.randn(9, t, 5, dtype=torch.float64, requires_grad=True)
    lengths = torch.arange(9) % t + 1
    weight = torch.randn(9, t, 64 * directions, dtype=torch.float64)
    answers = []
    for knows in (has_steps, lambda layer: False):
        monkeypatch.setattr(layers, "has_steps", knows)
        states = layer(x, reversal_of(lengths, t))
        wanted = [x, *layer.parameters()]
        answers.append([states, *torch.autograd.grad((states * weight).sum(), wanted)])
    for ours, oracle in zip(*answers, strict=True):
        torch.testing.assert_close(ours, oracle, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("cell", ["gru"])
def test_under_autocast_only_the_projection_loses_precision(cell):
    layer = BidirectionalRnn(cell, 5, 6, 2)
    x, reversal = draw_states().requires_grad_(), reversal_of(LENGTHS, 7)
    exact = layer(x, reversal)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = layer(x, reversal)
    states.sum().backward()
    assert states.dtype == x.grad.dtype == torch.float32
    torch.testing.assert_close(states, exact, rtol=0, atol=2e-2)


def test_the_reversal_turns_each_row_by_its_own_length():
    assert (reversal_of(LENGTHS, 7).view(3, 7) - 7 * torch.arange(3)[:, None]).tolist() == [
        [6, 5, 4, 3, 2, 1, 0],
        [3, 2, 1, 0, 4, 5, 6],
        [0, 1, 2, 3, 4, 5, 6],
    ]


def test_reversing_twice_is_nothing_and_its_gradient_is_that_of_indexing():
    x = draw_states().double().requires_grad_()
    reversal = reversal_of(LENGTHS, 7)
    torch.testing.assert_close(reverse_steps(reverse_steps(x, reversal), reversal), x)
    assert torch.autograd.gradcheck(lambda y: reverse_steps(y, reversal), (x,))


@pytest.mark.parametrize("kind", ["mean", "max", "last", "attention", "mean+max"])
def test_pooling_sees_no_padding(kind):
    pool = Pool(kind, 4)
    x = draw_states(4)
    other = x.clone()
    for row, length in enumerate(LENGTHS):
        other[row, length:] = 99.0
    torch.testing.assert_close(pool(other, LENGTHS, 2), pool(x, LENGTHS, 2))


def test_pooled_values_are_those_of_a_plain_loop():
    x = draw_states(4)
    for row, length in enumerate(LENGTHS):
        known = x[row, :length]
        expected = {
            "mean": known.mean(0),
            "max": known.amax(0),
            "last": torch.cat([known[-1, :2], known[0, 2:]]),
        }
        for kind, value in expected.items():
            torch.testing.assert_close(Pool(kind, 4)(x, LENGTHS, 2)[row], value)


def test_attention_weights_are_a_distribution_over_tokens_only():
    attention = AdditiveAttention(4)
    mask = (torch.arange(7) < LENGTHS[:, None])[:, :, None]
    context, weights = attention(draw_states(4), mask)
    torch.testing.assert_close(weights.sum(1), torch.ones(3))
    assert not weights[~mask[:, :, 0]].any()
    torch.testing.assert_close(context, torch.einsum("bt,btd->bd", weights, draw_states(4)))


def test_embedding_dropout_drops_a_feature_for_the_whole_row():
    embed = Embed(50, NetworkOptions(width=32, embedding_dropout=0.5, word_dropout=0.0)).train()
    torch.manual_seed(0)
    dropped = embed(torch.randint(2, 50, (4, 9))) == 0
    assert dropped.any()
    assert (dropped.all(dim=1) == dropped.any(dim=1)).all()


def test_word_dropout_turns_tokens_into_unknown_and_leaves_padding():
    embed = Embed(50, NetworkOptions(width=4, embedding_dropout=0.0, word_dropout=0.99)).train()
    torch.manual_seed(0)
    out = embed(torch.tensor([[5] * 200 + [0] * 50]))
    assert (out[0, :200] == embed.table.weight[1]).all(dim=1).float().mean() > 0.9
    assert not out[0, 200:].any()
    embed.eval()
    assert (embed(torch.tensor([[5, 6]]))[0, 0] == embed.table.weight[5]).all()
