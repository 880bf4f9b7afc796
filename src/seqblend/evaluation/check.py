"""The result of one diagnostic check: its figure, what it means, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from seqblend.evaluation.intervals import Estimate


@dataclass(frozen=True)
class Check:
    """The result of a check of the data or of finished runs.

    name: short, such as `near duplicates`; description: what was measured, and how
    figure: the value with its 95 % interval as text; estimate: the same as numbers
    means: what follows for the cross-validated score; advice: what to do, empty where nothing is
    is_flagged: as things are, the cross-validated score does not predict the test score
    details: JSON-able values for the report
    """

    name: str
    description: str
    figure: str
    means: str
    advice: str = ""
    is_flagged: bool = False
    estimate: Estimate | None = None
    details: dict[str, Any] = field(default_factory=dict)


def check_from(values: dict[str, Any]) -> Check:
    """The check that was written as JSON."""
    estimate = values["estimate"]
    return Check(**values | {"estimate": estimate and Estimate(**estimate)})
