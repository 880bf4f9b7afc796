"""Run the variants in alternation, each in a process of its own, and summarise what they gave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from seqblend.benchmark.timing import Timing
from seqblend.benchmark.variants import Variant
from seqblend.errors import UnitError

_SOURCES = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Plan:
    """How much is measured: the variants in turn, `rounds` times, `seconds` or more each."""

    variants: tuple[Variant, ...]
    rounds: int
    seconds: float
    rows: int


@dataclass(frozen=True)
class Measurement:
    """What one process gave."""

    variant: str
    round: int
    timing: Timing


@dataclass(frozen=True)
class Summary:
    """A variant over all rounds: (median, least, most) of real tokens a second and of its ratio."""

    variant: Variant
    rate: tuple[float, float, float]
    ratio: tuple[float, float, float]
    padding: float


def order_runs(plan: Plan) -> list[tuple[int, Variant]]:
    """(round, variant) of every run.

    Every second round runs backwards: a steady drift of the machine's speed then favours nobody.
    """
    forward, backward = plan.variants, plan.variants[::-1]
    turns = [backward if i % 2 else forward for i in range(plan.rounds)]
    return [(i, variant) for i, turn in enumerate(turns) for variant in turn]


def run_plan(plan: Plan, note: Callable[[str], None]) -> list[Measurement]:
    """One process at a time. `note` is told one line a run.

    raises: UnitError where a process fails
    """
    found = []
    runs = order_runs(plan)
    for i, (round_, variant) in enumerate(runs, 1):
        timing = run_child(variant, plan.rows, plan.seconds)
        found.append(Measurement(variant.name, round_, timing))
        note(
            f"{i}/{len(runs)}  {variant.task}  {variant.label}:"
            f" {timing.rate / 1000:.0f} ktok/s in {timing.seconds:.1f} s"
        )
    return found


def run_child(variant: Variant, rows: int, seconds: float) -> Timing:
    """Measure one variant in a fresh process: mallopt acts on a process for good."""
    environment = os.environ | {"PYTHONPATH": str(_SOURCES)}
    environment.pop("SEQBLEND_MALLOC", None)
    if variant.is_peer:
        environment["SEQBLEND_MALLOC"] = "system"
    command = ["-m", "seqblend.benchmark.variants", variant.name, str(rows), str(seconds)]
    done = subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UnitError(f"measuring {variant.name} ended with exit code {done.returncode}: {last}")
    return Timing(**json.loads(done.stdout))


def summarise(plan: Plan, measurements: list[Measurement]) -> list[Summary]:
    """One summary a variant, in the plan's order.

    A ratio is taken within a round, where other load on the machine is most alike; then its median.
    """
    timings = {(m.variant, m.round): m.timing for m in measurements}
    baselines: dict[str, Variant] = {}
    summaries = []
    for variant in plan.variants:
        baseline = baselines.setdefault(variant.task, variant)
        own = [timings[variant.name, i] for i in range(plan.rounds)]
        theirs = [timings[baseline.name, i] for i in range(plan.rounds)]
        ratios = [a.rate / b.rate for a, b in zip(own, theirs, strict=True)]
        padding = median(timing.padding for timing in own)
        summaries.append(Summary(variant, _spread([t.rate for t in own]), _spread(ratios), padding))
    return summaries


def _spread(values: list[float]) -> tuple[float, float, float]:
    """(median, least, most)."""
    return median(values), min(values), max(values)


COLUMNS = ["variant", "ktok/s", "min..max", "ratio", "min..max", "padding"]


def table_rows(summaries: list[Summary], task: str) -> list[list[str]]:
    """The task's rows under COLUMNS."""
    rows = []
    for summary in summaries:
        if summary.variant.task != task:
            continue
        rate, slowest, fastest = (value / 1000 for value in summary.rate)
        ratio, least, most = summary.ratio
        rows.append([
            summary.variant.label, f"{rate:.0f}", f"{slowest:.0f}..{fastest:.0f}",
            f"{ratio:.2f}", f"{least:.2f}..{most:.2f}", f"{summary.padding:.1%}",
        ])  # fmt: skip
    return rows


def as_json(plan: Plan, measurements: list[Measurement], summaries: list[Summary]) -> dict:
    """Everything that was measured, for a file."""
    return {
        "rounds": plan.rounds,
        "rows": plan.rows,
        "seconds": plan.seconds,
        "measurements": [
            {"variant": m.variant, "round": m.round, "tokens": m.timing.tokens,
             "seconds": m.timing.seconds}
            for m in measurements
        ],
        "summaries": {
            s.variant.name: {"task": s.variant.task, "tokens_per_second": s.rate,
                             "ratio": s.ratio, "padding": s.padding}
            for s in summaries
        },
    }  # fmt: skip
