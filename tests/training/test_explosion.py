"""Exploding gradients: the history shows them, clipping cures what they do."""

import numpy as np
from conftest import classes_of, sequence_set
from fit_examples import CPU

from seqblend.core.config import TrainConfig, VocabularyConfig
from seqblend.core.knobs import override
from seqblend.models.recurrent import RecurrentClassifier, RecurrentOptions
from seqblend.training.batching import DeviceSequences
from seqblend.training.fitting import FitSetting, TargetRows, fit_module

OPTIONS = RecurrentOptions(
    width=8,
    hidden=16,
    directions=1,
    pooling="last",
    dropout=0.0,
    embedding_dropout=0.0,
    word_dropout=0.0,
)


def remembering(n: int, seed: int) -> TargetRows:
    """The first of 6 tokens, in one row of eight of 90 tokens, is the label; the rest is noise."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    lengths = np.where(np.arange(n) % 16 < 2, 90, 6)
    rows = [[k, *rng.integers(2, 8, t - 1)] for k, t in zip(labels, lengths, strict=True)]
    on_device = DeviceSequences(sequence_set(rows), np.arange(8) + 2, VocabularyConfig(), CPU)
    return TargetRows(on_device, labels.astype(np.int64))


def build() -> RecurrentClassifier:
    """A plain tanh recurrence that starts with 2.5 times orthogonal recurrent weights."""
    model = RecurrentClassifier("rnn", OPTIONS, 10, 2)
    model.layers[0].passes[0].weight_hh_l0.data.mul_(2.5)
    return model


def fit(clip_norm: str):
    """Six epochs with `train.clip_norm` as it is typed."""
    config = TrainConfig(lr=0.02, warmup=5, batch_rows=8, precision="float32")
    config = override(config, {"clip_norm": clip_norm})
    setting = FitSetting(config, classes_of(2), 6, 0, 0, CPU, lambda _: None)
    return fit_module(build, remembering(192, 0), remembering(96, 1), setting)[1].history


def test_without_clipping_the_explosion_is_recorded_and_clipping_cures_it():
    exploded, clipped = fit("none"), fit("1")
    for history in (exploded, clipped):
        assert max(history["gradient_norm_max"]) > 1e5
        assert history["gradient_norm/layers.0"][0] > 1e3 * history["gradient_norm/output"][0]
    assert max(exploded["valid_accuracy"]) < 0.95 < max(clipped["valid_accuracy"])
