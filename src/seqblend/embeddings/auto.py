"""The resolution of `auto` for token vectors: how they are used and made on these rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np

from seqblend.core.config import Config
from seqblend.data.sequences import Competition

MOST_TOKENS = 1_000_000  # training tokens, after truncation, up to which vectors may be frozen
FEW = 0.03  # share of all rows up to which labelled ones are few
REDUCED_DROPOUT = {"embedding_dropout": 0.3, "word_dropout": 0.1}  # with frozen vectors


def resolve_vector_settings(
    config: Config, competition: Competition, note: Callable[[str], None] = lambda _: None
) -> Config:
    """The configuration with embedding.mode and embedding.context resolved.

    Where few of many rows have labels, vectors made also from rows stay frozen. That takes several
    times the epochs of tuned vectors: epochs have to be short, and a pilot has to count them. Tuned
    vectors are better made of near tokens alone (src/DECISIONS.md).
    """
    embedding = config.embedding
    mode, context = embedding.mode, embedding.context
    if mode == "auto":
        share = len(competition.train) / len(competition.view.sequences)
        mode = "frozen" if share <= FEW and _is_quick(config, competition) else "tuned"
        if mode == "frozen" and embedding.path != "none":
            note(
                f"few of many rows have labels ({share:.1%}): token vectors stay frozen, and those "
                "made here also use which rows hold a token (neither: --set embedding.mode=tuned)"
            )
    if context == "auto":
        context = "both" if mode == "frozen" else "near"
    embedding = dataclasses.replace(embedding, mode=mode, context=context)
    return dataclasses.replace(config, embedding=embedding)


def _is_quick(config: Config, competition: Competition) -> bool:
    """Whether epochs are short and a pilot counts them."""
    lengths = np.minimum(competition.train.lengths, config.vocabulary.max_len)
    return int(lengths.sum()) <= MOST_TOKENS and not config.train.epochs


def reduce_dropout(config: Config, models: Iterable[str]) -> Config:
    """The configuration with REDUCED_DROPOUT for these models, except what was set.

    models: those that read token vectors
    """
    shared = config.options.get("options", {})
    reduced = {name: value for name, value in REDUCED_DROPOUT.items() if name not in shared}
    own = {model: reduced | config.options.get(model, {}) for model in models}
    return dataclasses.replace(config, options=config.options | own)
