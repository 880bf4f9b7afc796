"""Explain one row by a fitted member: every method that applies to it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from seqblend.data.sequences import UNK, SequenceSet, View
from seqblend.explaining.attention_weights import attention_weights
from seqblend.explaining.integrated_gradients import IntegratedGradients, integrate_gradients
from seqblend.explaining.ngram_contributions import token_contributions
from seqblend.explaining.occlusion import leave_one_out, single_row
from seqblend.training.batching import DeviceSequences, truncate
from seqblend.training.contract import Fitted
from seqblend.training.members import LinearMember, ScratchMember, TorchMember


@dataclass(frozen=True)
class RowExplanation:
    """Which tokens of one row its most likely class depends on.

    tokens: int32 [t] as the member reads them; p: float32 [c]
    weights: {method: float32 [t]}; integral: the gradients with their completeness gap
    """

    tokens: np.ndarray
    p: np.ndarray
    weights: dict[str, np.ndarray]
    integral: IntegratedGradients | None = None

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
    weights, integral = {}, None
    if isinstance(member, LinearMember):
        p = member.predict(single_row(tokens))[0]
        weights["ngrams"] = token_contributions(member.model, tokens, int(p.argmax()))
    else:
        tokens = _truncate(member, tokens)
        p = member.predict(single_row(tokens))[0]
        weights, integral = _explain_network(member, single_row(tokens), int(p.argmax()))
    weights["occlusion"] = leave_one_out(member.predict, tokens, int(p.argmax()), empty=empty)
    kept = {name: values.astype(np.float32) for name, values in weights.items()}
    return RowExplanation(tokens, p, kept, integral)


def _truncate(member: TorchMember, tokens: np.ndarray) -> np.ndarray:
    """int32 [t]: what the member reads of a row."""
    cut = truncate(np.array([len(tokens)]), member.context.vocabulary)
    head, skipped = int(cut.head[0]), int(cut.skipped[0])
    return np.concatenate([tokens[:head], tokens[head + skipped :]])


def _explain_network(
    member: TorchMember | ScratchMember, row: SequenceSet, target: int
) -> tuple[dict[str, np.ndarray], IntegratedGradients | None]:
    """(attention and gradients, where the model has them, and the gradients' completeness)."""
    context, integral = member.context, None
    on_device = DeviceSequences(row, member.remap, context.vocabulary, context.device)
    tokens, lengths = on_device.gather(np.array([0]))
    if isinstance(member, ScratchMember):
        attention = member.model.weigh_by_attention(tokens.numpy(), lengths.numpy())
    else:
        attention = attention_weights(member.model, tokens, lengths)
        integral = integrate_gradients(
            member.model, tokens[0], target, temperature=context.temperature
        )
    found = {} if attention is None else {"attention": attention[0]}
    if integral is not None:
        found["gradients"] = integral.values
    return found, integral
