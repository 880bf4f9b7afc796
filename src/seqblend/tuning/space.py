"""The search space: knobs of a model and of its training that have a range, and their values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seqblend.core.config import Config
from seqblend.core.errors import FlagError, suggest
from seqblend.core.knobs import Choice, Span, override
from seqblend.models.registry import entry_for, resolve_options

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SECTIONS = ("train", "options", "vocabulary", "embedding")
USUAL = "train,options"
Values = dict[str, Any]  # "section.name" -> value
_STEP = 0.15  # standard deviation of a step near the start, as a share of the range
_CHANGED = 0.3  # chance that a choice changes near the start


@dataclass(frozen=True)
class Knob:
    """A setting that is searched: `name` such as train.lr, its range, and where it starts."""

    name: str
    search: Span | Choice
    default: Any

    def holds(self, value: Any) -> bool:
        """Whether the value lies in the range."""
        if isinstance(self.search, Choice):
            return value in self.search.values
        return self.search.low <= value <= self.search.high

    def near(self, rng: np.random.Generator) -> Any:
        """A value near the start: a short way along a span; a choice mostly as it is."""
        if isinstance(self.search, Choice):
            others = [value for value in self.search.values if value != self.default]
            return others[rng.integers(len(others))] if rng.random() < _CHANGED else self.default
        low, high, start = self.search.low, self.search.high, self.default
        if not self.holds(start):  # 0 on a log scale: off, and no place to be near to
            return start
        if self.search.log:
            low, high, start = np.log([low, high, start])
        value = low + abs(rng.normal(start, _STEP * (high - low)) - low)  # an end throws it back
        value = max(high - abs(high - value), low)
        value = float(np.exp(value)) if self.search.log else float(value)
        value = min(max(value, self.search.low), self.search.high)  # exp(log(x)) is not quite x
        return round(value) if isinstance(self.default, int) else value

    def distribution(self) -> BaseDistribution:
        """The range as Optuna has it."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if isinstance(self.search, Choice):
            return CategoricalDistribution(self.search.values)
        low, high, log = self.search.low, self.search.high, self.search.log
        if isinstance(self.default, int):
            return IntDistribution(int(low), int(high), log=log)
        return FloatDistribution(low, high, log=log)


@dataclass(frozen=True)
class Space:
    """The knobs that are searched; every other setting stays as it is."""

    knobs: tuple[Knob, ...]

    @property
    def start(self) -> Values:
        """Each knob's value before any search."""
        return {knob.name: knob.default for knob in self.knobs}

    def near(self, rng: np.random.Generator) -> Values:
        """Each knob's value near the start."""
        return {knob.name: knob.near(rng) for knob in self.knobs}

    def distributions(self) -> dict[str, BaseDistribution]:
        """What Optuna samples from."""
        return {knob.name: knob.distribution() for knob in self.knobs}

    def complete(self, values: Values) -> Values:
        """The values that lie in their ranges, and the start for every other knob."""
        return {
            knob.name: values[knob.name]
            if knob.name in values and knob.holds(values[knob.name])
            else knob.default
            for knob in self.knobs
        }

    def described(self) -> dict[str, Any]:
        """JSON that names the space: a changed range is another one."""
        return {k.name: [type(k.search).__name__, dataclasses.asdict(k.search)] for k in self.knobs}


def settings_of(values: Values) -> dict[str, Values]:
    """{"train.lr": 0.01} -> {"train": {"lr": 0.01}}, as config.configure takes it."""
    settings: dict[str, Values] = {}
    for name, value in values.items():
        section, _, key = name.partition(".")
        settings.setdefault(section, {})[key] = value
    return settings


def make_space(
    config: Config, model: str, vary: str = USUAL, fixed: Iterable[str] = (), *, width: bool = True
) -> Space:
    """The knobs to search for a model.

    vary: sections and knobs joined by commas, each knob optionally with a range of its own:
        train,options.hidden=32|64,train.lr=0.001..0.01
    fixed: names that the user has set; searched only where `vary` names them
    width: False where given vectors decide the width of token embeddings

    raises: FlagError for an unknown section or knob, an empty range, or nothing to search
    """
    sections = _sections_of(config, model)
    every = _knobs_of(sections, entry_for(model).defaults)
    held = {name for name in every if name in fixed or (name == "options.width" and not width)}
    chosen: dict[str, Knob] = {}
    for part in filter(None, map(str.strip, vary.split(","))):
        name, has_range, text = part.partition("=")
        if name in SECTIONS:
            inside = {n: k for n, k in every.items() if n.startswith(f"{name}.") and n not in held}
            chosen = inside | chosen
        elif name in every:
            section, _, key = name.partition(".")
            chosen[name] = every[name]
            if has_range:
                chosen[name] = _with_range(every[name], text, sections[section], key)
        else:
            known = [*SECTIONS, *every]
            raise FlagError(f"--vary: no section or knob '{name}'{suggest(name, known, 'Known')}")
    if not chosen:
        raise FlagError(
            f"--vary {vary}: nothing is left to search for {model}; everything there was set by "
            "--set or --config, or has no effect on it"
        )
    return Space(tuple(_checked(chosen[name]) for name in sorted(chosen)))


def _sections_of(config: Config, model: str) -> dict[str, Any]:
    """The dataclasses of settings that have an effect on the model, by section."""
    entry = entry_for(model)
    parts = {"options": resolve_options(model, config.options)}
    if entry.kind != "linear":
        parts |= {"train": config.train, "vocabulary": config.vocabulary}
    if entry.takes_vectors:
        parts["embedding"] = config.embedding
    return parts


def _knobs_of(sections: dict[str, Any], own: dict[str, Any]) -> dict[str, Knob]:
    """Every setting that has a search range, by name.

    own: what the registration itself sets (the depth of stacked_lstm) makes the model: it stays
    """
    found = {}
    for section, values in sections.items():
        for field in dataclasses.fields(values):
            search, default = field.metadata.get("search"), getattr(values, field.name)
            if search is not None and not (section == "options" and field.name in own):
                name = f"{section}.{field.name}"
                found[name] = Knob(name, _reaching(search, default), default)
    return found


def _reaching(search: Span | Choice, default: Any) -> Span | Choice:
    """The range, widened so that it holds the value it starts from."""
    if isinstance(search, Choice):
        return search if default in search.values else Choice((default, *search.values))
    if search.log and default <= 0:  # 0 switches a thing off: no place on a log scale
        return search
    return dataclasses.replace(search, low=min(search.low, default), high=max(search.high, default))


def _with_range(knob: Knob, text: str, section: Any, key: str) -> Knob:
    """The knob with the range that `low..high` or `a|b|c` names; values are read as by --set."""

    def read(word: str) -> Any:
        return getattr(override(section, {key: word.strip()}), key)

    ends = text.split("..")
    if isinstance(knob.search, Span) and len(ends) == 2:
        search: Span | Choice = dataclasses.replace(
            knob.search, low=read(ends[0]), high=read(ends[1])
        )
        first = search.low
    elif isinstance(knob.search, Choice) and text:
        search = Choice(tuple(dict.fromkeys(map(read, text.split("|")))))
        first = search.values[0]
    else:
        raise FlagError(f"--vary {knob.name} expects {_form_of(knob)}, got '{text}'")
    ranged = dataclasses.replace(knob, search=search)
    return ranged if ranged.holds(knob.default) else dataclasses.replace(ranged, default=first)


def _form_of(knob: Knob) -> str:
    return "low..high" if isinstance(knob.search, Span) else "values such as a|b|c"


def _checked(knob: Knob) -> Knob:
    """The knob, where its range holds more than one value."""
    search = knob.search
    if isinstance(search, Choice):
        is_empty = len(search.values) < 2
    else:
        is_empty = not search.low < search.high or (search.log and search.low <= 0)
    if is_empty:
        held = search.values if isinstance(search, Choice) else f"{search.low:g}..{search.high:g}"
        raise FlagError(
            f"--vary {knob.name}: the range {held} is empty; it expects "
            f"{_form_of(knob)} with at least two values"
            + (" above 0" if isinstance(search, Span) and search.log else "")
        )
    return knob
