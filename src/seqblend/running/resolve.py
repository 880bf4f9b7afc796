"""Every `auto` of a configuration resolved for these rows: models, token vectors, precision.

Groups for folds (folds.groups=auto) are resolved before the split, by data/auto_groups.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch

from seqblend import release_freed_memory
from seqblend.core.config import Config
from seqblend.data.sequences import Competition
from seqblend.embeddings.auto import reduce_dropout, resolve_vector_settings
from seqblend.embeddings.prepare import PreparedVectors, VectorPlaces, prepare_embedding
from seqblend.models.model_groups import choose_models
from seqblend.models.registry import entry_for
from seqblend.running.workspace import Workspace
from seqblend.training.precision import resolve_precision

Note = Callable[[str], None]


def resolve_models(config: Config, competition: Competition, note: Note) -> Config:
    """The configuration with the models of each group, less those that cannot read these rows."""
    models, lost = choose_models(config.models, competition.views)
    if lost:
        note(f"note: left out, they cannot read these rows: {', '.join(lost)}")
    return dataclasses.replace(config, models=models)


def resolve_embedding(
    config: Config, competition: Competition, places: VectorPlaces, note: Note
) -> tuple[Config, PreparedVectors]:
    """(configuration without `auto`, token vectors): how vectors are used, and their dropout."""
    readers = [model for model in config.models if entry_for(model).takes_vectors]
    if not readers:
        return config, PreparedVectors()
    is_auto = config.embedding.mode == "auto"
    config = resolve_vector_settings(config, competition, note)
    embedding = prepare_embedding(config.embedding, competition, places, note)
    release_freed_memory()  # counting pairs of tokens takes several times what is kept
    if is_auto and embedding.use and embedding.use.mode == "frozen":
        config = reduce_dropout(config, readers)
    return config, embedding


def resolve_precisions(
    config: Config, workspace: Workspace, device: torch.device, note: Note
) -> dict[str, str]:
    """{model: precision} of this working folder where train.precision is `auto`, else empty."""
    if config.train.precision != "auto":
        return {}
    return resolve_precision(workspace.machine, config.models, device, note)
