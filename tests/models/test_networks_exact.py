"""Convolution, transformer and bag held against independent oracles."""

import pytest
import torch
from torch import nn

from seqblend.core.errors import FlagError
from seqblend.models import transformer
from seqblend.models.bag import BagOptions, NgramBag, hash_ngrams
from seqblend.models.convolution import ConvolutionOptions, TextConvolution
from seqblend.models.layers import BidirectionalRnn, Dropout
from seqblend.models.transformer import Transformer, TransformerBlock, TransformerOptions, rotate

LENGTHS = torch.tensor([9, 4, 1])


def draw_batch(size=30):
    """Tokens int64 [3, 9] with padding after LENGTHS."""
    tokens = torch.randint(2, size, (3, 9), generator=torch.Generator().manual_seed(0))
    return tokens * (torch.arange(9) < LENGTHS[:, None])


def test_the_convolution_is_that_of_each_row_without_padding():
    options = ConvolutionOptions(width=5, widths=(1, 2, 3), filters=7)
    model = TextConvolution(options, 30, 4).double().eval()
    tokens, longest = draw_batch(), max(options.widths)
    for row, length in enumerate(LENGTHS):
        alone = tokens[row : row + 1, : max(int(length), longest)]
        x = model.embed.table.weight[alone[0]].T[None]  # [1, d, t]
        features = []
        for width, window in zip(options.widths, model.windows, strict=True):
            oracle = nn.Conv1d(5, 7, width).double()
            oracle.weight.data, oracle.bias.data = window.weight[..., 0], window.bias
            features.append(oracle(x[..., : max(int(length), width)]).relu().amax(2))
        expected = model.output(torch.cat(features, dim=1))
        torch.testing.assert_close(model(tokens, LENGTHS)[row : row + 1], expected)


def test_a_batch_shorter_than_every_window_still_has_an_answer():
    model = TextConvolution(ConvolutionOptions(width=5, widths=(4,)), 30, 4).eval()
    short, padded = torch.tensor([[3, 4]]), torch.tensor([[3, 4, 0, 0, 0, 0]])
    length = torch.tensor([2])
    torch.testing.assert_close(model(short, length), model(padded, length))


def test_the_block_is_the_pre_norm_encoder_layer_of_torch(monkeypatch):
    monkeypatch.setattr(transformer, "rotate", lambda x: x)  # torch's layer has no positions
    options = TransformerOptions(width=6, hidden=8, heads=2, inner=3, dropout=0.0)
    block = TransformerBlock(options).double()
    oracle = nn.TransformerEncoderLayer(
        8, 2, 24, 0.0, "gelu", batch_first=True, norm_first=True, dtype=torch.float64
    )
    theirs = {
        "self_attn.in_proj_": block.attention_in,
        "self_attn.out_proj.": block.attention_out,
        "linear1.": block.inner_in,
        "linear2.": block.inner_out,
        "norm1.": block.attention_norm,
        "norm2.": block.inner_norm,
    }
    kinds = ("weight", "bias")
    oracle.load_state_dict(
        {f"{name}{k}": getattr(layer, k) for name, layer in theirs.items() for k in kinds}
    )
    x = torch.randn(3, 9, 8, dtype=torch.float64)
    mask = torch.arange(9) < LENGTHS[:, None]
    ours = block(x, mask[:, None, None])
    expected = oracle(x, src_key_padding_mask=~mask)
    torch.testing.assert_close(ours[mask], expected[mask], rtol=1e-10, atol=1e-10)


def test_a_transformer_knows_order_and_no_padding():
    options = TransformerOptions(width=6, hidden=8, heads=2)
    model = Transformer(options, 30, 4).double().eval()
    tokens = torch.tensor([[5, 6, 7, 8]])
    length = torch.tensor([4])
    answer = model(tokens, length)
    assert (answer - model(tokens.flip(1), length)).abs().max() > 1e-6
    longer = torch.tensor([[5, 6, 7, 8, 0, 0], [9, 8, 7, 6, 5, 4]])
    torch.testing.assert_close(model(longer, torch.tensor([4, 6]))[:1], answer)


def test_products_of_rotated_vectors_depend_on_the_distance_alone():
    query, key = torch.randn(2, 8, dtype=torch.float64)
    products = rotate(query.expand(12, 8)) @ rotate(key.expand(12, 8)).T
    for distance in (0, 3, -5):
        along = products.diagonal(distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(rotate(query.expand(12, 8))[0], query)


def test_a_width_that_the_heads_do_not_divide_names_both_settings():
    with pytest.raises(FlagError, match=r"got 30: change transformer.hidden or transformer.heads"):
        Transformer(TransformerOptions(hidden=30, heads=4), 30, 2)


def test_the_bag_is_the_mean_over_a_dictionary_of_ngrams():
    options = BagOptions(width=5, orders=3, buckets=1 << 20)
    model = NgramBag(options, 30, 4).double().eval()
    nn.init.normal_(model.ngrams.weight)
    tokens = draw_batch()
    answers = model(tokens, LENGTHS)
    known: dict[tuple[int, ...], int] = {}
    for row, length in enumerate(LENGTHS):
        words = tokens[row, :length].tolist()
        grams = [tuple(words[i : i + n]) for n in (2, 3) for i in range(len(words) - n + 1)]
        for gram in grams:  # its bucket, asked for alone
            single = torch.tensor([gram])
            found = hash_ngrams(single, torch.tensor([len(gram)]), len(gram), options.buckets)
            known[gram] = int(found[0, -1])
        vectors = [model.embed.table.weight[word] for word in words]
        vectors += [model.ngrams.weight[known[gram]] for gram in grams]
        expected = model.output(torch.stack(vectors).mean(0))
        torch.testing.assert_close(answers[row], expected)
    assert len(set(known.values())) == len(known)  # no two of these few share a bucket


def test_ngrams_fill_the_buckets_evenly():
    tokens = torch.cartesian_prod(torch.arange(2, 102), torch.arange(2, 102))
    length = torch.full((len(tokens),), 2)
    found = hash_ngrams(tokens, length, 2, 1_001)[:, 0]
    counts = torch.bincount(found, minlength=1_001)
    assert counts[0] == 0
    assert 800 < (counts[1:] - 10.0).square().sum() / 10.0 < 1_200  # chi-squared of 999 degrees


@pytest.mark.parametrize("kind", ["element", "spatial", "variational"])
def test_only_element_dropout_differs_from_step_to_step(kind):
    torch.manual_seed(0)
    out = Dropout(0.5, kind).train()(torch.ones(4, 30, 6))
    is_shared = bool((out == out[:, :1]).all())
    assert is_shared == (kind != "element")
    assert set(out.unique().tolist()) == {0.0, 2.0}
    assert 0.3 < (out == 0).double().mean() < 0.7


def test_a_recurrent_layer_begins_with_rotations_and_an_open_memory():
    lstm = BidirectionalRnn("lstm", 6, 6, 1).passes[0]
    for gate in lstm.weight_hh_l0.split(6):
        torch.testing.assert_close(gate @ gate.T, torch.eye(6))
    assert lstm.weight_ih_l0.abs().max() <= (6 / 12) ** 0.5  # xavier: sqrt(6 / (in + out))
    assert lstm.bias_ih_l0.tolist() == [0.0] * 6 + [1.0] * 6 + [0.0] * 12
    assert not lstm.bias_hh_l0.any()
