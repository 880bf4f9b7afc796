import dataclasses
import functools

import pytest

from seqblend.core.config import (
    SECTIONS,
    Config,
    DataConfig,
    EmbeddingConfig,
    FoldConfig,
    TrainConfig,
    configure,
    digest,
    parse_assignments,
    read_toml,
)
from seqblend.core.errors import FlagError
from seqblend.core.knobs import Choice, Span, override
from seqblend.models.registry import entries, entry_for, resolve_options


def test_an_unknown_key_names_the_nearest_known_one():
    with pytest.raises(FlagError, match=r"TrainConfig has no field 'rl'; did you mean 'lr'\?"):
        override(TrainConfig(), {"rl": "1"})


def test_an_unknown_section_names_the_nearest_known_one():
    with pytest.raises(FlagError, match=r"no section 'trian'; did you mean 'train'\? Sections: d"):
        configure(Config(), {"trian": {"lr": 1.0}}, [])


def test_without_a_near_name_the_sentence_ends_before_the_list():
    with pytest.raises(FlagError, match=r"no section 'qqq'\. Sections: data, folds"):
        configure(Config(), {"qqq": {}}, [])
    with pytest.raises(FlagError, match=r"has no field 'qqq'\. Fields: lr, "):
        override(TrainConfig(), {"qqq": "1"})
    with pytest.raises(FlagError, match=r"no model 'qqq'\. Models: .*nblr"):
        entry_for("qqq")
    with pytest.raises(FlagError, match=r"the option 'qqq'\. Options: .*hidden"):
        resolve_options("bilstm", {"options": {"qqq": "1"}})


@pytest.mark.parametrize(
    ("text", "value"), [("0.5", 0.5), ("1e-3", 1e-3), ("3", 3.0), ("none", 0.0)]
)
def test_text_becomes_the_type_of_the_field(text, value):
    assert override(TrainConfig(), {"clip_norm": text}).clip_norm == value


def test_a_value_of_the_wrong_type_says_what_was_expected():
    with pytest.raises(FlagError, match=r"TrainConfig.max_epochs expects int, got 'many'"):
        override(TrainConfig(), {"max_epochs": "many"})
    with pytest.raises(FlagError, match="expects true or false, got 'maybe'"):
        override(DataConfig(), {"lowercase": "maybe"})
    with pytest.raises(FlagError, match=r"TrainConfig.lr expects float, got \[1\]"):
        override(TrainConfig(), {"lr": [1]})


def test_groups_of_a_column_are_named_by_another_setting():
    message = (
        r"FoldConfig.groups expects auto or nothing, got 'author'\. .* --set data\.group=COLUMN"
    )
    with pytest.raises(FlagError, match=message):
        override(FoldConfig(), {"groups": "author"})


def test_an_assignment_without_section_is_refused():
    with pytest.raises(FlagError, match=r"section.name=value, got 'lr=1'"):
        parse_assignments(["lr=1"])


def test_later_settings_win_and_models_keep_their_own():
    config = configure(Config(), parse_assignments(["bilstm.hidden=32"]), ["bilstm"])
    config = configure(config, parse_assignments(["bilstm.hidden=48", "train.lr=0.01"]), ["bilstm"])
    assert config.options == {"bilstm": {"hidden": "48"}}
    assert config.train.lr == 0.01


def test_the_digest_depends_on_every_field_and_on_no_order():
    base = digest(TrainConfig())
    changed = {
        digest(dataclasses.replace(TrainConfig(), **{field.name: "other"}))
        for field in dataclasses.fields(TrainConfig)
    }
    assert base not in changed
    assert len(changed) == len(dataclasses.fields(TrainConfig))
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_a_toml_file_that_cannot_be_read_names_the_file(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("[train\n")
    with pytest.raises(FlagError, match=r"broken.toml is not valid TOML"):
        read_toml(path)
    with pytest.raises(FlagError, match="expects a readable TOML file"):
        read_toml(tmp_path / "missing.toml")


def test_words_and_numbers_out_of_range_are_refused():
    with pytest.raises(FlagError, match=r"mode expects auto, tuned, frozen, got 'frozn'"):
        override(EmbeddingConfig(), {"mode": "frozn"})
    with pytest.raises(FlagError, match=r"max_epochs expects at least 1, got 0"):
        override(TrainConfig(), {"max_epochs": "0"})


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("train.half_life=1", r"half_life expects at least 0.001 and below 1, got 1.0"),
        ("train.label_smoothing=3", r"label_smoothing expects at least 0 and below 1, got 3.0"),
        ("train.label_smoothing=-0.1", r"label_smoothing expects at least 0 and below 1, got -0.1"),
        ("train.lr=nan", r"lr expects a finite number at least 0, got nan"),
        ("train.clip_norm=inf", r"clip_norm expects a finite number at least 0, got inf"),
        ("train.weight_decay=-1", r"weight_decay expects at least 0, got -1.0"),
        ("embedding.smoothing=1e999", r"smoothing expects a finite number at least 0.0, got inf"),
        ("bilstm.embedding_dropout=1", r"embedding_dropout expects at least 0 and below 1"),
        ("bag.word_dropout=1", r"word_dropout expects at least 0 and below 1, got 1.0"),
        ("scratch_lstm.embedding_dropout=1", r"embedding_dropout expects at least 0 and below 1"),
        ("transformer.dropout=2", r"dropout expects at least 0 and below 1, got 2.0"),
        ("textcnn.widths=2,0", r"widths expects at least 1, got 0"),
        ("nblr.strength=0", r"strength expects above 0, got 0.0"),
        ("nblr.smoothing=0", r"smoothing expects above 0, got 0.0"),
    ],
)
def test_a_number_outside_its_limits_is_refused_and_they_are_named(setting, expected):
    assigned = parse_assignments([setting])
    config = functools.partial(configure, Config(), assigned, entries())
    options = functools.partial(resolve_options, *assigned, assigned)
    with pytest.raises(FlagError, match=expected):
        config() if set(assigned) <= set(SECTIONS) else options()


def test_a_limit_that_belongs_to_the_range_is_allowed():
    train = override(TrainConfig(), {"label_smoothing": "0", "half_life": "0.001"})
    assert (train.label_smoothing, train.half_life) == (0.0, 0.001)


def test_every_default_and_search_range_lies_within_the_limits():
    sections = [getattr(Config(), name) for name in SECTIONS]
    sections += [resolve_options(name, {}) for name in entries()]
    for section in sections:
        for field in dataclasses.fields(section):
            search = field.metadata["search"]
            values = search.values if isinstance(search, Choice) else ()
            values += (search.low, search.high) if isinstance(search, Span) else ()
            for value in (getattr(section, field.name), *values):
                assert getattr(override(section, {field.name: value}), field.name) == value


@pytest.mark.parametrize("setting", ["pooling=foo", "directions=3", "hidden=0"])
def test_model_options_out_of_range_are_refused(setting):
    with pytest.raises(FlagError, match="RecurrentOptions"):
        resolve_options("bilstm", parse_assignments([f"bilstm.{setting}"]))
