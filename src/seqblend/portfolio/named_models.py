"""The members that a command trains, and when their units are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from seqblend.running.runs import PILOT, Run, Unit, fold_units, plan_units
from seqblend.running.scheduling import Schedule

Note = Callable[[str], None]


class Selection(Protocol):
    """Decides which runs are trained on folds, before the first unit and while units run.

    seeds: {run: how many seeds} of the runs that were chosen, in that order
    """

    seeds: dict[Run, int]

    @property
    def is_open(self) -> bool:
        """Whether there may be more units than the known and the likely ones."""

    def first_units(self) -> list[Unit]:
        """The units that are known from the start, in order."""

    def likely_units(self) -> list[Unit]:
        """Those that are not known yet, as far as they can be guessed: for the plan alone."""

    def describe(self) -> str:
        """What follows the known units, for the plan's line; empty where nothing does."""

    def observe(self, seeds: dict[str, int], brought: float, note: Note) -> None:
        """The blend's loss became smaller by a share when it got these runs with so many seeds."""

    def next_units(self, schedule: Schedule, note: Note, *, may_decide: bool) -> list[Unit]:
        """Units that what is done has made known since the last call.

        may_decide: whether the choice may depend on the clock: it is written down, and used again
        note: called with each decision
        """


@dataclass
class Group:
    """The same model with several recipes: pilots choose one."""

    runs: tuple[Run, ...]

    @property
    def pilots(self) -> list[Unit]:
        """The unit of each run that the choice waits for."""
        return [Unit(run, 0, PILOT) for run in self.runs]

    def is_open(self, schedule: Schedule) -> bool:
        """Whether a pilot is neither done nor failed, and would still end in time."""
        late = {job.unit for job in schedule.pending} - {job.unit for job in schedule.waiting()}
        return any(
            unit not in schedule.done | schedule.failed.keys() | late for unit in self.pilots
        )

    def best(self, schedule: Schedule) -> Run | None:
        """The run whose pilot has the least loss; None where all pilots failed."""
        done = [unit for unit in self.pilots if unit in schedule.done]
        if not done:
            return None
        return min(done, key=lambda unit: schedule.done[unit]["pilot_loss"]).run


@dataclass
class NamedModels:
    """Every model that was named, each with the recipe of the best pilot.

    groups: the runs of each model, one for each recipe
    """

    groups: list[Group]
    n_seeds: int
    folds: int
    seeds: dict[Run, int] = field(default_factory=dict)
    _waiting: list[Group] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waiting = [group for group in self.groups if len(group.runs) > 1]
        self.seeds = {g.runs[0]: self.n_seeds for g in self.groups if len(g.runs) == 1}

    @property
    def is_open(self) -> bool:
        """No: each model is trained once."""
        return False

    def first_units(self) -> list[Unit]:
        """The units of models without alternatives, and the pilots of those with some."""
        known = plan_units(list(self.seeds), self.n_seeds, self.folds)
        return known + [pilot for group in self._waiting for pilot in group.pilots]

    def likely_units(self) -> list[Unit]:
        """The folds of the first recipe of each model that waits."""
        return [unit for group in self._waiting for unit in self._folds(group.runs[0])]

    def describe(self) -> str:
        """Nothing: the plan has all."""
        return ""

    def observe(self, seeds: dict[str, int], brought: float, note: Note) -> None:
        """All are trained whatever they bring."""

    def next_units(self, schedule: Schedule, note: Note, *, may_decide: bool) -> list[Unit]:
        """The folds of models whose pilots are done."""
        units = []
        for group in [group for group in self._waiting if not group.is_open(schedule)]:
            self._waiting.remove(group)
            run = group.best(schedule)
            if run is not None:
                self.seeds[run] = self.n_seeds
                units += self._folds(run)
        return units

    def _folds(self, run: Run) -> list[Unit]:
        return fold_units(run, range(self.n_seeds), self.folds)


@dataclass
class UnitsAlone:
    """Units that make no run complete, such as pilots without folds, or fits on all rows."""

    units: list[Unit]
    seeds: dict[Run, int] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """No."""
        return False

    def first_units(self) -> list[Unit]:
        """All."""
        return self.units

    def likely_units(self) -> list[Unit]:
        """None."""
        return []

    def describe(self) -> str:
        """Nothing: the plan has all."""
        return ""

    def observe(self, seeds: dict[str, int], brought: float, note: Note) -> None:
        """Nothing is blended."""

    def next_units(self, schedule: Schedule, note: Note, *, may_decide: bool) -> list[Unit]:
        """None."""
        return []
