"""One contract for every registered model."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import sequence_set, view_of
from fit_examples import (
    MODULES,
    NAMES,
    OPTIONS,
    TRAIN,
    draw,
    draw_for,
    make_context,
    with_steps,
)

from seqblend.models.registry import entry_for, resolve_options
from seqblend.training.contract import Rows
from seqblend.training.members import fit_member, member_from_arrays


@pytest.fixture(scope="module")
def fitted():
    """Every member, fitted once on the same handful of rows."""
    return {
        name: fit_member(draw_for(name), draw_for(name, 30, 1), make_context(name))
        for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_probabilities_are_float32_and_rows_sum_to_one(fitted, name):
    p = fitted[name].predict(draw_for(name, 17, 2).sequences)
    assert p.dtype == np.float32
    assert p.shape == (17, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_handful_of_rows_can_be_learnt(fitted, name):
    train = draw_for(name)
    assert np.mean(fitted[name].predict(train.sequences).argmax(axis=1) == train.targets) >= 0.95


@pytest.mark.fault("R1")
@pytest.mark.parametrize("name", NAMES)
def test_predictions_come_back_in_file_order(fitted, name):
    rows = draw_for(name, 40, 3).sequences
    order = np.random.default_rng(0).permutation(40)
    straight, shuffled = (fitted[name].predict(rows.take(o)) for o in (np.arange(40), order))
    np.testing.assert_allclose(shuffled, straight[order], atol=1e-5)


@pytest.mark.fault("R1")
@pytest.mark.parametrize("name", NAMES)
def test_batch_mates_and_padding_do_not_matter(fitted, name):
    rows = draw_for(name, 40, 4).sequences
    together = fitted[name].predict(rows)
    alone = np.concatenate([fitted[name].predict(rows.take(slice(i, i + 1))) for i in range(40)])
    np.testing.assert_allclose(alone, together, atol=1e-5)


@pytest.mark.fault("R1")
@pytest.mark.parametrize("name", MODULES)
def test_in_bfloat16_a_batch_of_one_or_many_and_their_order_hardly_matter(fitted, name):
    rows = draw_for(name, 40, 4).sequences
    low = dataclasses.replace(TRAIN, precision="bfloat16")
    member = member_from_arrays(fitted[name].arrays(), make_context(name, train=low))
    together, order = member.predict(rows), np.random.default_rng(0).permutation(40)
    alone = np.concatenate([member.predict(rows.take(slice(i, i + 1))) for i in range(40)])
    np.testing.assert_allclose(alone, together, atol=2e-2)
    np.testing.assert_allclose(member.predict(rows.take(order)), together[order], atol=2e-2)
    np.testing.assert_allclose(together, fitted[name].predict(rows), atol=5e-2)


@pytest.mark.parametrize("name", NAMES)
def test_a_member_comes_back_from_its_arrays_byte_for_byte(fitted, name):
    rows = draw_for(name, 25, 5).sequences
    arrays = fitted[name].arrays()
    assert not any(array.dtype.hasobject for array in arrays.values())
    again = member_from_arrays(arrays, make_context(name))
    assert again.predict(rows).tobytes() == fitted[name].predict(rows).tobytes()


@pytest.mark.fault("R1")
@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes(fitted, name):
    again = fit_member(draw_for(name), draw_for(name, 30, 1), make_context(name))
    rows = draw_for(name, 25, 5).sequences
    assert again.predict(rows).tobytes() == fitted[name].predict(rows).tobytes()


@pytest.mark.fault("K2")
@pytest.mark.parametrize("name", NAMES)
def test_validation_labels_and_rows_leave_the_member_as_it_is(fitted, name):
    valid = draw_for(name, 30, 9)
    other = Rows(valid.sequences, np.roll(valid.targets, 1))
    arrays = fit_member(draw_for(name), other, make_context(name)).arrays()
    assert {key: array.tobytes() for key, array in arrays.items()} == {
        key: array.tobytes() for key, array in fitted[name].arrays().items()
    }


@pytest.mark.fault("I1", "I2")
@pytest.mark.parametrize("name", NAMES)
def test_unknown_tokens_and_classes_without_rows_give_finite_answers(name):
    train = draw_for(name, 60, 0)
    context = make_context(name, classes=4, epochs=1)
    member = fit_member(
        train, draw_for(name, 30, 1), dataclasses.replace(context, view=view_of(20))
    )
    p = member.predict(with_steps(sequence_set([[15, 16], [19], [0, 15]])))
    assert np.isfinite(p).all()
    assert (p[:, 3] < 0.5).all()


VARIANTS = {
    "rnn": {"pooling": "last", "depth": 2, "dropout": 0.2, "dropout_kind": "variational"},
    "textcnn": {"pooling": "attention+max", "widths": (1, 2, 40)},
    "transformer": {"heads": 2},
    "bag": {"orders": 1, "embedding_dropout_kind": "element"},
}


@pytest.mark.parametrize("name", VARIANTS)
def test_other_options_keep_the_contract(name):
    options = resolve_options(name, VARIANTS)
    member = fit_member(draw(), draw(30, 1), make_context(name, options=options, epochs=2))
    rows = draw(12, 4).sequences
    together = member.predict(rows)
    alone = [member.predict(rows.take(slice(i, i + 1))) for i in range(12)]
    np.testing.assert_allclose(np.concatenate(alone), together, atol=1e-5)
    again = member_from_arrays(member.arrays(), member.context)
    assert again.predict(rows).tobytes() == together.tobytes()


@pytest.mark.parametrize("name", MODULES)
def test_every_parameter_gets_a_gradient(name):
    model = entry_for(name).build(resolve_options(name, OPTIONS), 14, 3)
    tokens = torch.randint(2, 14, (4, 9))
    model(tokens, torch.tensor([9, 7, 3, 1])).square().sum().backward()
    assert not [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]


@pytest.mark.parametrize("name", NAMES)
def test_two_classes_work(name):
    member = fit_member(
        draw_for(name, 40, 0, 2), draw_for(name, 20, 1, 2), make_context(name, classes=2)
    )
    labels = draw_for(name, 40, 0, 2).targets
    assert np.mean(member.predict(draw_for(name, 40, 0, 2).sequences).argmax(1) == labels) >= 0.95


def test_lr_scale_multiplies_the_rate():
    halved = {"options": OPTIONS["options"] | {"lr_scale": 0.5}}
    context = make_context("rnn", options=resolve_options("rnn", halved), epochs=1)
    history = fit_member(draw(), draw(30, 1), context).record.history
    assert history["rate"] == [pytest.approx(TRAIN.lr / 2)]


@pytest.mark.parametrize(
    "name", [n for n in NAMES if hasattr(entry_for(n).options, "most_weights")]
)
def test_a_raised_least_count_is_said_and_kept_among_the_facts(name):
    told = []
    small = resolve_options(name, {name: {"min_count": 2, "most_weights": 60}})
    train = dataclasses.replace(TRAIN, adapt=False)
    context = make_context(name, options=small, train=train, report=told.append)
    member = fit_member(draw_for(name), draw_for(name, 30, 1), context)
    (recovery,) = member.record.recoveries
    assert recovery["min_count"] == member.model.index.min_count > recovery["min_count_wanted"] == 2
    assert told == [{"recovery": recovery["sentence"]}]
    assert f"from {recovery['min_count']} occurrences on, not from 2" in recovery["sentence"]
    assert "over 60 weights" in recovery["sentence"]


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_that_had_to_change_nothing_says_nothing(fitted, name):
    assert fitted[name].record.recoveries == []


@pytest.mark.fault("K2")
def test_the_vocabulary_has_the_tokens_of_the_training_rows_alone():
    labels = np.array([0, 1, 0, 1])
    train = Rows(sequence_set([[0, 1], [1, 2], [0, 1], [1, 2]]), labels)
    others = Rows(sequence_set([[3, 3, 3, 3, 4]] * 4), labels)
    view = dataclasses.replace(view_of(12), sequences=others.sequences)
    member = fit_member(train, others, make_context("bag", classes=2, view=view, epochs=1))
    assert np.flatnonzero(member.arrays()["vocabulary"] > 1).tolist() == [0, 1, 2]
