"""What may be trained next, and what each is expected to bring to the blend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from seqblend.portfolio.catalogue import LEARNED_GAIN, MOST_SEEDS, SEED_GAIN, TUNING_GAIN
from seqblend.portfolio.gains import PilotBlends
from seqblend.portfolio.steps import Decisions, Step
from seqblend.running.runs import PILOT, Recipe, Run, Unit, fold_units
from seqblend.running.scheduling import Schedule


class Variants(Protocol):
    """Makes runs with settings near those of others."""

    def can_vary(self, run: Run) -> bool:
        """Whether the run's settings are free."""

    def vary(self, base: Run, number: int) -> Recipe | None:
        """Settings near those of a run, another set for each number; None where all are fixed."""

    def make(self, model: str, recipe: Recipe, rival: Run) -> Run:
        """The run of a model with a recipe, whose pilot has to keep up with a rival's."""


class Option(NamedTuple):
    """A run with so many seeds, and the share of the loss that it is expected to take off.

    recipe: of a variant of the run, whose pilot is meant; None: the run itself
    """

    run: Run
    seeds: int
    gain: float
    recipe: Recipe | None = None

    def units(self, seeds: dict[Run, int], folds: int) -> list[Unit]:
        """What has to be trained before the blend gains. seeds: of each run, so far."""
        if self.recipe:
            return [Unit(self.run, 0, PILOT), *fold_units(self.run, range(self.seeds), folds)]
        return fold_units(self.run, range(seeds.get(self.run, 0), self.seeds), folds)

    def step(self, seconds: float, variants: Variants) -> Step:
        """The step that begins it."""
        run, model = self.run, self.run.model
        if self.recipe is None:
            return Step(run.name, model, run.recipe.name, self.seeds, self.gain, seconds)
        variant, settings = variants.make(model, self.recipe, run), self.recipe.settings
        facts = {"settings": settings, "rival": run.name}
        return Step(variant.name, model, self.recipe.name, 0, self.gain, seconds, **facts)


@dataclass
class Candidates:
    """Runs whose pilots are done and were not cut short.

    piloted: the runs that have pilots from the start
    load: the pilots' predictions of their common rows, from the runs
    """

    piloted: list[Run]
    n_seeds: int
    load: Callable[[list[Run]], PilotBlends]
    decisions: Decisions
    variants: Variants
    runs: list[Run] = field(default_factory=list)
    explored: list[Run] = field(default_factory=list)
    blends: PilotBlends | None = None
    _ended: set[Run] = field(default_factory=set)
    _losses: dict[Run, float] = field(default_factory=dict)

    def join(self, schedule: Schedule, seeds: dict[Run, int]) -> None:
        """Take in the pilots that are done; note what was found by those of variants."""
        new = [run for run in self._planned if run not in self._ended]
        new = [run for run in new if Unit(run, 0, PILOT) in schedule.done]
        if not new:
            return
        self._ended.update(new)
        found = {run: schedule.done[Unit(run, 0, PILOT)] for run in new}
        kept = [run for run in new if not found[run].get("is_pruned")]
        self._losses |= {run: found[run]["pilot_loss"] for run in kept}
        if self.blends is None:
            self.blends = self.load(kept)
        elif kept:
            self.blends.arrays.update(self.load(kept).arrays)
        self.runs += kept
        for run in set(new).intersection(self.explored):
            gain = self.blends.gain(self.present(seeds), run)[0] if run in kept else 0.0
            self.decisions.observe({run.name: 0}, max(gain, 0.0))

    def present(self, seeds: dict[Run, int]) -> list[Run]:
        """The runs that are trained and have a pilot."""
        return [run for run in seeds if self.blends is not None and run in self.blends.arrays]

    def options(self, seeds: dict[Run, int]) -> list[Option]:
        """Members that are not trained yet, further seeds of others, and pilots of variants."""
        present = self.present(seeds)
        weights = self.blends.weights(present) if present else {}
        networks = [run for run in present if run.kind != "linear"]
        return (
            self._members(present, [run for run in self.runs if run not in seeds])
            + [self._another_seed(run, seeds[run], weights[run]) for run in networks]
            + [each for run in networks for each in self._variant(run, weights)]
        )

    def find(self, name: str) -> Run | None:
        """The run of that name; None where none of that name may be trained."""
        return next((run for run in self._planned if run.name == name), None)

    @property
    def _planned(self) -> list[Run]:
        """The runs that have pilots from the start, and variants."""
        return self.piloted + self.explored

    def _members(self, present: list[Run], runs: list[Run]) -> list[Option]:
        share = self.decisions.yield_of("member")
        return [Option(r, self.n_seeds, share * self._expected_gain(present, r)) for r in runs]

    def _another_seed(self, run: Run, n: int, weight: float) -> Option:
        share = self.decisions.yield_of("seed") * (n < MOST_SEEDS)
        return Option(run, n + 1, share * SEED_GAIN * weight * 2 / (n * (n + 1)))

    def _variant(self, run: Run, weights: dict[Run, float]) -> list[Option]:
        """The pilot of a variant of a model's best run, which weighs as much as the model does."""
        of_model = [each for each in self.runs if each.model == run.model]
        if run != min(of_model, key=self._losses.__getitem__) or not self.variants.can_vary(run):
            return []
        tried = sum(each.model == run.model for each in self.explored)
        recipe = self.variants.vary(run, tried + 1)
        if recipe is None:
            return []
        weight = sum(weights[each] for each in of_model if each in weights)
        share = self.decisions.yield_of("pilot") / (1 + tried) ** 2
        return [Option(run, 1, share * TUNING_GAIN * weight, recipe)]

    def _expected_gain(self, present: list[Run], run: Run) -> float:
        """The learned gain and the one measured on the pilots' rows, weighed by their precision.

        The more networks there are the less another one brings, least where its model is there, and
        the less the farther its own loss lies above the blend's.
        """
        measured, error = self.blends.gain(present, run)
        networks = sum(each.kind != "linear" for each in present)
        alike = sum(each.model == run.model for each in present)
        share = min(self.blends.loss(present) / self.blends.loss([run]), 1.0)
        learned = LEARNED_GAIN * share**2 / (1 + networks) / (1 + alike) ** 2
        trust = LEARNED_GAIN**2 / (LEARNED_GAIN**2 + error**2)
        return trust * measured + (1 - trust) * learned
