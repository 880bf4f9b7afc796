"""What `auto` and groups of models stand for on these rows, and what was tuned: all in one place.

Groups for folds (folds.groups=auto) are resolved before the split, by data/auto_groups.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from seqblend import release_freed_memory
from seqblend.core.config import Config
from seqblend.data.sequences import Competition
from seqblend.embeddings.auto import reduce_dropout, resolve_embedding
from seqblend.embeddings.prepare import PreparedVectors, VectorPlaces, prepare_embedding
from seqblend.models.model_groups import choose_models
from seqblend.models.registry import entry_for
from seqblend.running.results import DataFingerprint
from seqblend.running.tuned import apply_tuned
from seqblend.running.workspace import Workspace
from seqblend.training.precision import resolve_precision

Note = Callable[[str], None]


@dataclass(frozen=True)
class Resolved:
    """A configuration without `auto`, and the token vectors that it names."""

    config: Config
    embedding: PreparedVectors = field(default_factory=PreparedVectors)


def resolve_models(config: Config, competition: Competition, note: Note) -> Config:
    """The configuration with groups of models written out for these rows."""
    models, lost = choose_models(config.models, competition.views)
    if lost:
        note(f"note: left out, they cannot read these rows: {', '.join(lost)}")
    return dataclasses.replace(config, models=models)


def resolve_tuned(
    config: Config, workspace: Workspace, fingerprint: DataFingerprint, note: Note
) -> Config:
    """The configuration with what was tuned for these models, below what the user has set."""
    return apply_tuned(config, workspace, fingerprint, config.models, note)


def resolve_vectors(
    config: Config, competition: Competition, places: VectorPlaces, note: Note
) -> Resolved:
    """How token vectors are used and made, the vectors, and the dropout that goes with them."""
    readers = [model for model in config.models if entry_for(model).takes_vectors]
    if not readers:
        return Resolved(config)
    resolved = resolve_embedding(config, competition, note)
    embedding = prepare_embedding(resolved.embedding, competition, places, note)
    release_freed_memory()  # as counting pairs of tokens did
    is_open = config.embedding.mode == "auto"
    if is_open and embedding.use and embedding.use.mode == "frozen":
        resolved = reduce_dropout(resolved, readers)
    return Resolved(resolved, embedding)


def resolve_precisions(
    config: Config, workspace: Workspace, device: torch.device, note: Note
) -> dict[str, str]:
    """Model -> the precision that this working folder computes it in, where that is left open."""
    if config.train.precision != "auto":
        return {}
    return resolve_precision(workspace.machine, config.models, device, note)
