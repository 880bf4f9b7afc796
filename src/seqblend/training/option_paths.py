"""Options of linear members, chosen on inner splits of their training rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqblend.core.seeds import rng_for
from seqblend.data.stratify import stratified_group_split
from seqblend.tasks.task import Temperature, as_temperature
from seqblend.training.contract import Context, Rows

PARTS = 5  # a part of five validates
_FEW = 1_500  # training rows below which three parts validate in turn
_ENOUGH = 4_000  # rows that options are chosen on, whatever their tokens
MOST_TOKENS = 1_500_000  # of these rows; less where there are many binary problems
PROBLEM = 0.18  # cost of a binary problem, next to that of counting n-grams
_LOOSER = 10  # times the tolerance of the fit itself
_GAIN = 2e-4  # share of the prior loss by which another value has to be better


@dataclass(frozen=True)
class ChosenOptions:
    """Options, and the temperature of the predictions of models fitted with them."""

    options: Any
    temperature: Temperature


@dataclass(frozen=True)
class _Split:
    """Rows that are fitted and rows that validate."""

    train: Rows
    valid: Rows


def choose_options(rows: Rows, context: Context) -> ChosenOptions:
    """The options of least loss on inner splits, found along the paths of the options' class.

    One option after the other walks from its present value to the better neighbour, as long as
    the loss after temperature scaling falls. Options that differ from their default stay: somebody
    has set them.
    """
    splits = list(_inner_splits(rows, context))
    search = _Search(splits, context)
    options, defaults = context.options, type(context.options)()
    paths = {
        name: values
        for name, values in type(options).paths.items()
        if getattr(options, name) == getattr(defaults, name)
    }
    if not splits:
        return ChosenOptions(options, 1.0)
    options = dataclasses.replace(options, **{n: v[len(v) // 2] for n, v in paths.items()})
    for name in [*paths, *list(paths)[:1]]:  # the first one again, after the others
        options = search.walk(options, name, paths[name])
    return ChosenOptions(options, search.temperature(options))


def fit_model(rows: Rows, context: Context) -> Any:
    """The context's model, one that is fitted in one go, with the context's options."""
    settings = {name: getattr(context, name) for name in ("task", "view", "options", "seed")}
    return context.entry.build.fit(rows.sequences, rows.targets, **settings)


def share_tried(rows: int, tokens: int, problems: int) -> float:
    """The share of training rows that options are chosen on; 1 and above: all of them.

    tokens: of the rows; problems: binary ones that a linear model of them solves
    """
    most = MOST_TOKENS / (1 + PROBLEM * problems)
    return max(most / max(tokens, 1), _ENOUGH / max(rows, 1))


def _inner_splits(rows: Rows, context: Context) -> Iterator[_Split]:
    """One or three splits of the rows, or of as many of them as the tokens allow."""
    n = len(rows.targets)
    problems = len(context.task.contrasts(rows.targets))
    share = share_tried(n, int(rows.sequences.lengths.sum()), problems)
    strata = context.task.strata(rows.targets)
    keys = np.arange(n) if rows.keys is None else rows.keys
    numbers = np.unique(keys, return_inverse=True)[1]
    if len(np.unique(numbers)) < PARTS or len(np.unique(strata)) < 2:
        return
    rng = rng_for(0, "options of linear members")
    count = max(round(PARTS / min(share, 1.0)), PARTS)
    part = stratified_group_split(strata, numbers, count, rng)
    for k in range(3 if n < _FEW else 1):
        valid = np.flatnonzero(part == k)
        train = np.flatnonzero((part != k) & (part < PARTS))
        if len(valid) and len(np.unique(strata[train])) > 1:
            yield _Split(rows.take(train), rows.take(valid))


class _Search:
    """Losses and temperatures of options, each computed once."""

    def __init__(self, splits: list[_Split], context: Context) -> None:
        self._splits, self._context = splits, context
        self._found: dict[Any, tuple[float, Temperature]] = {}

    def walk(self, options: Any, name: str, values: tuple[Any, ...]) -> Any:
        """The options with the value of least loss that lies downhill from the present one."""
        place = values.index(getattr(options, name))
        for step in (1, -1):
            start = place
            while 0 <= place + step < len(values):
                ahead = dataclasses.replace(options, **{name: values[place + step]})
                if self.loss(ahead) >= self.loss(options) - self._least_gain():
                    break
                options, place = ahead, place + step
            if place != start:
                break
        return options

    def loss(self, options: Any) -> float:
        """The mean loss over the splits, after the temperature that suits each."""
        return self._measure(options)[0]

    def temperature(self, options: Any) -> Temperature:
        """The geometric mean of the splits' temperatures."""
        return self._measure(options)[1]

    def _least_gain(self) -> float:
        train = self._splits[0].train
        return _GAIN * self._context.task.prior_loss(train.targets)

    def _measure(self, options: Any) -> tuple[float, Temperature]:
        if options not in self._found:
            measured = [self._score(split, options) for split in self._splits]
            losses, temperatures = zip(*measured, strict=True)
            mean = np.exp(np.mean(np.log(temperatures), axis=0))
            self._found[options] = float(np.mean(losses)), as_temperature(mean)
        return self._found[options]

    def _score(self, split: _Split, options: Any) -> tuple[float, Temperature]:
        context = self._context
        if hasattr(options, "tolerance"):
            options = dataclasses.replace(options, tolerance=_LOOSER * options.tolerance)
        model = fit_model(split.train, dataclasses.replace(context, options=options))
        array = model.predict(split.valid.sequences)
        temperature, loss = context.task.fit_temperature(array, split.valid.targets)
        if loss is None:
            loss = float(context.task.losses(split.valid.targets, array).mean())
        return loss, temperature
