"""Chooses the columns that are sequences, and how each is tokenized."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain

from seqblend.core.config import DataConfig
from seqblend.reading.column_roles import IDS_OF_STEPS, ColumnRole, find_role, mean_tokens
from seqblend.reading.kinds import (
    ColumnKind,
    detect_kind,
    make_tokenizer,
    measured_kind,
    typical_cells,
)
from seqblend.reading.tables import RawTable, check_column
from seqblend.reading.wide_tables import (
    common_pattern,
    find_step_columns,
    hold_single_values,
    join_step_columns,
    match_step_columns,
)

_SHORT_NAME = 20  # characters
_MEANINGS = {
    "numbers": "real-valued steps, by quantiles of train",
    "times": "times: weekday, hour and gaps",
    "amounts": "whole numbers, as codes and as amounts",
    "counters": "ascending numbers and their gaps, by quantiles of train",
}


@dataclass(frozen=True)
class JoinedTables:
    """Train and test with a column of lists for each family of step columns.

    wanted: the sequence columns that the user named; steps: joined column -> its columns
    """

    train: RawTable
    test: RawTable
    wanted: tuple[str, ...]
    steps: dict[str, tuple[str, ...]]

    @property
    def in_steps(self) -> set[str]:
        """The columns that others were joined from."""
        return set(chain(*self.steps.values()))

    @property
    def shared(self) -> list[str]:
        """The columns that train and test have, joined ones included, in the order of train."""
        return [name for name in self.train.columns if name in self.test.columns]


@dataclass(frozen=True)
class SequenceColumns:
    """The sequence columns in order, how each is tokenized, and why they were chosen."""

    names: tuple[str, ...]
    kinds: tuple[ColumnKind, ...]
    why: str


def join_steps(train: RawTable, test: RawTable, data: DataConfig) -> JoinedTables:
    """The tables with their step columns joined: those that data.sequence names, else all."""
    wanted, steps = _sequence_names(data, train, test)
    steps = steps if wanted else _find_steps(train, test, data)
    joined = join_step_columns(train, steps)
    return JoinedTables(joined, _join_present(test, steps, joined), wanted, steps)


def choose_sequence(
    tables: JoinedTables, roles: dict[str, ColumnRole], data: DataConfig, order: str | None = None
) -> SequenceColumns | None:
    """The sequence columns; None where no column has a sequence.

    order: the column that steps were ordered by, of which only times and counters tell more
    """
    train, steps = tables.train, tables.steps
    measured = _find_measured(train, roles, data)
    if order in roles and measured.get(order) not in ("times", "counters"):
        roles = {name: role for name, role in roles.items() if name != order}
        measured.pop(order, None)
    names, why = _choose_names(train, roles, tables.wanted, data, measured)
    if not names:
        return None
    counts = [str(len(steps[name])) for name in names if name in steps]
    why = f"{' and '.join(counts)} columns, one per step; {why}" if counts else why
    known = [roles[name].kind if name in roles else None for name in names]
    kinds = _common_kinds(
        train,
        names,
        data,
        [
            kind or detect_kind(train.columns[name], data.kind)
            for kind, name in zip(known, names, strict=True)
        ],
    )
    pairs = zip(names, kinds, strict=True)
    kinds = tuple(_as_measured(kind, measured.get(name, ""), data) for name, kind in pairs)
    return SequenceColumns(names, kinds, why)


def _choose_names(
    train: RawTable,
    roles: dict[str, ColumnRole],
    wanted: tuple[str, ...],
    data: DataConfig,
    measured: dict[str, str],
) -> tuple[tuple[str, ...], str]:
    """The sequence columns in the order of train, and why; () where no column has a sequence.

    measured: kinds of the columns of real-valued steps
    """
    if wanted:
        return wanted, "asked for"
    found = [n for n, role in roles.items() if role.name == "sequence" or n in measured]
    found = _drop_short_names(train, found, roles, data)
    if found:
        means = [mean_tokens(name, train, data, roles[name].kind) for name in found]
        shown = ", ".join(f"{mean:.0f}" for mean in means)
        return tuple(found), f"{shown} tokens per row in the mean"
    lengths = {
        name: mean_tokens(name, train, data, role.kind)
        for name, role in roles.items()
        if role.may_be_sequence or (len(roles) == 1 and role.kind is not None)
    }
    best = max(lengths, key=lambda name: (lengths[name], name), default="")
    if not best or (lengths[best] <= 1.0 and len(roles) > 3):
        return (), ""
    return (best,), f"most tokens per row ({lengths[best]:.0f})"


def _drop_short_names(
    train: RawTable, found: list[str], roles: dict[str, ColumnRole], data: DataConfig
) -> list[str]:
    """Without strings of a few characters, such as names of towns, beside longer sequences."""
    short = [
        name
        for name in found
        if roles[name].kind.name == "chars"
        and mean_tokens(name, train, data, roles[name].kind) < _SHORT_NAME
    ]
    return [name for name in found if name not in short] or found


def _find_measured(
    train: RawTable, roles: dict[str, ColumnRole], data: DataConfig
) -> dict[str, str]:
    """{column: its kind} of the columns of real-valued steps."""
    if data.kind not in ("auto", "numbers", "tokens"):
        return {}
    tokenizers = {
        name: make_tokenizer(role.kind, train, name, data)
        for name, role in roles.items()
        if (role.name == "sequence" or role.why == IDS_OF_STEPS)
        and role.kind is not None
        and role.kind.name == "tokens"
    }
    counts = {}
    for name, tokenize in tokenizers.items() if len(tokenizers) > 1 else ():
        counts[name] = tuple(len(tokenize(cell)) for cell in train.columns[name])
    often, found = Counter(counts.values()), {}
    for name, tokenize in tokenizers.items():
        count = counts.get(name, ())
        is_beside = often[count] > 1 and max(count) > 1
        rows = list(map(tokenize, typical_cells(train.columns[name], 200)))
        kind = measured_kind(rows, is_beside=is_beside)
        is_id = kind == "amounts" and roles[name].why == IDS_OF_STEPS
        if kind and not is_id and (kind == "times" or data.kind != "tokens"):
            found[name] = kind
    return found


def _as_measured(kind: ColumnKind, measured: str, data: DataConfig) -> ColumnKind:
    """The kind of real-valued steps, where the steps are such, or are asked to be read so."""
    if kind.name != "tokens" or not (measured or data.kind == "numbers"):
        return kind
    why = "asked for" if data.kind == "numbers" else _MEANINGS[measured]
    return ColumnKind(measured or "numbers", kind.separator, why)


def _sequence_names(
    data: DataConfig, train: RawTable, test: RawTable
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The columns that data.sequence names, and the step columns of those that are patterns."""
    if not data.sequence:
        return (), {}
    is_one = data.sequence in train.columns  # a column's name may hold a comma
    names = [data.sequence] if is_one else [name.strip() for name in data.sequence.split(",")]
    patterns = [name for name in names if name not in train.columns]
    steps = {name: found for name in patterns if (found := match_step_columns(name, train))}
    for name in names:
        for table in (train, test) if name not in steps else ():
            check_column(name, table, "sequence")
    family = common_pattern(tuple(names))
    if len(names) > 1 and not steps and family and hold_single_values(train, names):
        return (family,), {family: tuple(names)}
    return tuple(names), steps


def _find_steps(train: RawTable, test: RawTable, data: DataConfig) -> dict[str, tuple[str, ...]]:
    """The numbered columns that are steps: none beside a column that is likelier the sequence.

    Beside prose, a list or a longer string, numbered columns are features of their own.
    """
    steps = find_step_columns(train, test, data)
    in_steps = set(chain(*steps.values()))
    joined = join_step_columns(train, steps)
    longest = max((mean_tokens(name, joined, data, None) for name in steps), default=0.0)
    for name in train.columns:
        if name in in_steps or name not in test.columns or name in (data.id, data.group, data.fold):
            continue
        role = find_role(name, train, test, data)
        if role.name != "sequence" or role.kind is None or not steps:
            continue
        mean = mean_tokens(name, train, data, role.kind)
        if mean > (longest if role.kind.name == "chars" else 2.0):
            return {}
    return steps


def _join_present(test: RawTable, steps: dict[str, tuple[str, ...]], train: RawTable) -> RawTable:
    """Test with its steps joined; where it lacks a step, reading it says so, and train stands in.

    train: with joined steps
    """
    whole = {n: columns for n, columns in steps.items() if set(columns) <= set(test.columns)}
    lacking = {name: train.columns[name][: len(test)] for name in steps if name not in whole}
    return join_step_columns(test, whole).with_columns(lacking)


def _common_kinds(
    train: RawTable, names: tuple[str, ...], data: DataConfig, kinds: list[ColumnKind]
) -> tuple[ColumnKind, ...]:
    """Kinds of several columns: short strings are text where one is, as a title beside a text."""
    text = next((kind for kind in kinds if kind.name == "text"), None)
    if text is None:
        return tuple(kinds)
    return tuple(
        ColumnKind("text", why=text.why)
        if kind.name == "chars" and mean_tokens(name, train, data, kind) < _SHORT_NAME
        else kind
        for name, kind in zip(names, kinds, strict=True)
    )
