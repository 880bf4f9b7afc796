"""The registry of models: a name, an options dataclass and what builds or fits it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from seqblend import models
from seqblend.core.errors import FlagError, suggest
from seqblend.core.knobs import override
from seqblend.data.sequences import View


@dataclass(frozen=True)
class Entry:
    """A registered model.

    kind: `module` (build(options, vocabulary size, classes) -> torch.nn.Module, trained by
        training/fitting.py), `scratch` (the same arguments -> scratch_models.Network, trained by
        training/scratch_fitting.py) or `linear` (a class with fit, predict, arrays, from_arrays:
        linear models, and others that are fitted in one go)
    low_precision_on_cpu: whether its kernels are faster in bfloat16 on a processor that has it
        (oneDNN's LSTM is, 1.3x; the projections of our GRU are, 1.25x in all)
    views: the views it can read, such as `chars`; none named: every one
    tasks: the tasks it can learn; none named: every one
    why_not: from a competition's view, why the model cannot read its rows; empty where it can
    any_width: whether its token embeddings may have the dimension of given vectors
    cost: seconds for a token, next to the usual ones of its kind
    fits_each_class: whether it takes longer with more classes, as a linear model does
    reads_steps: whether it reads the real-valued steps of rows that have such
    """

    name: str
    kind: str
    options: type
    defaults: dict[str, Any]
    build: Callable[..., Any]
    low_precision_on_cpu: bool = False
    views: tuple[str, ...] = ()
    any_width: bool = True
    tasks: tuple[str, ...] = ()
    why_not: Callable[[View], str] | None = None
    cost: float = 1.0
    fits_each_class: bool = True
    reads_steps: bool = False

    @property
    def takes_vectors(self) -> bool:
        """Whether its token embeddings can be initialised with given vectors."""
        return self.kind == "module" and self.any_width

    @property
    def file(self) -> str:
        """The module that holds the model, such as `models/recurrent`."""
        return self.build.__module__.removeprefix("seqblend.").replace(".", "/")


_ENTRIES: dict[str, Entry] = {}


def register(
    name: str,
    options: type,
    *,
    kind: str = "module",
    low_precision_on_cpu: bool = False,
    views: tuple[str, ...] = (),
    any_width: bool = True,
    tasks: tuple[str, ...] = (),
    why_not: Callable[[View], str] | None = None,
    cost: float = 1.0,
    fits_each_class: bool = True,
    reads_steps: bool = False,
    **defaults: Any,
) -> Callable:
    """Decorator: make a builder available under `name`, with defaults that differ from options'."""

    def keep(build: Callable) -> Callable:
        facts = low_precision_on_cpu, views, any_width, tasks, why_not, cost, fits_each_class
        _ENTRIES[name] = Entry(name, kind, options, defaults, build, *facts, reads_steps)
        return build

    return keep


def entries() -> dict[str, Entry]:
    """All registered models by name: every file of models/ is imported."""
    _import_models(tuple(models.__path__))
    return _ENTRIES


@cache
def _import_models(folders: tuple[str, ...]) -> None:
    """Import every file of these folders of models/, once: entries() is asked for each run."""
    for file in pkgutil.iter_modules(folders):
        importlib.import_module(f"seqblend.models.{file.name}")


def entry_for(name: str) -> Entry:
    """The entry of that name; FlagError with the nearest name where there is none."""
    known = entries()
    if name not in known:
        raise FlagError(f"no model '{name}'{suggest(name, known, 'Models')}")
    return known[name]


def resolve_options(name: str, settings: dict[str, dict[str, Any]]) -> Any:
    """The model's options: defaults, then `options.*` it has, then `<name>.*`.

    raises: FlagError where `options.x` is a field of no model, or `<name>.x` not one of its own
    """
    entry = entry_for(name)
    own = {f.name for f in fields(entry.options)}
    anywhere = {f.name for other in entries().values() for f in fields(other.options)}
    shared = settings.get("options", {})
    for key in shared:
        if key not in anywhere:
            raise FlagError(
                f"no model has the option '{key}'{suggest(key, sorted(anywhere), 'Options')}"
            )
    options = override(entry.options(), entry.defaults)
    options = override(options, {k: v for k, v in shared.items() if k in own})
    return override(options, settings.get(name, {}))
