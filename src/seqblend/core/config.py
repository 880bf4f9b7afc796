"""Settings: frozen dataclasses whose fields carry default, type, help and search range."""

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
    """What the files hold. Empty text means: find out."""

    sequence: str = knob("", help="the sequence's column(s): text, or a,b, or t* (one a step)")
    target: str = knob("", help="the column that holds the label")
    id: str = knob("", help="the column that holds the row's id")
    positive: str = knob("", help="the class whose probability a single column asks for")
    group: str = knob("", help="rows with the same value here never sit on both sides of a fold")
    fold: str = knob("", help="the column that gives each row's fold")
    kind: str = knob("auto", help="what a row holds", allowed=("auto", "text", "chars", "tokens"))
    rows: int = knob(
        0, least=0, help="take a stratified subset of this many training rows (0: all)"
    )
    lowercase: bool = knob(True, help="fold the case of text")
    html: bool = knob(True, help="replace HTML tags in text by a space")
    numbers: str = knob(
        "keep", help="digits in text; zeros: each becomes 0", allowed=("keep", "zeros", "drop")
    )
    apostrophes: str = knob(
        "keep", help="inside a word: don't, don ' t or dont", allowed=("keep", "split", "drop")
    )


@dataclass(frozen=True)
class FoldConfig:
    """How training rows are split."""

    count: int = knob(5, least=1, help="folds; 1 is one stratified hold-out of 20 %")
    seed: int = knob(0, help="draws the folds")
    by_sequence: bool = knob(True, help="identical sequences share a fold")
    groups: str = knob(
        "",
        help="auto: rows stay together that test rows have no likes of: relatives by rare tokens, "
        "near duplicates; duplicates that test rows have as well are kept apart",
        allowed=("", "auto"),
    )


@dataclass(frozen=True)
class VocabularyConfig:
    """What a neural member sees of a sequence."""

    size: int = knob(30_000, Choice((10_000, 30_000, 60_000)), "most frequent tokens kept", least=1)
    min_count: int = knob(2, Choice((1, 2, 3, 5)), "rarer tokens are unknown", least=0)
    max_len: int = knob(400, Choice((200, 400, 600)), "longer sequences are cut to this", least=1)
    truncate: str = knob("both", Choice(("head", "tail", "both")), "which part a cut keeps")


@dataclass(frozen=True)
class EmbeddingConfig:
    """Vectors that a neural member's tokens begin with."""

    path: str = knob(
        "auto",
        help="vector files joined by commas, self (made from all rows), none; auto: what is found "
        "beside the data, and self where there are tokens enough",
    )
    mode: str = knob(
        "auto", Choice(("tuned", "frozen", "thaw")), "thaw: frozen for the first epoch; auto: "
        "frozen where few of many rows have labels and epochs are short, else tuned",
        allowed=("auto", "tuned", "frozen", "thaw"),
    )  # fmt: skip
    scale: float = knob(0.3, least=0.001, help="standard deviation of the vectors' numbers")
    most: int = knob(60_000, least=1, help="most frequent tokens that get a vector")
    width: int = knob(100, least=1, help="self: numbers a vector")
    context: str = knob(
        "auto", help="self: what a token is told by, near tokens, the rows it stands in, or half "
        "of the numbers by each; auto: both where vectors stay frozen, else near",
        allowed=("auto", "near", "rows", "both"),
    )  # fmt: skip
    window: int = knob(5, least=1, help="self: tokens on each side that count as near")
    min_count: int = knob(3, least=1, help="self: rarer tokens get no vector")
    least: int = knob(300, least=1, help="self is left out of auto with fewer tokens than these")
    size: int = knob(30_000, least=2, help="self: most frequent tokens that get a vector")
    smoothing: float = knob(0.75, least=0.0, help="self: power of a context's frequency")
    shift: float = knob(1.0, least=0.01, help="self: how many times chance counts as chance")


@dataclass(frozen=True)
class TrainConfig:
    """How a neural member is fitted."""

    lr: float = knob(4e-3, Span(3e-4, 1e-2, log=True), "AdamW's rate after the warm-up", least=0)
    weight_decay: float = knob(0.01, Span(1e-4, 0.3, log=True), "AdamW's decoupled decay", least=0)
    epochs: int = knob(0, least=0, help="fixed number of epochs; 0: a pilot chooses")
    max_epochs: int = knob(30, least=1, help="the pilot's limit")
    patience: int = knob(
        0, least=0, help="the pilot stops after this many epochs without a better loss; 0: 2, or 4 "
        "where it is scored on fewer than 1,000 rows",
    )  # fmt: skip
    steps_per_epoch: int = knob(
        128, Choice((64, 128, 256)), "sets the token budget of a batch", least=1
    )
    tokens_per_batch: int = knob(16_384, least=1, help="upper limit of a batch's padded tokens")
    batch_rows: int = knob(0, least=0, help="rows of a batch; 0: a token budget instead")
    clip_norm: float = knob(
        1.0, Span(0.25, 5.0, log=True), "largest gradient norm; 0: no clipping", least=0
    )
    warmup: int = knob(50, least=0, help="steps until the full rate")
    optimiser: str = knob("adamw", help="adam has no decay", allowed=("adamw", "adam"))
    schedule: str = knob(
        "constant",
        help="of the rate; cosine and one_cycle expect train.epochs",
        allowed=("constant", "cosine", "one_cycle"),
    )
    average: bool = knob(True, help="validate and keep averaged weights, not the last ones")
    half_life: float = knob(
        0.1, Span(0.02, 0.3, log=True), "of averaged weights, as a share", least=0.001, below=1
    )
    label_smoothing: float = share(0.1, Span(0.0, 0.2), "mass moved to the other classes")
    class_weights: bool = knob(False, help="weigh classes by inverse frequency")
    calibrate: bool = knob(
        True, help="the pilot's epochs are those of the least loss after temperature scaling, and "
        "folds predict with its temperature",
    )  # fmt: skip
    early_stopping: bool = knob(False, help="each fold chooses its own epoch (not honest)")
    precision: str = knob("auto", help="auto, float32, bfloat16 or float16")


@dataclass(frozen=True)
class PseudoConfig:
    """A second stage that also learns from test rows with the first stage's labels."""

    use: bool = knob(False, help="fit each model once more with pseudo-labels (--pseudo)")
    confidence: float = knob(
        0.95, least=0, most=1, help="the least mean probability of a test row that gets a label"
    )
    share: float = knob(1.0, least=0.0, help="at most this many of them, as a share of train rows")


@dataclass(frozen=True)
class Config:
    """Everything a run depends on. `options` holds what was set for one model or for all.

    models: names of models and of groups (models/groups.py), as they were typed
    given: what --set or --config named, such as train.lr: it stands above what was tuned
    tuned: model -> {"train.lr": value}, found by the tuner
    """

    data: DataConfig = DataConfig()
    folds: FoldConfig = FoldConfig()
    vocabulary: VocabularyConfig = VocabularyConfig()
    embedding: EmbeddingConfig = EmbeddingConfig()
    train: TrainConfig = TrainConfig()
    pseudo: PseudoConfig = PseudoConfig()
    models: tuple[str, ...] = ("default",)
    seeds: int = 1
    metric: str = ""
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    tuned: dict[str, dict[str, Any]] = field(default_factory=dict)


def digest(*parts: Any) -> str:
    """16 hex digits that name the content of JSON-able parts and dataclasses."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:16]


def canonical(value: Any) -> str:
    """Sorted JSON text of a value made of dataclasses, dicts, sequences and scalars."""

    def plain(item: Any) -> Any:
        if dataclasses.is_dataclass(item) and not isinstance(item, type):
            return dataclasses.asdict(item)
        raise TypeError(f"not part of a digest: {type(item).__name__}")

    return json.dumps(value, sort_keys=True, default=plain)


SECTIONS = ("data", "folds", "vocabulary", "embedding", "train", "pseudo")


def configure(
    config: Config, settings: dict[str, dict[str, Any]], model_names: typing.Iterable[str]
) -> Config:
    """`config` with settings {section: {name: value}} put in.

    A section is one of SECTIONS, `options` (every model that has the field) or a model's name.
    Which fields a model has is checked where its options are resolved.
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


def check_schedule(train: TrainConfig) -> None:
    """FlagError where the learning rate falls over epochs whose number is left to be found.

    A pilot's rate would fall over train.max_epochs, its folds' over the few epochs it chose.
    """
    if train.schedule != "constant" and not train.epochs:
        raise FlagError(
            f"train.schedule={train.schedule} expects a fixed number of epochs, since its rate "
            "falls over all of them, and got train.epochs=0: add --set train.epochs=8, or leave "
            "train.schedule=constant"
        )


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML config file; FlagError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FlagError(f"--config expects a readable TOML file, got {path}: {error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FlagError(f"{path} is not valid TOML: {error}") from None
