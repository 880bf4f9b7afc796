"""Runs of a model with other settings: the recipes of the catalogue, and variants of a run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from seqblend.core.config import TrainConfig
from seqblend.core.errors import FlagError
from seqblend.core.seeds import rng_for
from seqblend.models.registry import entry_for
from seqblend.portfolio.catalogue import RECIPES
from seqblend.running.model_runs import ModelRuns
from seqblend.running.project import Project
from seqblend.running.runs import Recipe, Run
from seqblend.running.search_space import DEFAULT_VARY, Space

MOST_TOKENS = 1_000_000  # in an epoch, up to which every recipe has a pilot


@dataclass(frozen=True)
class RunMaker:
    """Makes runs of a project. resolved: {model: precision}, as Project.precisions gives them."""

    project: Project
    resolved: dict[str, str]

    def make(self, model: str, recipe: Recipe, rival: Run) -> Run:
        """The run of a model with a recipe, whose pilot has to keep up with a rival's."""
        run = self._runs_of(model).run(recipe.settings)
        return dataclasses.replace(run, recipe=recipe).against(rival)

    def with_recipes(self, run: Run) -> tuple[Run, ...]:
        """The run, and the same model with each recipe that its pilot is worth comparing with.

        A run that cannot vary or has long epochs stays alone. A recipe is left out where one of
        its settings is not at its default: somebody has set it.
        """
        lengths = np.minimum(self.project.competition.train.lengths, run.vocabulary.max_len)
        if int(lengths.sum()) > MOST_TOKENS or not self.can_vary(run):
            return (run,)
        free = [recipe for recipe in RECIPES if _is_free(run, recipe)]
        return run, *(self.make(run.model, recipe, run) for recipe in free)

    def can_vary(self, run: Run) -> bool:
        """Whether pilots may choose the run's settings: of a network that was not tuned before."""
        is_free = run.train.adapt and run.has_pilot and run.kind == "module"
        return is_free and run.model not in self.project.config.tuned

    def vary(self, base: Run, number: int) -> Recipe | None:
        """Settings near those of a run, another set for each number; None where all are fixed."""
        try:
            space = self._runs_of(base.model).space(DEFAULT_VARY)
        except FlagError:
            return None
        known = base.recipe.settings
        knobs = [dataclasses.replace(k, default=known.get(k.name, k.default)) for k in space.knobs]
        rng = rng_for(0, f"variant {base.model}", number)
        return Recipe(f"variant {number}", known | Space(tuple(knobs)).near(rng))

    def _runs_of(self, model: str) -> ModelRuns:
        return ModelRuns(self.project, model, self.resolved)


def _is_free(run: Run, recipe: Recipe) -> bool:
    """Whether the model has the settings that the recipe changes, at their defaults."""
    entry = entry_for(run.model)
    options = dataclasses.replace(entry.options(), **entry.defaults)
    usual = {"options": options, "train": TrainConfig()}
    present = {"options": run.options, "train": run.train}
    for name, value in recipe.settings.items():
        section, _, key = name.partition(".")
        if section == "embedding":
            if run.embedding is None or run.embedding.mode == value:
                return False
        elif getattr(usual[section], key, None) is None or getattr(
            present[section], key
        ) != getattr(usual[section], key):
            return False
    return True
