"""Explain one row by a fitted member: every method that applies to it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from seqblend.data.sequences import UNK, View
from seqblend.explaining.attention_weights import attention_weights
from seqblend.explaining.ngram_contributions import token_contributions
from seqblend.explaining.occlusion import leave_one_out, single_row
from seqblend.models.weighting import TfidfRegression
from seqblend.tasks.task import Task
from seqblend.training.batching import DeviceSequences, truncate
from seqblend.training.contract import Fitted
from seqblend.training.members import LinearMember, ScratchMember, TorchMember


@dataclass(frozen=True)
class RowExplanation:
    """Which tokens of one row a prediction depends on.

    tokens: int32 [t] as the member reads them; p: float32 [c], its predictions
    target: the column that is explained; weights: {method: float32 [t]}
    """

    tokens: np.ndarray
    p: np.ndarray
    target: int
    weights: dict[str, np.ndarray]


def extend_lexicon(member: Fitted, view: View) -> Fitted:
    """The member over a longer lexicon, whose new tokens it reads as unknown; in float32.

    view: its lexicon begins with the one that the member was fitted on. A linear member on
    characters within words reads a new word by its parts.
    """
    if isinstance(member, LinearMember):
        model = member.model
        model = type(model).from_arrays(model.arrays(), view, model.task)
        return LinearMember(model, member.temperature)
    new = len(view.lexicon) - len(member.remap)
    remap = np.append(member.remap, np.full(new, UNK, dtype=np.int32))
    train = dataclasses.replace(member.context.train, precision="float32")
    context = dataclasses.replace(member.context, train=train, view=view)
    return type(member)(member.model, remap, context, member.objective)


def explain_row(
    member: Fitted,
    tokens: np.ndarray,
    task: Task,
    *,
    empty: int,
    truth: np.ndarray | None = None,
) -> RowExplanation:
    """Which tokens the prediction of explained_column depends on.

    tokens: int32 [t], at least one; empty: an empty row's; truth: the row's targets, where known
    """
    weights = {}
    if not isinstance(member, LinearMember):
        tokens = _truncate(member, tokens)
    p = member.predict(single_row(tokens))[0]
    target = explained_column(task, p, truth)
    if isinstance(member, LinearMember) and isinstance(member.model, TfidfRegression):
        weights["ngrams"] = token_contributions(member.model, tokens, target)
    elif (attention := _attention(member, tokens)) is not None:
        weights["attention"] = attention
    weights["occlusion"] = leave_one_out(member.predict, tokens, target, empty=empty)
    kept = {name: values.astype(np.float32) for name, values in weights.items()}
    return RowExplanation(tokens, p, target, kept)


def explained_column(task: Task, p: np.ndarray, truth: np.ndarray | None) -> int:
    """The most likely class; else the column with the largest error where the truth is known.

    Of other rows the most likely label, and the first number. p: float32 [c]; truth: [c], or []
    """
    if task.has_classes or (truth is None and task.has_probabilities):
        return int(p.argmax())
    if truth is None:
        return 0
    return int(np.abs(task.errors(truth[None], p[None])[0]).argmax())


def _truncate(member: TorchMember, tokens: np.ndarray) -> np.ndarray:
    """int32 [t]: what the member reads of a row."""
    cut = truncate(np.array([len(tokens)]), member.context.vocabulary)
    head, skipped = int(cut.head[0]), int(cut.skipped[0])
    return np.concatenate([tokens[:head], tokens[head + skipped :]])


def _attention(member: Fitted, tokens: np.ndarray) -> np.ndarray | None:
    """float32 [t]: attention to each token of one row; None where the model has none."""
    if isinstance(member, LinearMember):
        return None
    context = member.context
    row = DeviceSequences(single_row(tokens), member.remap, context.vocabulary, context.device)
    padded, lengths = row.gather(np.array([0]))
    if isinstance(member, ScratchMember):
        weights = member.model.weigh_by_attention(padded.numpy(), lengths.numpy())
    else:
        weights = attention_weights(member.model, padded, lengths)
    return None if weights is None else weights[0]
