"""Real-valued steps, as of sensors: standardised for models of values, as tokens for others.

A token such as `speed=7` says that 7 of the 15 values that cut the column's training values into
equal parts are not above the step's. A row begins with such tokens of its mean, standard deviation,
least and largest value, by tenths of the training rows': `speed mean=3`. Where several columns have
the same steps, they come step by step, each step after the token of the typical step nearest to it,
which stands for all of them in large competitions.

Source: symbolic representations of series (Lin, Keogh, Wei and Lonardi 2007, SAX), with quantiles
in place of those of a normal distribution; codebooks of typical steps by k-means (Lloyd 1982).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, pairwise
from typing import Self

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans

from seqblend.core.seeds import rng_for
from seqblend.reading.column_roles import to_number
from seqblend.reading.kinds import IS_TIME

_STEP_BINS, _ROW_BINS = 16, 10
_MOST_CODES, _STEPS_PER_CODE = 128, 8
_MOST_STEPS = 20_000  # that typical steps are found from
_LARGEST = 1e100  # numbers whose squares can be added up are below
_MOST_TOLD = 1_000_000  # values of training rows above which typical steps stand for all columns
_SUMMARIES: dict[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean,
    "deviation": np.std,
    "least": np.min,
    "most": np.max,
}


@dataclass(frozen=True)
class Channel:
    """A column's quantiles, of the training rows.

    centre, scale: mean and standard deviation of single values; 1 for a constant column
    steps: float64 [b], ascending, between the parts of single values
    rows: the same for each summary of a row
    """

    name: str
    centre: float
    scale: float
    steps: np.ndarray
    rows: dict[str, np.ndarray]

    @classmethod
    def fit(cls, name: str, rows: list[np.ndarray]) -> Self:
        """The quantiles of a column. rows: float64 [t] each, NaN for what is no number"""
        known = [row for row in map(_known, rows) if len(row)] or [np.zeros(1)]
        summaries = {
            what: _edges(np.array([measure(row) for row in known]), _ROW_BINS)
            for what, measure in _SUMMARIES.items()
        }
        values = np.concatenate(known)
        scale = float(values.std())
        edges = _edges(values, _STEP_BINS)
        return cls(name, float(values.mean()), scale if scale > 0 else 1.0, edges, summaries)

    def step_tokens(self, values: np.ndarray) -> list[str]:
        """A token for each step; `?` in place of the number of one that is none."""
        places = np.searchsorted(self.steps, values, side="right").tolist()
        return [
            f"{self.name}={place if is_known else '?'}"
            for place, is_known in zip(places, np.isfinite(values).tolist(), strict=True)
        ]

    def row_tokens(self, values: np.ndarray) -> list[str]:
        """A token for each summary of the row; none where no step has a value."""
        values = _known(values)
        if not len(values):
            return []
        return [
            f"{self.name} {what}={int(np.searchsorted(edges, _SUMMARIES[what](values), 'right'))}"
            for what, edges in self.rows.items()
        ]


@dataclass(frozen=True)
class Codebook:
    """Typical steps of several columns. codes: float64 [k, c], standardised"""

    codes: np.ndarray

    @classmethod
    def fit(cls, steps: np.ndarray) -> Self | None:
        """Typical ones among standardised steps float64 [n, c]; None where these are too few."""
        order = rng_for(0, "typical steps").permutation(len(steps))[:_MOST_STEPS]
        some = np.nan_to_num(steps[order])
        count = min(_MOST_CODES, len(steps) // _STEPS_PER_CODE, len(np.unique(some, axis=0)))
        if count < 2:
            return None
        return cls(KMeans(count, n_init=1, random_state=0).fit(some).cluster_centers_)

    def tokens(self, steps: np.ndarray) -> list[str]:
        """The token of the nearest typical step, of each of standardised steps float64 [t, c]."""
        apart = np.nan_to_num(steps)[:, None] - self.codes  # [t, codes, c]; no BLAS: see map_forked
        nearest = np.square(apart).sum(axis=2).argmin(axis=1)
        return [f"step={code}" for code in nearest.tolist()]


@dataclass(frozen=True)
class Measurements:
    """How the real-valued columns of a competition are read.

    kinds: of kinds.MEASURED, by column; channels: by name, a column's or what _channels has of it
    codebook: of the channels that tokens tell, None for less than two
    is_large: whether there are so many values that tokens tell the typical steps alone
    """

    kinds: dict[str, str]
    channels: dict[str, Channel]
    codebook: Codebook | None
    is_large: bool = False

    @classmethod
    def fit(cls, kinds: dict[str, str], rows: Iterable[Sequence[list[str]]]) -> Self:
        """Quantiles and typical steps of the training rows. rows: each column's steps, as text"""
        rows = list(rows)
        plain = cls(kinds, {}, None)
        values = [plain._values(row) for row in rows]
        names = values[0] if values else ()
        channels = {name: Channel.fit(name, [row[name] for row in values]) for name in names}
        plain = cls(kinds, channels, None)
        told = [plain._values(row, has_times=False) for row in rows]
        even = [plain._standardise(row) for row in told if _are_even(row)]
        steps = np.concatenate(even) if even else np.zeros((0, 0))
        book = Codebook.fit(steps) if steps.shape[1] > 1 else None
        return cls(kinds, channels, book, steps.size > _MOST_TOLD)

    def tokens(self, row: Sequence[list[str]], *, has_steps: bool = True) -> list[str]:
        """The tokens of a row: summaries first, then step by step where all have the same steps.

        has_steps: False for summaries alone. Times are left out: time_tokens has theirs.
        """
        values = self._values(row, has_times=False)
        pairs = [(self.channels[name], own) for name, own in values.items()]
        summaries = list(chain(*(channel.row_tokens(own) for channel, own in pairs)))
        if not has_steps or not values:
            return summaries
        is_even = _are_even(values)
        typical = []
        if is_even and self.codebook is not None:
            typical.append(self.codebook.tokens(self._standardise(values)))
            if self.is_large:
                return [*summaries, *typical[0]]
        steps = [*typical, *(channel.step_tokens(own) for channel, own in pairs)]
        return [*summaries, *(chain(*zip(*steps, strict=True)) if is_even else chain(*steps))]

    def values(self, row: Sequence[list[str]]) -> np.ndarray:
        """float32 [t, c]: the steps of a row, standardised, at least one; NaN for what is none."""
        values = self._standardise(self._values(row)).astype(np.float32)
        return values if len(values) else np.full((1, values.shape[1]), np.nan, dtype=np.float32)

    def _values(self, row: Sequence[list[str]], *, has_times: bool = True) -> dict[str, np.ndarray]:
        """{channel: float64 [t]}, NaN for what is none. row: each column's steps"""
        found = {}
        for (name, kind), steps in zip(self.kinds.items(), row, strict=True):
            if has_times or kind != "times":
                found |= _channels(name, kind, steps)
        return found

    def _standardise(self, row: dict[str, np.ndarray]) -> np.ndarray:
        """float64 [t, c], NaN for what is no finite number, and behind the end of a channel."""
        steps = np.full((max(map(len, row.values()), default=0), len(row)), np.nan)
        for k, (name, values) in enumerate(row.items()):
            channel = self.channels[name]
            steps[: len(values), k] = (values - channel.centre) / channel.scale
        return np.where(np.isfinite(steps), steps, np.nan)


def _channels(name: str, kind: str, steps: list[str]) -> dict[str, np.ndarray]:
    """The channels of a column: its numbers; of counters how far they are, and the gaps.

    Of amounts the logarithm of 1 + number. Of times: the gap, by the logarithm of its seconds, the
    hour and the weekday (0: Monday).
    """
    if kind == "numbers":
        return {name: _numbers(steps)}
    if kind == "amounts":
        return {name: np.log1p(np.maximum(_numbers(steps), 0.0))}
    if kind == "counters":
        values = _numbers(steps)
        return {name: values - values[:1], f"{name} gap": _gaps(values)}
    seconds = np.array(list(map(_seconds, steps)), dtype=np.float64)
    gaps = _gaps(seconds)
    return {
        f"{name} gap": np.sign(gaps) * np.log1p(np.abs(gaps)),
        f"{name} hour": seconds / 3600 % 24,
        f"{name} weekday": np.floor(seconds / 86_400 + 3) % 7,  # the epoch began on a Thursday
    }


def _gaps(values: np.ndarray) -> np.ndarray:
    """float64 [t]: the difference to the step before, 0 at the first."""
    return np.diff(values, prepend=values[:1])


def time_tokens(steps: list[str]) -> list[str]:
    """Weekday and hour of the first time, then the gap before each further one.

    A gap is told by the power of two below its seconds: `gap5` is 31 to 62 seconds.
    """
    seconds = [math.floor(found) for step in steps if math.isfinite(found := _seconds(step))]
    if not seconds:
        return []
    first = datetime.fromtimestamp(seconds[0], UTC)
    gaps = [after - before for before, after in pairwise(seconds)]
    told = (f"gap{'-' if gap < 0 else ''}{(abs(gap) + 1).bit_length() - 1}" for gap in gaps)
    return [first.strftime("%a"), first.strftime("%Hh"), *told]


@lru_cache(maxsize=100_000)
def _seconds(text: str) -> float:
    """Seconds since 1970 of a time, NaN where it is none; one without a zone is taken for UTC."""
    if not IS_TIME.match(text := text.strip()):
        return math.nan
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = pd.to_datetime(text, errors="coerce", utc=True)
        return math.nan if moment is pd.NaT else moment.timestamp()
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _numbers(steps: list[str]) -> np.ndarray:
    """float64 [t]: the numbers, NaN for what is none, and for those beyond all measure."""
    try:
        values = np.array(steps, dtype=np.float64)
    except ValueError:
        found = (to_number(step) for step in steps)
        values = np.array([np.nan if value is None else value for value in found], np.float64)
    return np.where(np.abs(values) < _LARGEST, values, np.nan)


def _known(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _are_even(row: dict[str, np.ndarray]) -> bool:
    return len(set(map(len, row.values()))) == 1


def _edges(values: np.ndarray, bins: int) -> np.ndarray:
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
