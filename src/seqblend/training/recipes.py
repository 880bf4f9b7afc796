"""Recipes of networks: settings that go together, of which a pilot chooses."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqblend.core.config import TrainConfig
from seqblend.training.contract import Context, Rows

MOST_TOKENS = 1_000_000  # in an epoch, up to which a pilot compares recipes


@dataclass(frozen=True)
class Recipe:
    """Settings that differ from the defaults: of the model's options, and of [train]."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)


RECIPES = (
    Recipe("default"),  # heavy regularisation: long rows
    Recipe(
        "light",  # short rows, where each token counts
        options={"word_dropout": 0.05, "embedding_dropout": 0.3},
        train={"label_smoothing": 0.05},
    ),
)


def recipes_for(context: Context, rows: Rows) -> tuple[Recipe, ...]:
    """The recipes that a pilot on these rows compares: one where epochs are long.

    A recipe is left out where one of its settings was set.
    """
    lengths = np.minimum(rows.sequences.lengths, context.vocabulary.max_len)
    if not context.train.adapt or int(lengths.sum()) > MOST_TOKENS:
        return RECIPES[:1]
    return tuple(recipe for recipe in RECIPES if _is_free(context, recipe))


def _is_free(context: Context, recipe: Recipe) -> bool:
    """Whether the settings that the recipe changes have their defaults."""
    defaults = dataclasses.replace(type(context.options)(), **context.entry.defaults)
    options = ((context.options, defaults, name) for name in recipe.options)
    train = ((context.train, TrainConfig(), name) for name in recipe.train)
    return all(
        hasattr(now, name) and getattr(now, name) == getattr(usual, name)
        for now, usual, name in (*options, *train)
    )


def apply_recipe(context: Context, name: str) -> Context:
    """The context with the settings of the recipe of that name."""
    recipe = next(each for each in RECIPES if each.name == name)
    return dataclasses.replace(
        context,
        options=dataclasses.replace(context.options, **recipe.options),
        train=dataclasses.replace(context.train, **recipe.train),
    )
