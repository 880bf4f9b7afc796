"""Explain one row by a fitted member: every method that applies to it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from seqblend.data.sequences import UNK, View
from seqblend.explaining.attention_weights import attention_weights
from seqblend.explaining.ngram_contributions import token_contributions
from seqblend.explaining.occlusion import leave_one_out, single_row
from seqblend.training.batching import DeviceSequences, truncate
from seqblend.training.contract import Fitted
from seqblend.training.members import LinearMember, ScratchMember, TorchMember


@dataclass(frozen=True)
class RowExplanation:
    """Which tokens of one row its most likely class depends on.

    tokens: int32 [t] as the member reads them; p: float32 [c]; weights: {method: float32 [t]}
    """

    tokens: np.ndarray
    p: np.ndarray
    weights: dict[str, np.ndarray]

    @property
    def target(self) -> int:
        """The class that is explained: the most likely one."""
        return int(self.p.argmax())


def extend_lexicon(member: Fitted, view: View) -> Fitted:
    """The member over a longer lexicon, whose new tokens it reads as unknown; in float32.

    view: its lexicon begins with the one that the member was fitted on. A linear member on
    characters within words reads a new word by its parts.
    """
    if isinstance(member, LinearMember):
        return LinearMember(type(member.model).from_arrays(member.model.arrays(), view))
    new = len(view.lexicon) - len(member.remap)
    remap = np.append(member.remap, np.full(new, UNK, dtype=np.int32))
    train = dataclasses.replace(member.context.train, precision="float32")
    context = dataclasses.replace(member.context, train=train, view=view)
    return type(member)(member.model, remap, context)


def explain_row(member: Fitted, tokens: np.ndarray, *, empty: int) -> RowExplanation:
    """Which tokens its class depends on. tokens: int32 [t], at least one; empty: an empty row's."""
    weights = {}
    if isinstance(member, LinearMember):
        p = member.predict(single_row(tokens))[0]
        weights["ngrams"] = token_contributions(member.model, tokens, int(p.argmax()))
    else:
        tokens = _truncate(member, tokens)
        p = member.predict(single_row(tokens))[0]
        attention = _attention(member, tokens)
        if attention is not None:
            weights["attention"] = attention
    weights["occlusion"] = leave_one_out(member.predict, tokens, int(p.argmax()), empty=empty)
    kept = {name: values.astype(np.float32) for name, values in weights.items()}
    return RowExplanation(tokens, p, kept)


def _truncate(member: TorchMember, tokens: np.ndarray) -> np.ndarray:
    """int32 [t]: what the member reads of a row."""
    cut = truncate(np.array([len(tokens)]), member.context.vocabulary)
    head, skipped = int(cut.head[0]), int(cut.skipped[0])
    return np.concatenate([tokens[:head], tokens[head + skipped :]])


def _attention(member: TorchMember | ScratchMember, tokens: np.ndarray) -> np.ndarray | None:
    """float32 [t]: attention to each token of one row; None where the model has none."""
    context = member.context
    row = DeviceSequences(single_row(tokens), member.remap, context.vocabulary, context.device)
    padded, lengths = row.gather(np.array([0]))
    if isinstance(member, ScratchMember):
        weights = member.model.weigh_by_attention(padded.numpy(), lengths.numpy())
    else:
        weights = attention_weights(member.model, padded, lengths)
    return None if weights is None else weights[0]
