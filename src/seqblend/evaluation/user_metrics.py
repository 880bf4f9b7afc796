"""Metrics that are functions of the user's: `FILE.py:function`."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from seqblend.core.errors import FlagError, listing, nearest
from seqblend.evaluation.metric import Metric

_FORM = re.compile(r"(.+\.py):(\w*)")


@dataclass(frozen=True, kw_only=True)
class UserMetric(Metric):
    """function(targets, predictions) -> float, of arrays as the task has them.

    Higher is better unless the function's attribute `greater_is_better` is False. Undefined where
    it returns NaN. Its sampling error is that of a delete-a-group jackknife: 101 calls.
    """

    function: Callable[[np.ndarray, np.ndarray], Any]

    def evaluate(self, targets: np.ndarray, array: np.ndarray) -> float:
        """What the function returns for copies; FlagError where that is not a number."""
        try:
            value = self.function(targets.copy(), array.astype(np.float64))
        except Exception as error:
            raise FlagError(
                f"metric {self.name} raised {_one_line(error)} on {len(targets)} rows; expected "
                "function(targets, predictions) -> float"
            ) from error
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value.item()
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
            raise FlagError(f"metric {self.name} returned {_show(value)}; expected a float")
        return float(value)


def is_user_metric(name: str) -> bool:
    """Whether the name has the form `FILE.py:function`."""
    return _FORM.fullmatch(name) is not None


@cache
def load_user_metric(name: str) -> UserMetric:
    """The metric `FILE.py:function`; the file is run once. FlagError where there is none."""
    found = _FORM.fullmatch(name)
    assert found, f"{name} has not the form of a user's metric"
    file, function_name = found.groups()
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise FlagError(f"metric {name}: there is no file {path}; expected FILE.py:function")
    functions = {
        key: value
        for key, value in vars(_run_file(path, name)).items()
        if callable(value) and not key.startswith("_")
    }
    if function_name not in functions:
        raise FlagError(
            f"metric {name}: no function '{function_name}' in {path}"
            f"{nearest(function_name, functions) or '.'} It has: {listing(functions) or 'none'}"
        )
    function = functions[function_name]
    return UserMetric(
        name=name,
        kind="any",
        greater_is_better=bool(getattr(function, "greater_is_better", True)),
        lowest=-np.inf,
        highest=np.inf,
        has_unit=True,
        function=function,
    )


def _run_file(path: Path, name: str) -> ModuleType:
    """The module that the file makes; FlagError where it raises."""
    spec = importlib.util.spec_from_file_location(f"user_metric_{path.stem}", path)
    assert spec is not None, "a file that ends with .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise FlagError(f"metric {name}: {path} cannot be run: {_one_line(error)}") from error
    return module


def _one_line(error: Exception) -> str:
    """`ValueError: its message`, on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


def _show(value: Any) -> str:
    """A value's type and text, shortened."""
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"
