"""The kinds of members: torch modules, NumPy networks and linear models under one contract."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from torch import nn

from seqblend.core.seeds import rng_for
from seqblend.data.sequences import SequenceSet
from seqblend.data.vocabulary import fit_vocabulary
from seqblend.evaluation.temperature import apply_temperature
from seqblend.models.layers import Embed
from seqblend.models.scratch_models import Network
from seqblend.training.batching import DeviceSequences
from seqblend.training.contract import Context, Facts, Fitted, Labelled
from seqblend.training.fitting import (
    CALIBRATED_LOSS,
    FitSetting,
    Rows,
    Trace,
    entropy_of,
    epochs_for_folds,
    first_best,
    fit_module,
    patience_of,
    pilot_loss_key,
    predict_module,
    stops_after_patience,
)
from seqblend.training.scratch_fitting import fit_network, predict_network


def fit_member(train: Labelled, valid: Labelled, context: Context) -> Fitted:
    """Fit the context's model on the training rows; validation rows are scored."""
    return _KINDS[context.entry.kind].fit(train, valid, context)


def member_from_arrays(arrays: dict[str, np.ndarray], context: Context) -> Fitted:
    """The member that gave these arrays."""
    return _KINDS[context.entry.kind].from_arrays(arrays, context)


class TorchMember:
    """A torch module with the vocabulary it was trained with."""

    def __init__(
        self, model: nn.Module, remap: np.ndarray, context: Context, facts: Facts | None = None
    ) -> None:
        self.model, self.remap, self.context = model, remap, context
        self.facts = facts or Facts()

    @classmethod
    def fit(cls, train: Labelled, valid: Labelled, context: Context) -> TorchMember:
        """Fit vocabulary and weights on the training rows."""
        remap, size = fit_vocabulary(train.sequences, len(context.view.lexicon), context.vocabulary)
        rate = context.train.lr * context.options.lr_scale
        config, should_stop = dataclasses.replace(context.train, lr=rate), None
        loss = pilot_loss_key(config)
        if context.embedding:
            remap, size = context.embedding.extend(remap, size)
        entropy = entropy_of(train.labels, context.classes)
        if not context.epochs:
            patience = patience_of(config, len(valid.labels))
            should_stop = stops_after_patience(patience, entropy, loss)
        setting = FitSetting(
            config, context.classes, context.epochs or config.max_epochs, context.seed,
            context.place, config.precision, context.device,
            context.report,
        )  # fmt: skip
        rows = [
            Rows(DeviceSequences(part.sequences, remap, context.vocabulary, context.device),
                 part.labels)
            for part in (train, valid)
        ]  # fmt: skip
        build = lambda: _build_module(context, remap, size)  # noqa: E731
        model, trace, count = cls._train(build, *rows, setting, should_stop)
        losses = trace.history[loss]
        if config.early_stopping:  # also of a fixed number of epochs the best one is kept
            epochs = first_best(losses)
        else:
            epochs = context.epochs or epochs_for_folds(losses, entropy)
        facts = Facts(
            trace.history, epochs, count, trace.padding, trace.tokens_per_second, trace.recoveries,
            trace.history["valid_temperature"][epochs - 1] if loss == CALIBRATED_LOSS else 1.0,
        )  # fmt: skip
        return cls(model, remap, context, facts)

    @staticmethod
    def _train(*arguments: Any) -> tuple[nn.Module, Trace, int]:
        """The module of fit_module, what it recorded, and how many numbers were learnt."""
        model, trace = fit_module(*arguments)
        return model, trace, sum(p.numel() for p in model.parameters())

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], rows sum to 1."""
        context = self.context
        on_device = DeviceSequences(sequences, self.remap, context.vocabulary, context.device)
        p = predict_module(self.model, on_device, context.train.precision, context.device)
        return apply_temperature(p, context.temperature)

    def arrays(self) -> dict[str, np.ndarray]:
        """The vocabulary's remap and the state dict."""
        state = {name: tensor.cpu().numpy() for name, tensor in self.model.state_dict().items()}
        return {"vocabulary": self.remap} | {f"state/{name}": a for name, a in state.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], context: Context) -> TorchMember:
        """The member that gave these arrays."""
        remap = arrays["vocabulary"]
        size = max(int(remap.max()) + 1, 2)
        model = context.entry.build(context.options, size, context.classes).to(context.device)
        state = {
            name.removeprefix("state/"): torch.from_numpy(array)
            for name, array in arrays.items()
            if name.startswith("state/")
        }
        model.load_state_dict(state)
        return cls(model, remap, context)


class ScratchMember(TorchMember):
    """A NumPy network with its vocabulary: the same fit around another loop."""

    @staticmethod
    def _train(*arguments: Any) -> tuple[Network, Trace, int]:
        """The network of fit_network, what it recorded, and how many numbers were learnt."""
        network, trace = fit_network(*arguments)
        return network, trace, network.parameters

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], rows sum to 1."""
        cpu = torch.device("cpu")
        rows = DeviceSequences(sequences, self.remap, self.context.vocabulary, cpu)
        return apply_temperature(predict_network(self.model, rows), self.context.temperature)

    def arrays(self) -> dict[str, np.ndarray]:
        """The vocabulary's remap and the state dict."""
        state = self.model.state_dict()
        return {"vocabulary": self.remap} | {f"state/{name}": a for name, a in state.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], context: Context) -> ScratchMember:
        """The member that gave these arrays."""
        state = {k.removeprefix("state/"): a for k, a in arrays.items() if k != "vocabulary"}
        network = context.entry.build(
            context.options, len(state["embedding.weight"]), context.classes
        )
        network.load_state_dict(state)
        return cls(network, arrays["vocabulary"], context)


def _build_module(context: Context, remap: np.ndarray, size: int) -> nn.Module:
    """The context's model, its token embeddings beginning with the given vectors, if any."""
    model = context.entry.build(context.options, size, context.classes)
    if context.embedding:
        rng = rng_for(context.seed, "embedding", context.place)
        table = torch.from_numpy(context.embedding.rows_of(remap, size, rng))
        for part in model.modules():
            if isinstance(part, Embed):
                part.start_from(table, context.embedding.use.mode)
    return model


def describe_raised_count(model: Any, context: Context) -> list[dict[str, Any]]:
    """The manifest's entry where n-grams had to occur more often than asked; else nothing."""
    index = getattr(model, "index", None)  # an NgramIndex, of models that count n-grams
    if index is None or index.min_count == context.options.min_count:
        return []
    wanted, used, most = context.options.min_count, index.min_count, context.options.most_weights
    sentence = (
        f"n-grams are kept from {used} occurrences on, not from {wanted} (min_count): more would "
        f"need over {most:,} weights (most_weights)"
    )
    return [{"sentence": sentence, "min_count": used, "min_count_wanted": wanted}]


class LinearMember:
    """A linear model of models/linear.py under the member contract."""

    def __init__(self, model: Any, recoveries: list[dict[str, Any]] | None = None) -> None:
        self.model = model
        self.facts = Facts(parameters=model.parameters, recoveries=recoveries or [])

    @classmethod
    def fit(cls, train: Labelled, valid: Labelled, context: Context) -> LinearMember:
        """Fit on the training rows; validation rows are not looked at.

        An n-gram model that left out more than options.min_count asks for says so.
        """
        model = context.entry.build.fit(
            train.sequences, train.labels, classes=context.classes,
            view=context.view, options=context.options, seed=context.seed,
        )  # fmt: skip
        recoveries = describe_raised_count(model, context)
        for recovery in recoveries:
            context.report({"recovery": recovery["sentence"]})
        return cls(model, recoveries)

    def predict(self, sequences: SequenceSet) -> np.ndarray:
        """float32 [n, c], rows sum to 1."""
        return self.model.predict(sequences)

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that from_arrays needs."""
        return self.model.arrays()

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], context: Context) -> LinearMember:
        """The member that gave these arrays."""
        return cls(context.entry.build.from_arrays(arrays, context.view))


_KINDS = {"module": TorchMember, "scratch": ScratchMember, "linear": LinearMember}
