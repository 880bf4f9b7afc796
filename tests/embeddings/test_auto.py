import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import sequence_set

from seqblend.core.config import (
    Config,
    EmbeddingConfig,
    TrainConfig,
    VocabularyConfig,
    configure,
    parse_assignments,
)
from seqblend.embeddings import auto
from seqblend.embeddings.auto import REDUCED_DROPOUT, reduce_dropout, resolve_vector_settings
from seqblend.models.registry import resolve_options
from seqblend.running.inputs import Places
from seqblend.running.project import Request, open_project
from seqblend.running.tuned import with_values

TRAIN = [[0] * 60, [1] * 20, [2] * 20]  # 100 tokens, 80 once cut at 40


def settle(others=97, **changes):
    """The configuration with 3 training rows and so many others."""
    view = SimpleNamespace(sequences=sequence_set([*TRAIN, *[[3]] * others]))
    competition = SimpleNamespace(train=sequence_set(TRAIN), view=view)
    return resolve_vector_settings(dataclasses.replace(Config(), **changes), competition)


def use_of(config):
    return config.embedding.mode, config.embedding.context


@pytest.mark.parametrize(
    ("most", "max_len", "epochs", "others", "mode"),
    [
        (100, 400, 0, 97, "frozen"),
        (99, 400, 0, 97, "tuned"),
        (80, 40, 0, 97, "frozen"),  # what is cut is not trained on
        (79, 40, 0, 97, "tuned"),
        (100, 400, 5, 97, "tuned"),  # no pilot counts the epochs
        (100, 400, 0, 96, "tuned"),  # 3 of 99 rows are more than 3 %
    ],
)
def test_vectors_stay_frozen_where_few_rows_have_labels_and_epochs_are_short(
    monkeypatch, most, max_len, epochs, others, mode
):
    monkeypatch.setattr(auto, "MOST_TOKENS", most)
    changes = {"vocabulary": VocabularyConfig(max_len=max_len), "train": TrainConfig(epochs=epochs)}
    resolved = settle(others, **changes)
    assert use_of(resolved) == (mode, "both" if mode == "frozen" else "near")


def test_what_was_set_stays():
    assert use_of(settle(embedding=EmbeddingConfig(mode="tuned"))) == ("tuned", "near")
    of_rows = EmbeddingConfig(mode="tuned", context="rows")
    assert use_of(settle(embedding=of_rows)) == ("tuned", "rows")
    assert use_of(settle(embedding=EmbeddingConfig(context="near"))) == ("frozen", "near")
    assert use_of(settle(0, embedding=EmbeddingConfig(mode="frozen"))) == ("frozen", "both")


def test_dropout_that_was_set_or_tuned_stays():
    given = {"options": {"word_dropout": 0.3}, "bigru": {"embedding_dropout": 0.6}}
    config = Config(options=given, tuned={"lstm": {"options.word_dropout": 0.05}})
    light = reduce_dropout(config, ["bilstm", "bigru", "lstm"])
    bilstm, bigru = (resolve_options(name, light.options) for name in ("bilstm", "bigru"))
    assert (bilstm.word_dropout, bilstm.embedding_dropout) == (0.3, 0.3)
    assert (bigru.word_dropout, bigru.embedding_dropout) == (0.3, 0.6)
    lstm = resolve_options("lstm", with_values(light, "lstm").options)
    assert (lstm.word_dropout, lstm.embedding_dropout) == (0.05, 0.3)
    assert given == {"options": {"word_dropout": 0.3}, "bigru": {"embedding_dropout": 0.6}}


def test_dropout_stays_in_models_that_read_no_vectors():
    config = Config(options={"options": {"embedding_dropout": 0.45}})
    light = reduce_dropout(config, ["bilstm"])
    assert resolve_options("bilstm", light.options).word_dropout == REDUCED_DROPOUT["word_dropout"]
    for name in ("bag", "scratch_lstm", "lstm"):
        assert resolve_options(name, light.options) == resolve_options(name, config.options)


@pytest.fixture
def many_rows(tmp_path):
    """8 rows with labels among 400: two topics, each with words of its own."""
    words = [[f"{topic}{i}" for i in range(9)] for topic in ("ship", "bread")]
    rng = np.random.default_rng(0)
    folder = tmp_path / "many"
    folder.mkdir()
    lines = [" ".join(rng.choice(words[i % 2], 6)) for i in range(400)]
    train = [f"{i},{line},{i % 2}" for i, line in enumerate(lines[:8])]
    test = [f"{i},{line}" for i, line in enumerate(lines[8:], 8)]
    (folder / "train.csv").write_text("\n".join(["id,text,label", *train]))
    (folder / "test.csv").write_text("\n".join(["id,text", *test]))
    sample = ["id,label", *(f"{i},0" for i in range(8, 400))]
    (folder / "sample_submission.csv").write_text("\n".join(sample))
    return folder


def open_many(folder, *settings, notes=None):
    config = configure(
        Config(models=("bilstm", "bag", "scratch_lstm")),
        parse_assignments(["folds.count=2", "embedding.width=6", *settings]),
        ["bilstm"],
    )
    places = Places((folder.parent,), folder.parent / "working", folder.parent / "submissions")
    note = (notes if notes is not None else []).append
    return open_project(config, places, Request(data=folder), note=note)


def word_dropout_of(project, model="bilstm"):
    return resolve_options(model, project.config.options).word_dropout


def test_a_competition_with_few_labels_gets_frozen_vectors_and_light_dropout(many_rows):
    notes = []
    project = open_many(many_rows, "embedding.least=5", notes=notes)
    assert project.embedding.use.mode == project.config.embedding.mode == "frozen"
    assert word_dropout_of(project) == 0.1
    assert word_dropout_of(project, "bag") == 0.0  # as it was: it reads no vectors
    assert word_dropout_of(project, "scratch_lstm") == 0.05
    assert any("few of many rows have labels (2.0%)" in line for line in notes)


def test_without_vectors_or_with_a_mode_that_was_set_dropout_stays(many_rows):
    assert word_dropout_of(open_many(many_rows, "embedding.least=500")) == 0.2
    assert word_dropout_of(open_many(many_rows, "embedding.least=5", "embedding.mode=tuned")) == 0.2
    set_so = open_many(many_rows, "embedding.least=5", "embedding.mode=frozen")
    assert (set_so.embedding.use.mode, word_dropout_of(set_so)) == ("frozen", 0.2)
