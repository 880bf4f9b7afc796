"""Tokenizes the rows of tables as those of a competition's training table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

from seqblend.core.config import DataConfig
from seqblend.data.sequences import SequenceSet
from seqblend.reading.features import column_token, make_features
from seqblend.reading.kinds import MEASURED, VIEW_NAMES, Tokenizer, make_tokenizer, plain_number
from seqblend.reading.measurements import Measurements, time_tokens
from seqblend.reading.schema import Schema
from seqblend.reading.tables import RawTable, align_names
from seqblend.reading.wide_tables import join_step_columns


class RowTokenizer:
    """Cuts rows into tokens: features, then each sequence column in order.

    Where there are several sequence columns, a token that names it precedes each. Real-valued
    columns come first; beside codes, summaries of them alone are tokens: see measurements.py.
    Intervals of values are those of the training rows.

    names: the columns of the training table's file
    is_long: files have a row per step, not per sequence
    """

    def __init__(
        self,
        schema: Schema,
        data: DataConfig,
        train: RawTable,
        fold: Callable[[RawTable], RawTable],
        *,
        names: Collection[str],
        is_long: bool,
    ) -> None:
        self._names, self.is_long = list(names), is_long
        self._schema, self._data, self._fold = schema, data, fold
        categories, numbers = list(schema.categories), list(schema.numbers)
        self._features = make_features(categories, numbers, train)
        self._kinds = dict(zip(schema.sequence, schema.kinds, strict=True))
        measured = {n: kind.name for n, kind in self._kinds.items() if kind.name in MEASURED}
        self._measured = list(measured)
        cuts = [map(self._cutter(name, train), train.columns[name]) for name in self._measured]
        self._measurements = Measurements.fit(measured, zip(*cuts, strict=True))
        kinds = {kind.name for kind in schema.kinds}
        self._has_steps = kinds <= {"numbers", "counters", "times"}  # as tokens

    @property
    def view_name(self) -> str:
        """The name of the view that the tokens make up."""
        names = [kind.name for kind in self._schema.kinds]
        return VIEW_NAMES["text" if "text" in names else names[0]]

    @property
    def spelling(self) -> Callable[[str], str]:
        """From a token to its text in the lexicon."""
        is_list = any(kind.name in ("tokens", "amounts") for kind in self._schema.kinds)
        return plain_number if is_list else str

    def missing(self, table: RawTable, *, features: bool = False) -> list[str]:
        """The columns that a file lacks to be read as sequences, or also for their features."""
        steps, schema = self._schema.steps, self._schema
        needed = [*chain(*(steps.get(name, (name,)) for name in schema.sequence))]
        needed += [*schema.categories, *schema.numbers] if features else []
        table = align_names(table, self._names)
        return [name for name in needed if name not in table.columns]

    def arrange(self, table: RawTable) -> RawTable:
        """The table of a file with a row per sequence, as the training table was arranged."""
        table = align_names(table, self._names)
        return join_step_columns(self._fold(table), self._schema.steps)

    def tokens(self, table: RawTable, rows: Iterable[int]) -> Iterator[list[str]]:
        """The tokens of the rows (integer positions) of an arranged table."""
        names = self._schema.sequence
        columns = [(name, self._cutter(name, table), table.columns[name]) for name in names]
        for row in rows:
            parts = {name: cut(cells[row]) for name, cut, cells in columns}
            features = self._features.tokens(table, row)
            if features or any(parts.values()):
                measured = [parts.pop(name) for name in self._measured]
                numbers = self._measurements.tokens(measured, has_steps=self._has_steps)
                for name, own in zip(self._measured, measured, strict=True):
                    if self._kinds[name].name == "times":
                        parts[name] = time_tokens(own)
                    elif self._kinds[name].name == "amounts":
                        parts[name] = own
                texts = chain(*(self._mark(name, parts[name]) for name in names if name in parts))
                yield [*features, *numbers, *texts]
            else:
                yield []

    def steps(self, table: RawTable, rows: Iterable[int]) -> SequenceSet | None:
        """The real-valued steps of the rows of an arranged table; None where no column has such."""
        if not self._measured:
            return None
        columns = [(self._cutter(name, table), table.columns[name]) for name in self._measured]
        cells = ([cut(column[row]) for cut, column in columns] for row in rows)
        return SequenceSet.from_rows(list(map(self._measurements.values, cells)))

    def _cutter(self, name: str, table: RawTable) -> Tokenizer:
        return make_tokenizer(self._kinds[name], table, name, self._data)

    def _mark(self, name: str, tokens: list[str]) -> list[str]:
        """A column's tokens, after one that names it where there are several columns."""
        return [column_token(name), *tokens] if len(self._schema.sequence) > 1 else tokens
