"""Hyper-parameters as dataclass fields with default, search range, help and limits."""

from __future__ import annotations

import dataclasses
import math
import operator
import types
import typing
from dataclasses import dataclass, field
from typing import Any

from seqblend.core.errors import FlagError, listing, nearest, suggest

_LIMITS = {  # of a number: in words, and as a comparison
    "least": ("at least {}", operator.ge),
    "above": ("above {}", operator.gt),
    "below": ("below {}", operator.lt),
}


@dataclass(frozen=True)
class Span:
    """A search range: low to high, on a log scale or not."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """A search range of separate values."""

    values: tuple[Any, ...]


def knob(
    default: Any,
    search: Span | Choice | None = None,
    help: str = "",
    *,
    allowed: tuple[Any, ...] = (),
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    hint: str = "",
) -> Any:
    """A dataclass field with a default, the tuner's search range, help and limits.

    allowed: the permitted values; by default those of a search range of words
    least: inclusive limit; above, below: exclusive limits
    hint: what else may be meant by a value that is not permitted
    """
    if isinstance(search, Choice) and isinstance(default, str) and not allowed:
        allowed = search.values
    limits = {"least": least, "above": above, "below": below}
    limits = {name: limit for name, limit in limits.items() if limit is not None}
    metadata = {"search": search, "help": help, "allowed": allowed, "limits": limits}
    metadata["hint"] = hint
    return field(default=default, metadata=metadata)


def share(default: float, search: Span | None = None, help: str = "") -> Any:
    """A knob for a share: at least 0 and below 1."""
    return knob(default, search, help, least=0, below=1)


def override(section: Any, values: dict[str, Any]) -> Any:
    """The dataclass with `values` (text or typed) replaced; FlagError for a wrong name or value."""
    known = {f.name: f for f in dataclasses.fields(section)}
    hints = typing.get_type_hints(type(section))
    changes = {}
    for name, value in values.items():
        if name not in known:
            raise FlagError(
                f"{type(section).__name__} has no field '{name}'{suggest(name, known, 'Fields')}"
            )
        where = f"{type(section).__name__}.{name}"
        changes[name] = _coerce(where, value, hints[name])
        _check_range(where, changes[name], known[name].metadata)
    return dataclasses.replace(section, **changes)


def _check_range(where: str, value: Any, metadata: typing.Mapping[str, Any]) -> None:
    """Words must be among `allowed`; numbers finite and within `limits`."""
    allowed = metadata.get("allowed")
    if allowed and value not in allowed:
        words = listing(str(each) for each in allowed if each != "")
        words += " or nothing" if "" in allowed else ""
        hint = metadata.get("hint", "")
        end = f". {hint}" if hint else nearest(str(value), map(str, allowed))
        raise FlagError(f"{where} expects {words}, got {value!r}{end}")
    for number in value if isinstance(value, tuple) else (value,):
        _check_limits(where, number, metadata.get("limits", {}))


def _check_limits(where: str, value: Any, limits: dict[str, float]) -> None:
    """FlagError that names the range where a number lies outside, or is infinite or NaN."""
    is_finite = not isinstance(value, float) or math.isfinite(value)
    if is_finite and all(_LIMITS[name][1](value, limit) for name, limit in limits.items()):
        return
    words = " and ".join(_LIMITS[name][0].format(limit) for name, limit in limits.items())
    expected = words if is_finite else f"a finite number {words}".rstrip()
    raise FlagError(f"{where} expects {expected}, got {value}")


def _coerce(where: str, value: Any, kind: Any) -> Any:
    """`value` as `kind`; text is parsed as on the command line."""
    if isinstance(kind, types.GenericAlias):  # tuple[int, ...]
        parts = value.split(",") if isinstance(value, str) else value
        if not (isinstance(parts, list | tuple) and parts):
            name = kind.__args__[0].__name__
            raise FlagError(f"{where} expects one or more {name} joined by commas, got {value!r}")
        return tuple(_coerce(where, part, kind.__args__[0]) for part in parts)
    if isinstance(value, str) and kind is bool:
        if value.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise FlagError(f"{where} expects true or false, got '{value}'")
        return value.lower() in ("true", "1", "yes")
    if isinstance(value, str) and kind in (int, float):
        text = "0" if value.lower() == "none" else value.replace("_", "")
        try:
            return kind(text)
        except ValueError:
            raise FlagError(f"{where} expects {kind.__name__}, got '{value}'") from None
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise FlagError(f"{where} expects {kind.__name__}, got {value!r}")
    return value
