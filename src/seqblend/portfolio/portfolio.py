"""The default: members in the order of what the blend gains by them, as far as time allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from seqblend.core.console import duration
from seqblend.portfolio.candidates import Candidates, Option, Variants
from seqblend.portfolio.catalogue import LEAST_GAIN
from seqblend.portfolio.gains import PilotBlends
from seqblend.portfolio.named_models import Note
from seqblend.portfolio.steps import Decisions, Step
from seqblend.running.runs import PILOT, Recipe, Run, Unit, fold_units
from seqblend.running.scheduling import Schedule, spread_units

_PILOT_SHARE = 0.25  # of the time, at most
_QUICK_SHARE = 0.2  # of the time, for linear members that are trained in any case


@dataclass
class Portfolio:
    """Members by expected gain per second.

    The first linear member and those that are quick are trained at once, and pilots of as many
    others as a quarter of the time allows, in the learned order, where the time that these and the
    first network leave is enough for the folds too. Then members join one by one:
    always the one that is expected to take most off the blend's loss for each second that its folds
    will take. Further seeds of networks compete with them, by the weight that the network has, and
    so do pilots of variants: networks of the blend with other settings. It ends where nothing is
    expected to take LEAST_GAIN of the loss away, or to be done in time.

    runs: each model with each recipe, in the learned order
    estimate: seconds of a unit before any is done; workers: that run at once
    seconds: that all units may take together on the workers; None: no limit
    load: the pilots' predictions of their common rows, from the runs
    variants: makes runs near others
    """

    runs: list[Run]
    n_seeds: int
    folds: int
    workers: int
    seconds: float | None
    estimate: Callable[[Unit], float]
    load: Callable[[list[Run]], PilotBlends]
    decisions: Decisions
    variants: Variants
    seeds: dict[Run, int] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    _replayed: int = 0
    _idle_since: int = -1  # units that had ended when nothing paid

    def __post_init__(self) -> None:
        quick = self._find_quick()
        self.seeds = dict.fromkeys(quick, 1)
        left = float("inf") if self.seconds is None else self.seconds * self.workers
        budget, has_network, kept = _PILOT_SHARE * left, False, []
        for run in self.runs:
            pilot = self.estimate(Unit(run, 0, PILOT))
            total = pilot + sum(map(self.estimate, fold_units(run, [0], self.folds)))
            is_first = not has_network and run.kind != "linear"
            if run in quick or is_first:
                left -= total
            elif pilot > budget or total > left:
                self.left_out.append(run.title)
                continue
            budget -= 0.0 if run in quick else pilot
            has_network = has_network or is_first
            kept.append(run)
        self.runs = kept
        facts = self.n_seeds, self.load, self.decisions, self.variants
        self.candidates = Candidates(kept, *facts)

    @property
    def is_open(self) -> bool:
        """Whether members may still join."""
        return not self.decisions.is_closed(self.seconds)

    def first_units(self) -> list[Unit]:
        """The folds of quick linear members, and every pilot: long ones first."""
        folds = [unit for run in self.seeds for unit in fold_units(run, [0], self.folds)]
        pilots = [Unit(run, 0, PILOT) for run in self.runs]
        return folds + sorted(pilots, key=self.estimate, reverse=True)

    def likely_units(self) -> list[Unit]:
        """The folds of the first network, where none was chosen before."""
        networks = [run for run in self.runs if run.kind != "linear"]
        is_chosen = any(run.kind != "linear" for run in self.seeds)
        return fold_units(networks[0], [0], self.folds) if networks and not is_chosen else []

    def describe(self) -> str:
        """What follows, and for how long."""
        limit = "" if self.seconds is None else f", up to {duration(self.seconds)} in all"
        return f"; then the members that the blend gains most by{limit}"

    def observe(self, seeds: dict[str, int], brought: float, note: Note) -> None:
        """The first step that is complete has brought this; later expectations are corrected."""
        step = self.decisions.observe(seeds, brought)
        if step is not None:
            note(f"{step.name} took {brought:.1%} off, {step.gain:.1%} were expected")

    def next_units(self, schedule: Schedule, note: Note, *, may_decide: bool) -> list[Unit]:
        """The units of the steps that were decided, now or in an earlier session."""
        self.candidates.join(schedule, self.seeds)
        units: list[Unit] = []
        while self._replayed < len(self.decisions.steps):
            step = self.decisions.steps[self._replayed]
            self._replayed += 1
            units += self._take(step)
        ended = len(schedule.done) + len(schedule.failed)
        if units or not may_decide or not self.is_open or ended == self._idle_since:
            return units
        step = self._decide(schedule)
        if step is None:
            self._idle_since = ended
            if not schedule.running and not schedule.waiting():  # may make something pay
                self.decisions.close(self.seconds)
                note("nothing more is expected to pay in this time")
            return []
        self.decisions.add(step)
        loss = self.candidates.blends.task.loss_name
        what = f"expected to take {step.gain:.1%} off the blend's {loss}"
        note(f"next: {step.name}, {duration(step.seconds)}, {what}")
        return self.next_units(schedule, note, may_decide=False)

    def _find_quick(self) -> list[Run]:
        """The linear members that are trained in any case: the first, and those that fit beside."""
        left = float("inf") if self.seconds is None else _QUICK_SHARE * self.seconds
        quick = []
        for run in [run for run in self.runs if run.kind == "linear"]:
            seconds = self._wall(list(map(self.estimate, fold_units(run, [0], self.folds))))
            if not quick or seconds <= left:
                quick.append(run)
                left -= seconds
        return quick

    def _wall(self, seconds: list[float]) -> float:
        """Seconds that the workers will take for units together. seconds: of each"""
        return sum(seconds) / min(self.workers, max(len(seconds), 1))

    def _take(self, step: Step) -> list[Unit]:
        """The units of a step; none where its run is not known any more."""
        if step.kind == "pilot":
            rival = self.candidates.find(step.rival)
            if rival is None:
                return []
            recipe = Recipe(step.recipe, step.settings)
            run = self.variants.make(step.model, recipe, rival)
            self.candidates.explored.append(run)
            return [Unit(run, 0, PILOT)]
        run = self.candidates.find(step.run)
        if run is None:
            return []
        begin = self.seeds.get(run, 0)
        self.seeds[run] = max(step.seeds, begin)
        return fold_units(run, range(begin, step.seeds), self.folds)

    def _decide(self, schedule: Schedule) -> Step | None:
        """The step with the largest expected gain per second; None where none pays in time.

        Without a deadline one network is trained even where that takes longer.
        """
        left = self._seconds_left(schedule)
        options = [o for o in self.candidates.options(self.seeds) if o.gain >= LEAST_GAIN]
        priced = [(option, self._times(option, schedule)) for option in options]
        in_time = [pair for pair in priced if spread_units(pair[1], self.workers) <= left]
        best = max(in_time, key=lambda pair: pair[0].gain / sum(pair[1]), default=None)
        has_network = any(run.kind != "linear" for run in self.seeds)
        if best is None and not has_network and schedule.deadline is None:
            networks = [pair for pair in priced if pair[0].run.kind != "linear"]
            best = min(networks, key=lambda pair: sum(pair[1]), default=None)
        if best is None:
            return None
        option, times = best
        return option.step(self._wall(times), self.variants)

    def _times(self, option: Option, schedule: Schedule) -> list[float]:
        """Seconds of each unit of an option."""
        return list(map(schedule.estimate, option.units(self.seeds, self.folds)))

    def _seconds_left(self, schedule: Schedule) -> float:
        """Seconds until the time is over that the units or the command have."""
        if schedule.deadline is not None:
            return schedule.seconds_free(self.workers)
        left = float("inf") if self.seconds is None else self.seconds
        spent = sum(manifest["seconds"] for manifest in schedule.done.values())
        units = [*schedule.running, *(job.unit for job in schedule.pending)]
        return left - (spent + sum(map(schedule.estimate, units))) / self.workers
