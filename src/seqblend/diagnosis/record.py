"""The results of all diagnostics, as a dataclass and as JSON."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqblend.diagnosis.cards import MemberCard
from seqblend.diagnosis.shakeup import ShakeUp
from seqblend.evaluation.check import Check


@dataclass(frozen=True)
class Diagnosis:
    """The results. Without finished runs all but the checks is empty."""

    checks: list[Check]
    shake_up: list[ShakeUp] = field(default_factory=list)
    cards: list[MemberCard] = field(default_factory=list)


def to_plain(value: Any) -> Any:
    """Dataclasses, tuples and NumPy numbers as JSON values; infinite and NaN become null."""
    if dataclasses.is_dataclass(value):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
