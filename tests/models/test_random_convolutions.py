"""Features of real-valued steps against loops over kernels, taps and steps."""

import itertools

import numpy as np
import pytest

from seqblend.data.sequences import SequenceSet
from seqblend.models import random_convolutions
from seqblend.models.random_convolutions import RandomConvolutions, summarise_steps


def draw(lengths, width, seed=0):
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=(length, width)).astype(np.float32) for length in lengths]
    return SequenceSet.from_rows(rows)


def convolve_slowly(row, columns, dilation, weights, *, has_differences):
    """One kernel's outputs at each step of float32 [t, c]; outside a row there are zeros."""
    series = row[:, columns].sum(axis=1)
    if has_differences:
        series = np.array([0.0, *np.diff(series)])
    places = [np.arange(len(series)) + (k - 4) * dilation for k in range(9)]
    inside = [(place >= 0) & (place < len(series)) for place in places]
    taps = [
        np.where(known, series[np.clip(place, 0, len(series) - 1)], 0)
        for place, known in zip(places, inside, strict=True)
    ]
    return np.tensordot(weights, taps, 1)


@pytest.mark.parametrize("width", [1, 3])
def test_a_feature_is_the_share_of_steps_above_its_bias(width):
    steps = draw([30, 7, 1, 64, 30, 12], width)
    fitted = RandomConvolutions.fit(steps, 1_500, 0)
    found = fitted.transform(steps).reshape(6, len(fitted.biases), -1, 84)  # by bias, then kernel
    kernels = list(itertools.combinations(range(9), 3))
    assert {1, 2, 3} <= set(fitted.dilations.tolist()), "or the test sees too little"
    assert fitted.differences.any()
    assert not fitted.differences.all()
    for i, g in itertools.product(range(6), range(len(fitted.biases))):
        for kernel, taps in enumerate(kernels):
            weights = np.where(np.isin(np.arange(9), taps), 2.0, -1.0)
            outputs = convolve_slowly(
                steps.row(i),
                fitted.columns[g],
                fitted.dilations[g],
                weights,
                has_differences=fitted.differences[g],
            )
            for b, bias in enumerate(fitted.biases[g, kernel]):
                if np.abs(outputs - bias).min() > 1e-4:  # else a rounding error decides
                    assert found[i, g, b, kernel] == np.float32(np.mean(outputs > bias))


def test_kernels_read_some_columns_and_all_columns_are_read():
    fitted = RandomConvolutions.fit(draw([60] * 20, 12), 10_000, 0)
    counts = fitted.columns.sum(axis=1)
    assert counts.min() == 1
    assert 6 <= counts.max() <= 9
    assert fitted.columns.any(axis=0).all()


def test_biases_are_spread_over_the_outputs_of_training_rows():
    steps = draw([50] * 16, 1)
    fitted = RandomConvolutions.fit(steps, 10_000, 0)
    means = fitted.transform(steps).mean(axis=0)
    counts = np.histogram(means, bins=10, range=(0, 1))[0]
    assert counts.min() > 0.8 * counts.mean()


def test_rows_beside_a_row_change_no_byte_of_it(monkeypatch):
    steps = draw(np.random.default_rng(1).integers(1, 90, 40), 3)
    fitted = RandomConvolutions.fit(steps, 3_000, 0)
    together = fitted.transform(steps)
    order = np.random.default_rng(2).permutation(40)
    assert fitted.transform(steps.take(order)).tobytes() == together[order].tobytes()
    alone = [fitted.transform(steps.take(slice(i, i + 1)))[0] for i in range(40)]
    assert np.array(alone).tobytes() == together.tobytes()
    monkeypatch.setattr(random_convolutions, "_CHUNK", 100)
    assert fitted.transform(steps).tobytes() == together.tobytes()


def test_the_same_seed_gives_the_same_features_and_arrays_give_them_again():
    steps = draw([30] * 10, 4)
    one, other = (RandomConvolutions.fit(steps, 1_000, seed) for seed in (0, 1))
    again = RandomConvolutions.from_arrays(one.arrays())
    assert again.transform(steps).tobytes() == one.transform(steps).tobytes()
    same = RandomConvolutions.fit(steps, 1_000, 0)
    assert same.transform(steps).tobytes() == one.transform(steps).tobytes()
    assert not np.array_equal(one.columns, other.columns)


def test_what_lies_behind_the_longest_row_is_left_out(monkeypatch):
    steps, longer = draw([40] * 6, 1), draw([40] * 6, 1)
    more = SequenceSet.from_rows([np.vstack([longer.row(i), longer.row(0)]) for i in range(6)])
    monkeypatch.setattr(random_convolutions, "MOST_STEPS", 40)
    fitted = RandomConvolutions.fit(more, 500, 0)
    assert fitted.transform(more).tobytes() == fitted.transform(steps).tobytes()


def test_steps_without_a_value_count_as_the_mean():
    steps = draw([20] * 4, 2)
    values = steps.tokens.copy()
    values[::3, 0] = np.nan
    with_gaps = SequenceSet(values, steps.starts, steps.lengths)
    filled = SequenceSet(np.nan_to_num(values), steps.starts, steps.lengths)
    fitted = RandomConvolutions.fit(with_gaps, 500, 0)
    assert fitted.transform(with_gaps).tobytes() == fitted.transform(filled).tobytes()


def test_summaries_are_those_of_the_known_values():
    steps = draw([9, 1, 4], 2)
    values = steps.tokens.copy()
    values[2, 0] = values[9, 1] = np.nan
    values[0, 1] = np.nan
    found = summarise_steps(SequenceSet(values, steps.starts, steps.lengths))
    for i, length in enumerate((9, 1, 4)):
        expected = []
        for measure in (np.mean, np.std, np.min, np.max):
            for column in values[steps.starts[i] :][:length].T:
                known = column[np.isfinite(column)]
                expected.append(measure(known) if len(known) else 0.0)
        row = np.nan_to_num(values[steps.starts[i] :][:length])
        expected += [*row[0], *row[-1], *(np.abs(np.diff(row, axis=0)).sum(axis=0) / length)]
        expected += [*np.isnan(values[steps.starts[i] :][:length]).mean(axis=0), np.log(length)]
        np.testing.assert_allclose(found[i], expected, rtol=1e-5, atol=1e-6)
