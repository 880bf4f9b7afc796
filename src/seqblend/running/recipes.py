"""Recipes of networks: settings that go together, of which pilots choose."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqblend.core.config import TrainConfig
from seqblend.models.registry import entry_for
from seqblend.running.project import Project
from seqblend.running.runs import Run

MOST_TOKENS = 1_000_000  # in an epoch, up to which pilots compare recipes


@dataclass(frozen=True)
class Recipe:
    """Settings that differ from the defaults, named as the tuner names them."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)


RECIPES = (  # besides the defaults, whose heavy regularisation is for long rows
    Recipe(
        "light",  # for short rows, where each token counts
        {
            "options.word_dropout": 0.05,
            "options.embedding_dropout": 0.3,
            "train.label_smoothing": 0.05,
        },
    ),
)


def runs_with_recipes(project: Project, run: Run, resolved: dict[str, str]) -> tuple[Run, ...]:
    """The run, and the same model with each recipe that its pilot is worth comparing with.

    A run without a pilot, of a tuned model or with long epochs stays alone. A recipe is left out
    where one of its settings is not at its default: somebody has set it.
    resolved: {model: precision}, as Project.precisions gives them
    """
    lengths = np.minimum(project.competition.train.lengths, run.vocabulary.max_len)
    is_long = int(lengths.sum()) > MOST_TOKENS
    if is_long or not run.train.adapt or not run.has_pilot or run.kind != "module":
        return (run,)
    if run.model in project.config.tuned:
        return (run,)
    runs = [run]
    for recipe in RECIPES:
        if _is_free(run, recipe):
            config = dataclasses.replace(
                project.config, models=(run.model,), tuned={run.model: recipe.settings}
            )
            (other,) = project.runs_of(config, resolved)
            runs.append(dataclasses.replace(other, recipe=recipe.name))
    return tuple(runs)


def _is_free(run: Run, recipe: Recipe) -> bool:
    """Whether the model has the settings that the recipe changes, at their defaults."""
    entry = entry_for(run.model)
    options = dataclasses.replace(entry.options(), **entry.defaults)
    defaults, present = {"options": options, "train": TrainConfig()}, vars(run)
    for name in recipe.settings:
        section, _, key = name.partition(".")
        usual = getattr(defaults[section], key, None)
        if usual is None or getattr(present[section], key) != usual:
            return False
    return True
