"""The NumPy networks held against torch and against finite differences, in float64."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import rnn

from seqblend.models.scratch_nets.adam import Adam, clip_by_global_norm
from seqblend.models.scratch_nets.additive_attention import Attention
from seqblend.models.scratch_nets.classifier import SequenceClassifier, Shape
from seqblend.models.scratch_nets.dense import (
    EmbeddingLayer,
    Linear,
    cross_entropy,
    softmax,
)
from seqblend.models.scratch_nets.gradient_check import gradient_by_distance, nudge_weights
from seqblend.models.scratch_nets.initialisation import draw_orthogonal
from seqblend.models.scratch_nets.pooling import POOLINGS, make_pool
from seqblend.models.scratch_nets.recurrent_layer import Recurrent

CELLS = ["rnn", "lstm", "gru"]
LENGTHS = np.array([7, 4, 1, 5])
TOKENS = np.array(
    [[2, 3, 4, 2, 5, 6, 2], [3, 3, 1, 8, 0, 0, 0], [7] + [0] * 6, [2, 4, 4, 4, 1, 0, 0]]
)
LABELS = np.array([2, 0, 1, 2])
DRAW = np.random.default_rng(0)


def assert_close(ours, theirs, tolerance=1e-10):
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else theirs
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


def fill(layer):
    """The layer with weights drawn; biases too, so that a forgotten one shows."""
    rng = np.random.default_rng(1)
    for array in layer.weights.values():
        array[:] = rng.normal(0, 0.5, array.shape)
    return layer


def as_torch(weights):
    return {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}


def make_classifier(cell, pooling, seed=3):
    model = SequenceClassifier(Shape(cell, pooling, 9, 5, 6, 3), np.float64)
    model.initialise(np.random.default_rng(seed))
    for array in model.state_dict().values():
        if array.ndim == 1:
            array += 0.1 * np.random.default_rng(seed).normal(size=array.shape)
    return model


def torch_pool(kind, x, weights):
    """The pooled states of plain rows, one at a time: nothing is padded here."""
    if "+" in kind:
        return torch.cat([torch_pool(one, x, weights) for one in kind.split("+")], dim=1)
    weights = {name.removeprefix("attention."): weight for name, weight in weights.items()}
    rows = []
    for row, length in zip(x, LENGTHS, strict=True):
        known = row[: int(length)]
        if kind == "attention":
            match = torch.tanh(known @ weights["project.weight"].T + weights["project.bias"])
            rows.append(torch.softmax(match @ weights["query.weight"][0], 0) @ known)
        else:
            rows.append(
                {"last": known[-1], "mean": known.mean(0), "max": known.max(0).values}[kind]
            )
    return torch.stack(rows)


def torch_recurrence(cell, x, weights):
    """nn.RNN, nn.LSTM or nn.GRU over packed rows: [b, t, h], zero where there is padding."""
    kinds = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
    oracle = kinds[cell](x.shape[2], weights["weight_hh_l0"].shape[1], batch_first=True).double()
    packed = rnn.pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    states = torch.func.functional_call(oracle, weights, (packed,))[0]
    return rnn.pad_packed_sequence(states, batch_first=True, total_length=x.shape[1])[0]


@pytest.mark.parametrize("cell", CELLS)
def test_a_recurrence_equals_torchs_in_outputs_and_every_gradient(cell):
    layer = fill(Recurrent(cell, 5, 6, np.float64))
    x, by_states = DRAW.normal(size=(4, 7, 5)), DRAW.normal(size=(4, 7, 6))
    weights, inputs = as_torch(layer.weights), torch.tensor(x, requires_grad=True)
    expected = torch_recurrence(cell, inputs, weights)
    assert_close(layer.forward(x, LENGTHS), expected)
    (expected * torch.tensor(by_states)).sum().backward()
    assert_close(layer.backward(by_states), inputs.grad)
    for name, weight in weights.items():
        assert_close(layer.gradients[name], weight.grad)


@pytest.mark.parametrize("kind", POOLINGS)
def test_pooling_equals_a_loop_over_unpadded_rows_in_values_and_gradients(kind):
    pool = fill(make_pool(kind, 6, np.float64))
    width = 6 * len(kind.split("+"))
    x, by_output = DRAW.normal(size=(4, 7, 6)), DRAW.normal(size=(4, width))
    weights, inputs = as_torch(pool.weights), torch.tensor(x, requires_grad=True)
    expected = torch_pool(kind, inputs, weights)
    assert_close(pool.forward(x, LENGTHS), expected)
    (expected * torch.tensor(by_output)).sum().backward()
    assert_close(pool.backward(by_output), inputs.grad)
    for name, weight in weights.items():
        assert_close(pool.gradients[name], weight.grad)


def test_attention_shares_are_a_distribution_over_tokens_only():
    attention = fill(Attention(6, np.float64))
    attention.forward(DRAW.normal(size=(4, 7, 6)), LENGTHS)
    assert_close(attention.shares.sum(1), np.ones(4))
    assert np.array_equal(attention.shares > 0, np.arange(7) < LENGTHS[:, None])


def test_an_embedding_and_its_gradient_equal_torchs_with_a_padding_row():
    layer = fill(EmbeddingLayer(9, 5, np.float64))
    layer.weights["weight"][0] = 0
    oracle = nn.Embedding.from_pretrained(
        torch.tensor(layer.weights["weight"]), freeze=False, padding_idx=0
    )
    by_output = DRAW.normal(size=(4, 7, 5))
    expected = oracle(torch.tensor(TOKENS))
    assert_close(layer.forward(TOKENS), expected)
    (expected * torch.tensor(by_output)).sum().backward()
    layer.backward(by_output)
    assert_close(layer.gradients["weight"], oracle.weight.grad)
    assert not layer.gradients["weight"][0].any()


def test_a_linear_layer_equals_torchs():
    layer = fill(Linear(6, 3, np.float64))
    x, by_output = DRAW.normal(size=(4, 6)), DRAW.normal(size=(4, 3))
    weights, inputs = as_torch(layer.weights), torch.tensor(x, requires_grad=True)
    expected = functional.linear(inputs, weights["weight"], weights["bias"])
    assert_close(layer.forward(x), expected)
    (expected * torch.tensor(by_output)).sum().backward()
    assert_close(layer.backward(by_output), inputs.grad)
    for name, weight in weights.items():
        assert_close(layer.gradients[name], weight.grad)


@pytest.mark.parametrize("scale", [1.0, 1_000.0])
def test_cross_entropy_and_its_gradient_equal_torchs_however_large_the_logits(scale):
    logits = scale * DRAW.normal(size=(4, 3))
    inputs = torch.tensor(logits, requires_grad=True)
    expected = functional.cross_entropy(inputs, torch.tensor(LABELS))
    expected.backward()
    value, gradient = cross_entropy(logits, LABELS)
    assert_close(value, expected)
    assert_close(gradient, inputs.grad)
    assert_close(softmax(logits), torch.softmax(inputs, 1))


def test_even_odds_cost_the_logarithm_of_two():
    value, gradient = cross_entropy(np.zeros((2, 2)), np.array([0, 1]))
    assert value == pytest.approx(np.log(2))
    assert_close(gradient, np.array([[-0.25, 0.25], [0.25, -0.25]]))


def test_adam_moves_as_torchs_over_several_steps():
    start = {"a": DRAW.normal(size=(3, 4)), "b": DRAW.normal(size=5)}
    weights = as_torch(start)
    oracle = torch.optim.Adam(weights.values(), lr=0.1)
    ours = {name: array.copy() for name, array in start.items()}
    adam = Adam(ours)
    for step in range(7):
        rate = 0.1 / (step + 1)
        oracle.param_groups[0]["lr"] = rate
        gradients = {name: DRAW.normal(size=array.shape) for name, array in start.items()}
        for name, weight in weights.items():
            weight.grad = torch.tensor(gradients[name])
        oracle.step()
        adam.step(gradients, rate)
        for name, weight in weights.items():
            assert_close(ours[name], weight, 1e-12)


@pytest.mark.parametrize("most", [0.5, 100.0])
def test_clipping_equals_torchs_and_tells_the_norm_before_it(most):
    gradients = {"a": DRAW.normal(size=(3, 4)), "b": DRAW.normal(size=5)}
    parameters = [
        nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in gradients.values()
    ]
    for parameter, gradient in zip(parameters, gradients.values(), strict=True):
        parameter.grad = torch.tensor(gradient)
    expected = nn.utils.clip_grad_norm_(parameters, most)
    assert clip_by_global_norm(gradients, most) == pytest.approx(float(expected), abs=1e-12)
    for parameter, gradient in zip(parameters, gradients.values(), strict=True):
        assert_close(gradient, parameter.grad, 1e-12)


def test_a_norm_limit_of_zero_clips_nothing():
    gradients = {"a": np.array([3.0, 4.0])}
    assert clip_by_global_norm(gradients, 0.0) == 5.0
    assert gradients["a"].tolist() == [3.0, 4.0]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_whole_classifier_equals_torch_in_loss_and_every_gradient(cell, pooling):
    model = make_classifier(cell, pooling)
    weights = as_torch(model.state_dict())
    parts = {name.split(".")[0]: {} for name in weights} | {"pool": {}}
    for name, weight in weights.items():
        layer, own = name.split(".", 1)
        parts[layer][own] = weight
    vectors = functional.embedding(torch.tensor(TOKENS), weights["embedding.weight"], padding_idx=0)
    pooled = torch_pool(pooling, torch_recurrence(cell, vectors, parts["recurrent"]), parts["pool"])
    logits = functional.linear(pooled, weights["output.weight"], weights["output.bias"])
    expected = functional.cross_entropy(logits, torch.tensor(LABELS))
    expected.backward()
    value, ours, gradients = model.loss(TOKENS, LENGTHS, LABELS)
    assert_close(value, expected)
    assert_close(ours, logits)
    assert set(gradients) == set(weights)
    for name, weight in weights.items():
        assert_close(gradients[name], weight.grad)
        assert gradients[name].any(), name


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_the_gradient_is_that_of_central_differences(cell, pooling):
    model, step = make_classifier(cell, pooling), 1e-5
    gradients = model.loss(TOKENS, LENGTHS, LABELS)[2]
    for name, weight in model.state_dict().items():
        direction = np.random.default_rng(5).normal(size=weight.shape)
        if name == "embedding.weight":
            direction[0] = 0  # padding does not learn
        losses = []
        for sign in (1, -1):
            weight += sign * step * direction
            losses.append(cross_entropy(model.forward(TOKENS, LENGTHS), LABELS)[0])
            weight -= sign * step * direction
        numeric = (losses[0] - losses[1]) / (2 * step)
        assert numeric == pytest.approx(float((gradients[name] * direction).sum()), abs=1e-6), name


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_answers_and_gradients_do_not_see_padding_nor_what_stands_in_it(cell, pooling):
    model = make_classifier(cell, pooling)
    padded = np.where(np.arange(12) < LENGTHS[:, None], np.pad(TOKENS, ((0, 0), (0, 5))), 8)
    model.state_dict()["embedding.weight"][8] = 3.0
    tokens = np.where(TOKENS == 8, 7, TOKENS)
    padded[:, :7][tokens == 7] = 7  # 8 stands in the padding only
    value, logits, gradients = model.loss(tokens, LENGTHS, LABELS)
    others = model.loss(padded, LENGTHS, LABELS)
    assert_close(others[0], value, 1e-13)
    assert_close(others[1], logits, 1e-13)
    for name, gradient in gradients.items():
        assert_close(others[2][name], gradient, 1e-13)


@pytest.mark.parametrize("cell", CELLS)
def test_float32_stays_float32_all_the_way(cell):
    model = SequenceClassifier(Shape(cell, "attention", 9, 5, 6, 3))
    model.initialise(np.random.default_rng(0))
    _, logits, gradients = model.loss(TOKENS, LENGTHS, LABELS)
    adam = Adam(model.state_dict())
    adam.step(gradients, 0.01)
    arrays = [logits, *gradients.values(), *model.state_dict().values()]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}


@pytest.mark.parametrize("cell", CELLS)
def test_an_untrained_recurrence_is_a_rotation_and_an_lstms_memory_starts_open(cell):
    model = SequenceClassifier(Shape(cell, "last", 9, 5, 6, 3), np.float64)
    model.initialise(np.random.default_rng(0))
    state = model.state_dict()
    for block in np.split(state["recurrent.weight_hh_l0"], len(state["recurrent.bias_hh_l0"]) // 6):
        assert_close(block @ block.T, np.eye(6), 1e-12)
    opened = np.flatnonzero(state["recurrent.bias_ih_l0"])
    assert opened.tolist() == (list(range(6, 12)) if cell == "lstm" else [])
    assert not state["embedding.weight"][0].any()


def test_orthogonal_draws_turn_in_every_direction():
    """Without the signs of R's diagonal, LAPACK's rotations favour one (Mezzadri 2007)."""
    rng = np.random.default_rng(0)
    signs = [np.sign(draw_orthogonal(3, rng)[0, 0]) for _ in range(200)]
    assert abs(np.mean(signs)) < 0.25


def test_weights_come_back_and_others_are_refused():
    model, other = make_classifier("gru", "attention"), make_classifier("gru", "attention", seed=4)
    other.load_state_dict(model.state_dict())
    assert_close(other.forward(TOKENS, LENGTHS), model.forward(TOKENS, LENGTHS), 0)
    with pytest.raises(ValueError, match=r"expected the arrays .*weight_hh_l0"):
        other.load_state_dict({"embedding.weight": np.zeros((2, 2))})


def test_an_unknown_pooling_is_refused():
    with pytest.raises(ValueError, match=r"last, mean, max, attention, .* got 'median'"):
        make_pool("median", 4, np.float64)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_nudged_weights_agree_with_the_chain_rule_and_are_put_back(cell):
    model = SequenceClassifier(Shape(cell, "attention+max", 12, 5, 6, 3), dtype=np.float64)
    model.initialise(np.random.default_rng(0))
    before = {name: array.copy() for name, array in model.state_dict().items()}
    batch = (np.array([[3, 4, 5], [6, 7, 0]]), np.array([3, 2]), np.array([0, 2]))
    analytic, numeric = nudge_weights(model, batch, 20, np.random.default_rng(1))
    assert len(analytic) == 20
    np.testing.assert_allclose(analytic, numeric, atol=1e-8)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_gradient_fades_in_an_rnn_that_shrinks_and_not_in_an_lstm_that_keeps():
    faded, kept = (gradient_by_distance(cell, 0.5, steps=40) for cell in ("rnn", "lstm"))
    assert faded[0] == kept[0] == 1
    assert faded[-1] < 1e-6 < 1e-3 < kept[-1] < 1e3
