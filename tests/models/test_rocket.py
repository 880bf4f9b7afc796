from types import SimpleNamespace

import numpy as np
import pytest
from conftest import classes_of, sequence_set, view_of
from sklearn.linear_model import LogisticRegression, Ridge

from seqblend.core.errors import FlagError
from seqblend.data.sequences import SequenceSet, View
from seqblend.explaining.trained_model import open_model
from seqblend.models.model_groups import choose_models
from seqblend.models.rocket import RocketOptions, RocketRegression, _features
from seqblend.tasks.multi_label import MultiLabel
from seqblend.tasks.regression import Regression


def draw(n, seed, lengths=(30, 60)):
    """Noise with a bump somewhere; the class is whether it is broad or narrow."""
    rng, rows = np.random.default_rng(seed), []
    for i in range(n):
        t = np.arange(rng.integers(*lengths))
        place = rng.uniform(0.3, 0.7) * len(t)
        bump = np.exp(-0.5 * ((t - place) / (2.0 if i % 2 else 5.0)) ** 2)
        rows.append((bump * 3 + rng.normal(0, 0.3, len(t)))[:, None].astype(np.float32))
    tokens = sequence_set([[0]] * n)
    return SequenceSet(tokens.tokens, tokens.starts, tokens.lengths, SequenceSet.from_rows(rows))


def fit(rows, targets, task=None, **options):
    facts = {"task": task or classes_of(2), "view": view_of(2, rows), "seed": 0}
    return RocketRegression.fit(rows, targets, options=RocketOptions(**options), **facts)


def features_of(member, rows):
    return (_features(member.convolutions, rows.steps) - member.centre) * member.scale


def test_it_tells_shapes_apart_wherever_they_stand():
    labels = np.arange(80) % 2
    member = fit(draw(80, 0), labels)
    assert (member.predict(draw(80, 1)).argmax(1) == labels).mean() > 0.95


def test_predictions_are_scikit_learns_regression_on_the_features():
    train, rows, labels = draw(60, 0), draw(30, 1), np.arange(60) % 3
    member = fit(train, labels, classes_of(3), features=500, strength=10.0, tolerance=1e-7)
    seen, later = (
        np.hstack([features_of(member, part), np.ones((len(part), 1))]) for part in (train, rows)
    )
    oracle = LogisticRegression(C=10.0, fit_intercept=False, tol=1e-10, max_iter=5_000)
    expected = oracle.fit(seen, labels).predict_proba(later)
    np.testing.assert_allclose(member.predict(rows), expected, atol=1e-4)
    numbers = np.random.default_rng(0).normal(size=(60, 2))
    member = fit(train, numbers, Regression(("a", "b")), features=500, strength=10.0)
    oracle = Ridge(alpha=_alpha() / 10.0, tol=1e-10)
    expected = oracle.fit(features_of(member, train), numbers).predict(features_of(member, rows))
    np.testing.assert_allclose(member.predict(rows), expected, atol=1e-2)


def _alpha():
    from seqblend.tasks import regression

    return regression._RIDGE


def test_it_learns_several_labels():
    train = draw(80, 0)
    targets = np.stack([np.arange(80) % 2, train.steps.lengths > 45], axis=1)
    member = fit(train, targets, MultiLabel(("narrow", "long")))
    rows = draw(80, 1)
    truth = np.stack([np.arange(80) % 2, rows.steps.lengths > 45], axis=1)
    assert ((member.predict(rows) > 0.5) == truth).mean(axis=0).min() > 0.9


def test_features_have_the_lengths_that_options_say():
    train = draw(50, 0)
    member = fit(train, np.arange(50) % 2, summaries=2.0)
    x = features_of(member, train)
    own = member.convolutions.biases.size
    is_varied = member.scale > 0
    assert is_varied[:own].mean() > 0.9
    for part, length in ((x[:, :own], 1.0), (x[:, own:], 2.0)):
        share = is_varied[: part.shape[1]].mean() if length == 1 else is_varied[own:].mean()
        assert (part**2).sum(1).mean() == pytest.approx(length**2 * share, rel=1e-3)
    assert np.abs(x.mean(axis=0)).max() < 1e-5


def test_rows_beside_a_row_change_no_byte_of_its_prediction():
    member, rows = fit(draw(60, 0), np.arange(60) % 2), draw(300, 1)
    together = member.predict(rows)
    order = np.random.default_rng(0).permutation(300)
    assert member.predict(rows.take(order)).tobytes() == together[order].tobytes()
    assert member.predict(rows.take(np.array([7]))).tobytes() == together[7].tobytes()


def test_arrays_give_the_same_member_again():
    member, rows = fit(draw(60, 0), np.arange(60) % 2), draw(20, 1)
    again = RocketRegression.from_arrays(member.arrays(), view_of(2), member.task)
    assert again.predict(rows).tobytes() == member.predict(rows).tobytes()


def test_options_tried_on_the_same_rows_share_the_features():
    train, labels = draw(60, 0), np.arange(60) % 2
    one, other = (fit(train, labels, strength=strength) for strength in (1.0, 100.0))
    assert one.convolutions is other.convolutions
    assert fit(draw(60, 0), labels).convolutions is not one.convolutions
    assert fit(train, labels, features=500).convolutions.biases.size < 600


def test_many_rows_have_fewer_features():
    member = fit(draw(60, 0), np.arange(60) % 2, most_values=60 * 1_000)
    assert member.convolutions.biases.size <= 1_000


def test_rows_without_values_are_refused_by_name_and_left_out_of_groups():
    view = view_of(2)
    with pytest.raises(FlagError, match="rocket reads real-valued steps, and there are none"):
        choose_models(["rocket"], ["words"], "single_label", view)
    assert "rocket" not in choose_models(["default"], ["words"], "single_label", view)[0]
    view = View("numbers", draw(5, 0), ["a"])
    assert choose_models(["default"], ["numbers"], "single_label", view)[0][0] == "rocket"


@pytest.mark.parametrize("model", ["rocket", "boosting"])
def test_explanations_of_tokens_are_refused(model):
    view = View("ids", draw(5, 0), ["a"])
    project = SimpleNamespace(competition=SimpleNamespace(view=view))
    with pytest.raises(FlagError, match=f"{model} reads real-valued steps"):
        open_model(project, model, print)


def test_a_constant_of_many_rows_decides_nothing_where_test_rows_have_another():
    rng = np.random.default_rng(0)
    tokens = sequence_set([[0]] * 20_000)

    def rows_of(length, n):
        steps = SequenceSet.from_rows(list(rng.normal(size=(n, length, 1)).astype(np.float32)))
        return SequenceSet(tokens.tokens, tokens.starts[:n], tokens.lengths[:n], steps)

    member = fit(rows_of(12, 20_000), np.int64(rng.random(20_000) < 0.1), features=168)
    for length in (11, 12, 13):
        assert 0.05 < member.predict(rows_of(length, 50))[:, 1].mean() < 0.2
