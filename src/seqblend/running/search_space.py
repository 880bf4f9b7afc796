"""The search space: the hyperparameters of a model and its training with their ranges."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqblend.core.config import Config
from seqblend.core.errors import FlagError, suggest
from seqblend.core.knobs import Choice, Span, override
from seqblend.models.registry import entry_for, resolve_options

SECTIONS = ("train", "options", "vocabulary", "embedding")
DEFAULT_VARY = "train,options"
Values = dict[str, Any]  # "section.name" -> value
_STEP = 0.15  # standard deviation of a step near the start, as a share of the range
_P_CHANGE = 0.3  # probability that a choice changes near the start


@dataclass(frozen=True)
class Knob:
    """A hyperparameter that is searched: `name` such as train.lr, its range, its default."""

    name: str
    search: Span | Choice
    default: Any

    def contains(self, value: Any) -> bool:
        """Whether the value lies in the range."""
        if isinstance(self.search, Choice):
            return value in self.search.values
        return self.search.low <= value <= self.search.high

    def near(self, rng: np.random.Generator) -> Any:
        """A value near the default: a normal step in a span; a choice changes now and then."""
        if isinstance(self.search, Choice):
            others = [value for value in self.search.values if value != self.default]
            return others[rng.integers(len(others))] if rng.random() < _P_CHANGE else self.default
        low, high, start = self.search.low, self.search.high, self.default
        if not self.contains(start):  # 0 on a log scale switches something off
            return start
        if self.search.log:
            low, high, start = np.log([low, high, start])
        value = low + abs(rng.normal(start, _STEP * (high - low)) - low)  # reflected at the ends
        value = max(high - abs(high - value), low)
        value = float(np.exp(value)) if self.search.log else float(value)
        value = min(max(value, self.search.low), self.search.high)  # exp(log(x)) is not quite x
        return round(value) if isinstance(self.default, int) else value


@dataclass(frozen=True)
class Space:
    """The hyperparameters that are searched; every other setting stays as it is."""

    knobs: tuple[Knob, ...]

    @property
    def start(self) -> Values:
        """The default values."""
        return {knob.name: knob.default for knob in self.knobs}

    def near(self, rng: np.random.Generator) -> Values:
        """Values near the defaults."""
        return {knob.name: knob.near(rng) for knob in self.knobs}

    def complete(self, values: Values) -> Values:
        """The values that lie in their ranges, and the default for every other knob."""
        return {
            knob.name: values[knob.name]
            if knob.name in values and knob.contains(values[knob.name])
            else knob.default
            for knob in self.knobs
        }

    def to_json(self) -> dict[str, Any]:
        """The space as JSON; it names the study, so a changed range is another study."""
        return {k.name: [type(k.search).__name__, dataclasses.asdict(k.search)] for k in self.knobs}


def make_space(
    config: Config,
    model: str,
    vary: str = DEFAULT_VARY,
    fixed: Iterable[str] = (),
) -> Space:
    """The hyperparameters to search for a model.

    vary: sections and settings joined by commas, a setting optionally with a range:
        train,options.hidden=32|64,train.lr=0.001..0.01
    fixed: names that the user has set or given vectors fix; searched only where `vary` names them

    raises: FlagError for an unknown section or setting, an empty range, or nothing to search
    """
    sections = _sections_of(config, model)
    every = _knobs_of(sections, entry_for(model).defaults)
    held = every.keys() & set(fixed)
    chosen: dict[str, Knob] = {}
    for part in filter(None, map(str.strip, vary.split(","))):
        name, has_range, text = part.partition("=")
        section, _, key = name.partition(".")
        if name in SECTIONS:
            inside = {n: k for n, k in every.items() if n.startswith(f"{name}.") and n not in held}
            chosen = inside | chosen
        elif name in every:
            knob = every[name]
            chosen[name] = _with_range(knob, text, sections[section], key) if has_range else knob
        else:
            known = suggest(name, [*SECTIONS, *every], "Known")
            raise FlagError(f"--vary: no section or setting '{name}'{known}")
    if not chosen:
        raise FlagError(
            f"--vary {vary}: nothing is left to search for {model}: each setting was set by --set "
            "or --config, or has no effect on it"
        )
    return Space(tuple(_check_range(chosen[name]) for name in sorted(chosen)))


def _sections_of(config: Config, model: str) -> dict[str, Any]:
    """The dataclasses of settings that have an effect on the model, by section."""
    entry = entry_for(model)
    parts = {"options": resolve_options(model, config.options)}
    if entry.kind != "linear":
        parts |= {"train": config.train, "vocabulary": config.vocabulary}
    if entry.takes_vectors:
        parts["embedding"] = config.embedding
    return parts


def _knobs_of(sections: dict[str, Any], fixed: dict[str, Any]) -> dict[str, Knob]:
    """Every setting that has a search range, by name.

    fixed: options that define the model, such as the depth of stacked_lstm; they are not searched
    """
    found = {}
    for section, values in sections.items():
        for field in dataclasses.fields(values):
            search, default = field.metadata.get("search"), getattr(values, field.name)
            if search is not None and not (section == "options" and field.name in fixed):
                name = f"{section}.{field.name}"
                found[name] = Knob(name, _widen_to(search, default), default)
    return found


def _widen_to(search: Span | Choice, default: Any) -> Span | Choice:
    """The range, widened so that it contains the default."""
    if isinstance(search, Choice):
        return search if default in search.values else Choice((default, *search.values))
    if search.log and default <= 0:  # 0 switches something off
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
    return ranged if ranged.contains(knob.default) else dataclasses.replace(ranged, default=first)


def _form_of(knob: Knob) -> str:
    return "low..high" if isinstance(knob.search, Span) else "values such as a|b|c"


def _check_range(knob: Knob) -> Knob:
    """The knob; FlagError where its range has fewer than two values."""
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
