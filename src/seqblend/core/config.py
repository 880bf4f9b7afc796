"""All settings: frozen dataclasses whose fields have a default, help and a search range."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqblend.core.errors import FlagError, suggest
from seqblend.core.knobs import Choice, Span, knob, override, share


@dataclass(frozen=True)
class DataConfig:
    """What the data files contain. Empty text: inferred from the files."""

    sequence: str = knob(
        "", help="column(s) of the sequence: text, or a,b, or t* (one column per step)"
    )
    task: str = knob(
        "auto", help="what is predicted: auto, single_label, multi_label, ordinal or regression"
    )
    target: str = knob("", help="column of the label; a,b: several columns of targets")
    id: str = knob("", help="column of the row's id")
    positive: str = knob("", help="class whose probability a single submission column holds")
    group: str = knob(
        "", help="column whose equal values stay in one fold; none: none, though one is found"
    )
    fold: str = knob("", help="column of given fold numbers")
    kind: str = knob(
        "auto",
        help="what a sequence consists of",
        allowed=("auto", "text", "chars", "tokens", "numbers"),
    )
    features: str = knob(
        "auto", help="columns read as features beside the sequence: auto, none or a,b"
    )
    ignore: str = knob("", help="columns that are left out: a,b")
    train: str = knob("", help="file of the training rows; a,b: its parts")
    test: str = knob("", help="file of the test rows; a,b: its parts")
    sample: str = knob("", help="file of the sample submission; none: do without it")
    labels: str = knob("", help="file of the labels, where they are apart from the training rows")
    extra: str = knob("", help="file of further training rows, which are never validated on")
    rows: int = knob(0, least=0, help="stratified subset of this many training rows (0: all)")
    lowercase: bool = knob(True, help="convert text to lower case")
    html: bool = knob(True, help="replace HTML tags in text by a space")
    numbers: str = knob(
        "keep", help="digits in text; zeros: replace each by 0", allowed=("keep", "zeros", "drop")
    )
    apostrophes: str = knob(
        "keep", help="in words: don't, don ' t or dont", allowed=("keep", "split", "drop")
    )


@dataclass(frozen=True)
class FoldConfig:
    """How training rows are split into folds."""

    count: int = knob(5, least=1, help="number of folds; 1: a single stratified hold-out of 20 %")
    seed: int = knob(0, help="random seed of the folds")
    by_sequence: str = knob(
        "auto",
        help="keep identical sequences in one fold; auto: unless test rows repeat train rows as "
        "often as these repeat each other",
        allowed=("auto", "true", "false"),
    )
    groups: str = knob(
        "",
        help="auto: keep near duplicates and rows that share rare tokens in one fold, where test "
        "rows have no such relatives in train",
        allowed=("", "auto"),
        hint="A column whose equal values stay in one fold is named by --set data.group=COLUMN",
    )


@dataclass(frozen=True)
class VocabularyConfig:
    """Which tokens of a sequence a network reads."""

    size: int = knob(
        30_000, Choice((10_000, 30_000, 60_000)), "number of most frequent tokens kept", least=1
    )
    min_count: int = knob(2, Choice((1, 2, 3, 5)), "rarer tokens become unknown", least=0)
    max_len: int = knob(
        400, Choice((200, 400, 600)), "longer sequences are truncated to this", least=1
    )
    truncate: str = knob(
        "both", Choice(("head", "tail", "both")), "which part of a truncated sequence is kept"
    )


@dataclass(frozen=True)
class EmbeddingConfig:
    """Initial token vectors of networks."""

    path: str = knob(
        "auto",
        help="vector files joined by commas, self (made from all rows) or none; auto: files found "
        "beside the data, and self",
    )
    mode: str = knob(
        "auto",
        Choice(("tuned", "frozen")),
        "auto: frozen where only few of many rows are labelled",
        allowed=("auto", "tuned", "frozen"),
    )
    scale: float = knob(0.3, least=0.001, help="standard deviation that vectors are scaled to")
    most: int = knob(60_000, least=1, help="number of most frequent tokens that get a vector")
    width: int = knob(100, least=1, help="dimension of self-made vectors")
    context: str = knob(
        "auto",
        help="self: a token's contexts are near tokens, its rows, or both (half of the dimensions "
        "each); auto: both where vectors are frozen, else near",
        allowed=("auto", "near", "rows", "both"),
    )
    window: int = knob(5, least=1, help="self: tokens on each side that count as near")
    min_count: int = knob(3, least=1, help="self: rarer tokens get no vector")
    least: int = knob(300, least=1, help="auto uses self-made vectors only above this vocabulary")
    size: int = knob(30_000, least=2, help="self: number of most frequent tokens with a vector")
    smoothing: float = knob(0.75, least=0.0, help="self: exponent of context frequencies in PPMI")
    shift: float = knob(1.0, least=0.01, help="self: shift of the shifted PPMI (1: none)")


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained."""

    lr: float = knob(4e-3, Span(3e-4, 1e-2, log=True), "learning rate after warm-up", least=0)
    weight_decay: float = knob(
        0.01, Span(1e-4, 0.3, log=True), "decoupled weight decay of AdamW", least=0
    )
    epochs: int = knob(0, least=0, help="fixed number of epochs; 0: chosen by a pilot fit")
    max_epochs: int = knob(
        100,
        least=1,
        help="upper limit of the pilot's epochs; long ones end after 10 million tokens",
    )
    patience: int = knob(
        0,
        least=0,
        help="the pilot stops after this many epochs without improvement; 0: 4, "
        "2 from 1,000 validation rows on, 1 from 3,000",
    )
    steps_per_epoch: int = knob(
        128,
        Choice((64, 128, 256)),
        "steps per epoch that the token budget of a batch aims at",
        least=1,
    )
    tokens_per_batch: int = knob(16_384, least=1, help="upper limit of the padded tokens per batch")
    batch_rows: int = knob(0, least=0, help="rows per batch; 0: use the token budget")
    clip_norm: float = knob(
        1.0,
        Span(0.25, 5.0, log=True),
        "gradients are clipped to this norm; 0: no clipping",
        least=0,
    )
    warmup: int = knob(50, least=0, help="warm-up steps of the learning rate")
    average: bool = knob(True, help="use averaged weights for validation and prediction")
    half_life: float = knob(
        0.1,
        Span(0.02, 0.3, log=True),
        "half-life of the weight average, as a share of the steps so far",
        least=0.001,
        below=1,
    )
    label_smoothing: float = share(0.1, Span(0.0, 0.2), "probability mass spread over all classes")
    class_weights: bool = knob(False, help="weight classes by inverse frequency")
    huber: float = knob(
        0.0,
        least=0,
        help="regression: errors beyond this many standard deviations count linearly; 0: squared",
    )
    adapt: bool = knob(
        True,
        help="linear members choose options on inner splits, networks a recipe by their pilots",
    )
    calibrate: bool = knob(
        True,
        help="choose the pilot's epoch by the loss after temperature scaling, and predict with "
        "that temperature",
    )
    early_stopping: bool = knob(
        False, help="choose each fold's best epoch on its validation rows (optimistic)"
    )
    precision: str = knob("auto", help="auto, float32, bfloat16 or float16")


@dataclass(frozen=True)
class Config:
    """All settings of a run. `options` has those of one model, or of all models.

    models: names of models and of groups (models/model_groups.py), as typed
    preset: how much time members are chosen for (portfolio/catalogue.py); empty: all are trained;
        auto: quick for the demo, else default
    given: settings from --set or --config, such as train.lr; they take precedence over tuned ones
    tuned: model -> {"train.lr": value}, found by the tuner
    """

    data: DataConfig = DataConfig()
    folds: FoldConfig = FoldConfig()
    vocabulary: VocabularyConfig = VocabularyConfig()
    embedding: EmbeddingConfig = EmbeddingConfig()
    train: TrainConfig = TrainConfig()
    models: tuple[str, ...] = ("default",)
    preset: str = ""
    seeds: int = 1
    metric: str = ""
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    tuned: dict[str, dict[str, Any]] = field(default_factory=dict)


def digest(*parts: Any) -> str:
    """16 hex digits: a digest of JSON-able parts and dataclasses."""
    text = json.dumps(parts, sort_keys=True, default=dataclasses.asdict)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


SECTIONS = ("data", "folds", "vocabulary", "embedding", "train")


def configure(
    config: Config, settings: dict[str, dict[str, Any]], model_names: typing.Iterable[str]
) -> Config:
    """`config` changed by settings {section: {name: value}}.

    A section is one of SECTIONS, `options` (every model that has the field) or a model's name.
    Fields of models are checked where their options are resolved.
    """
    model_names = list(model_names)
    options = {name: dict(values) for name, values in config.options.items()}
    for section, values in settings.items():
        if section in SECTIONS:
            config = dataclasses.replace(
                config, **{section: override(getattr(config, section), values)}
            )
        elif section == "options" or section in model_names:
            options.setdefault(section, {}).update(values)
        else:
            known = [*SECTIONS, "options", *model_names]
            raise FlagError(f"no section '{section}'{suggest(section, known, 'Sections')}")
    given = {f"{section}.{name}" for section, values in settings.items() for name in values}
    return dataclasses.replace(config, options=options, given=config.given | given)


def parse_assignments(pairs: list[str]) -> dict[str, dict[str, str]]:
    """`["train.lr=1e-3"]` -> {"train": {"lr": "1e-3"}}; `embedding=` is short for its path."""
    settings: dict[str, dict[str, str]] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        section, dot, name = key.strip().partition(".")
        if key.strip() == "embedding":
            dot, name = ".", "path"
        if not (sign and dot and name):
            raise FlagError(f"--set expects section.name=value, got '{pair}'")
        settings.setdefault(section, {})[name] = value.strip()
    return settings


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML config file; FlagError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FlagError(f"--config expects a readable TOML file, got {path}: {error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FlagError(f"{path} is not valid TOML: {error}") from None
