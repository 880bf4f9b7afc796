"""Explain rows by a fitted member: every method that can look into it, and how sure it is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from seqblend.explaining.attention import weigh_by_attention
from seqblend.explaining.gradients import Integral, integrate_gradients
from seqblend.explaining.linear import share_ngrams
from seqblend.explaining.occlusion import leave_one_out
from seqblend.reporting.facts.explanations import Explanation
from seqblend.sequences import UNK, SequenceSet, View
from seqblend.training.batching import DeviceSequences, cut_sequences
from seqblend.training.contract import Fitted
from seqblend.training.members import LinearMember, ScratchMember, TorchMember


@dataclass(frozen=True)
class Explained:
    """Why one row gets its most likely class.

    tokens: int32 [t] as the member reads them; p: float32 [c]
    weights: {method: float32 [t]}; integral: what the gradients were checked against
    """

    tokens: np.ndarray
    p: np.ndarray
    weights: dict[str, np.ndarray]
    integral: Integral | None = None

    @property
    def target(self) -> int:
        """The class that is explained: the most likely one."""
        return int(self.p.argmax())


def widen(member: Fitted, view: View) -> Fitted:
    """The member over a longer lexicon, whose further tokens it does not know; in float32.

    view: its lexicon begins with the one that the member was fitted on. A linear member on
    characters within words reads a further word by its parts.
    """
    if isinstance(member, LinearMember):
        return LinearMember(type(member.model).from_arrays(member.model.arrays(), view))
    further = len(view.lexicon) - len(member.remap)
    remap = np.append(member.remap, np.full(further, UNK, dtype=np.int32))
    train = dataclasses.replace(member.context.train, precision="float32")
    context = dataclasses.replace(member.context, train=train, view=view)
    return type(member)(member.model, remap, context)


def explain_row(member: Fitted, tokens: np.ndarray, *, nothing: int) -> Explained:
    """Why this row gets its class. tokens: int32 [t], at least one; nothing: an empty row's."""
    if not isinstance(member, LinearMember):
        tokens = _cut(member, tokens)
    row = SequenceSet.from_offsets(tokens, np.array([0, len(tokens)]))
    p = member.predict(row)[0]
    target, weights, integral = int(p.argmax()), {}, None
    if isinstance(member, LinearMember):
        weights["ngrams"] = share_ngrams(member.model, tokens, target)
    else:
        weights, integral = _look_into(member, row, target)
    weights["occlusion"] = leave_one_out(member.predict, tokens, target, nothing=nothing)
    kept = {name: values.astype(np.float32) for name, values in weights.items()}
    return Explained(tokens, p, kept, integral)


def gather(model: str, rows: np.ndarray, found: list[Explained]) -> Explanation:
    """One model's explained rows as the report reads them. rows: int64 [r], -1 for no row."""
    offsets = np.concatenate([[0], np.cumsum([len(one.tokens) for one in found])])
    weights = {
        name: np.concatenate([one.weights[name] for one in found])
        for name in found[0].weights
        if all(name in one.weights for one in found)
    }
    return Explanation(
        model, np.asarray(rows, dtype=np.int64), np.array([one.target for one in found]),
        offsets.astype(np.int64), np.concatenate([one.tokens for one in found]), weights,
    )  # fmt: skip


def _cut(member: TorchMember, tokens: np.ndarray) -> np.ndarray:
    """int32 [t]: what the member reads of a row."""
    cut = cut_sequences(np.array([len(tokens)]), member.context.vocabulary)
    head, skipped = int(cut.head[0]), int(cut.skipped[0])
    return np.concatenate([tokens[:head], tokens[head + skipped :]])


def _look_into(
    member: TorchMember, row: SequenceSet, target: int
) -> tuple[dict[str, np.ndarray], Integral | None]:
    """(attention and gradients, as far as the model has them, and the gradients' check)."""
    context = member.context
    on_device = DeviceSequences(row, member.remap, context.vocabulary, context.device)
    tokens, lengths = on_device.gather(np.array([0]))
    if isinstance(member, ScratchMember):
        attention = member.model.weigh_by_attention(tokens.numpy(), lengths.numpy())
        return ({} if attention is None else {"attention": attention[0]}), None
    attention = weigh_by_attention(member.model, tokens, lengths)
    found = {} if attention is None else {"attention": attention[0]}
    integral = integrate_gradients(member.model, tokens[0], target, temperature=context.temperature)
    if integral is not None:
        found["gradients"] = integral.values
    return found, integral
