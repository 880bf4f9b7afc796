"""Features of real-valued steps: how often fixed convolutions exceed a bias, and summaries.

Source: MINIROCKET (Dempster, Schmidt and Webb 2021): the 84 kernels of length 9 with the weights -1
and three times 2, dilated, and biases that are quantiles of their outputs. As in MultiRocket (Tan
et al. 2022) half of them read differences of neighbouring steps.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.data.sequences import SequenceSet

_KERNELS, _TAPS = 84, 9  # kernels: three of nine taps weigh 2 in place of -1
_MOST_DILATIONS = 32
_MOST_CHANNELS = 9  # that one convolution adds up
_SAMPLE = 16  # rows whose outputs give the biases
_MOST_SAMPLED = 100_000  # steps of these rows
_BLOCK = 1_000  # rows summed up at once
_CHUNK = 8_192  # steps convolved at once: 3 MB of outputs
MOST_STEPS = 65_535  # of a row; the rest is left out


@dataclass(frozen=True)
class RandomConvolutions:
    """g groups of the 84 kernels: each reads a sum of columns, or its differences, at one dilation.

    dilations: int64 [g]; differences: bool [g]; columns: bool [g, c], which are summed
    biases: float32 [g, 84, b]
    """

    dilations: np.ndarray
    differences: np.ndarray
    columns: np.ndarray
    biases: np.ndarray

    @classmethod
    def fit(cls, steps: SequenceSet, count: int, seed: int) -> Self:
        """At most `count` features, but at least 168, with dilations for the rows' usual length."""
        rng, width = rng_for(seed, "random convolutions"), steps.tokens.shape[1]
        length = min(float(np.quantile(steps.lengths, 0.75)), MOST_STEPS)
        most = np.log2(max((length - 1) / (_TAPS - 1), 1))
        exponents = np.linspace(0, most, min(max(count // (2 * _KERNELS), 1), _MOST_DILATIONS))
        plan = list(itertools.product(np.unique(np.int64(2**exponents)), (False, True)))
        rounds = 1 if width == 1 else max(count // (_KERNELS * len(plan)), 1)
        dilations, differences = (np.array(part * rounds) for part in zip(*plan, strict=True))
        columns = np.zeros((len(dilations), width), dtype=bool)
        for row in columns:
            size = int(2 ** rng.uniform(0, np.log2(min(width, _MOST_CHANNELS) + 1)))
            row[rng.permutation(width)[:size]] = True
        each = max(count // (_KERNELS * len(columns)), 1)
        empty = np.zeros((len(columns), _KERNELS, each), dtype=np.float32)
        order = rng.permutation(len(steps))[:_SAMPLE]
        within = np.cumsum(steps.lengths[order]) <= _MOST_SAMPLED
        drawn = steps.take(order[: max(int(within.sum()), 1)])
        found = cls(dilations, differences, columns, empty)
        return cls(dilations, differences, columns, found._quantiles(drawn))

    def _quantiles(self, steps: SequenceSet) -> np.ndarray:
        """float32 [g, 84, b]: quantiles of the rows' outputs, by a low-discrepancy sequence."""
        numbers = np.arange(1, self.biases.size + 1)
        shares = (numbers * (np.sqrt(5) + 1) / 2 % 1).reshape(self.biases.shape)
        rows = [_pad(steps, [i]) for i in range(len(steps))]
        biases = np.empty_like(self.biases)
        for g, share in enumerate(shares):
            outputs = np.hstack([self._convolve(g, x, ends)[:, 0] for x, ends in rows])
            outputs.sort(axis=1)
            places = (share * outputs.shape[1]).astype(np.int64)
            biases[g] = np.take_along_axis(outputs, places, axis=1)
        return biases

    def transform(self, steps: SequenceSet) -> np.ndarray:
        """float32 [n, p]: the share of a row's steps at which an output is above the bias.

        A row's features are the same whatever rows are beside it.
        """
        features = np.empty((len(steps), self.biases.size), dtype=np.float32)
        for rows in _batches(steps.lengths):
            x, ends = _pad(steps, rows)
            parts = []
            for g, biases in enumerate(self.biases):
                outputs = self._convolve(g, x, ends)
                for bias in biases.T:
                    is_above = outputs > bias[:, None, None]
                    counts = np.add.reduce(is_above.view(np.uint8), axis=2, dtype=np.uint16)
                    parts.append(counts)
            lengths = np.minimum(steps.lengths[rows], MOST_STEPS).astype(np.float32)
            features[rows] = (np.concatenate(parts) / lengths).T
        return features

    def _convolve(self, g: int, x: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """float32 [84, b, t]: a group's outputs of x float32 [b, c, t]; -inf behind a row's end.

        ends: float32 [b, t], 0 within a row and -inf behind it. Sums alone, one step after the
        other: no matrix product, whose last digits would depend on the rows beside.
        """
        series = np.zeros(ends.shape, dtype=np.float32)
        for k in np.flatnonzero(self.columns[g]):
            series += x[:, k]
        if self.differences[g]:
            series = np.where(ends == 0, np.diff(series, prepend=series[:, :1]), np.float32(0))
        reach, length = int(self.dilations[g]), ends.shape[1]
        padded = np.pad(series, ((0, 0), (reach * (_TAPS // 2),) * 2))
        taps = np.stack([padded[:, k * reach : k * reach + length] for k in range(_TAPS)])
        base = ends - taps.sum(axis=0)  # every tap weighs -1
        taps *= 3
        outputs, first = np.empty((_KERNELS, *ends.shape), dtype=np.float32), 0
        for i in range(_TAPS - 2):
            for j in range(i + 1, _TAPS - 1):  # the third tap is each one behind
                last = first + _TAPS - 1 - j
                np.add(taps[j + 1 :], base + taps[i] + taps[j], out=outputs[first:last])
                first = last
        return outputs

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that from_arrays needs."""
        return vars(self)

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        """The features that gave these arrays."""
        return cls(*(arrays[name] for name in cls.__dataclass_fields__))


def summarise_steps(steps: SequenceSet) -> np.ndarray:
    """float32 [n, 8 c + 1]: of each column what the kernels, whose sum is 0, do not see.

    Mean, standard deviation, least, largest, first and last value, mean size of the differences of
    neighbours, share of steps without a value; and the logarithm of the row's steps.
    """
    blocks = range(0, max(len(steps), 1), _BLOCK)
    return np.concatenate([_summarise(steps.take(slice(i, i + _BLOCK))) for i in blocks])


def _summarise(steps: SequenceSet) -> np.ndarray:
    values, offsets = steps.flat()
    values, begins = values.astype(np.float64), offsets[:-1]
    is_known = np.isfinite(values)
    known = np.add.reduceat(is_known, begins, dtype=np.int64)
    divisor = np.maximum(known, 1)
    filled = np.where(is_known, values, 0.0)
    mean = np.add.reduceat(filled, begins) / divisor
    apart = np.where(is_known, values - np.repeat(mean, steps.lengths, axis=0), 0.0)
    deviation = np.sqrt(np.add.reduceat(apart**2, begins) / divisor)
    least = np.minimum.reduceat(np.where(is_known, values, np.inf), begins)
    most = np.maximum.reduceat(np.where(is_known, values, -np.inf), begins)
    moves = np.abs(np.diff(filled, axis=0, prepend=0.0))
    moves[begins] = 0.0
    move = np.add.reduceat(moves, begins) / steps.lengths[:, None]
    unknown = 1 - known / steps.lengths[:, None]
    limits = [np.where(known, limit, 0.0) for limit in (least, most)]
    ends = filled[begins], filled[offsets[1:] - 1]
    parts = [mean, deviation, *limits, *ends, move, unknown]
    return np.hstack([*parts, np.log(steps.lengths)[:, None]]).astype(np.float32)


def _batches(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Rows of about one length together: int64 [b] each."""
    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        longest = lengths[order[first : first + _CHUNK]]
        steps = longest * np.arange(1, len(longest) + 1)
        count = max(int(np.searchsorted(steps, _CHUNK, side="right")), 1)
        yield order[first : first + count]
        first += count


def _pad(steps: SequenceSet, rows: np.ndarray | list[int]) -> tuple[np.ndarray, np.ndarray]:
    """(float32 [b, c, t], 0 behind a row's end; float32 [b, t], 0 within a row and -inf behind)."""
    lengths = np.minimum(steps.lengths[rows], MOST_STEPS)
    longest = int(lengths.max())
    x = np.zeros((len(lengths), steps.tokens.shape[1], longest), dtype=np.float32)
    for i, (row, length) in enumerate(zip(rows, lengths.tolist(), strict=True)):
        x[i, :, :length] = np.nan_to_num(steps.row(row)[:length].T)
    is_within = np.arange(longest) < lengths[:, None]
    return x, np.where(is_within, np.float32(0), np.float32(-np.inf))
