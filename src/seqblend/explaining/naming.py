"""Which row is meant: by its id, or a text of one's own cut as the competition's rows were."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from seqblend.config import DataConfig
from seqblend.errors import FlagError, listing, suggest
from seqblend.reading.kinds import cut_text, plain_number
from seqblend.reading.lexicon import EMPTY
from seqblend.sequences import Competition, View

_PARTS = ("train", "test")


@dataclass(frozen=True)
class NamedRow:
    """A row to be explained.

    title: for people; tokens: int32 [t]; further: texts of the tokens from len(lexicon) on
    row: its position among the training rows, -1 for another
    fold: whose members may judge it: those that did not see it, where it is a training row
    label: its class, -1 where that is not known
    """

    title: str
    tokens: np.ndarray
    fold: int = 0
    row: int = -1
    label: int = -1
    further: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def name_row(competition: Competition, fold: np.ndarray, row_id: str) -> NamedRow:
    """The training or test row with this id; `train:ID` and `test:ID` where both have it.

    fold: int64 [n]; raises: FlagError that names the nearest id where there is none
    """
    ids = dict(zip(_PARTS, (competition.train_ids, competition.test_ids), strict=True))
    part, _, rest = row_id.partition(":")
    places = [(name, row_id, rows) for name, rows in ids.items() if row_id in rows]
    if not places and part in ids and rest in ids[part]:
        places = [(part, rest, ids[part])]
    if not places:
        known = [*competition.train_ids, *competition.test_ids]
        raise FlagError(f"--row: no row has the id '{row_id}'{suggest(row_id, known, 'Ids', 5)}")
    part, row_id, rows = places[0]
    row, notes = rows.index(row_id), []
    if len(places) > 1:
        notes.append(f"a test row has this id too: --row test:{row_id} explains it")
    if (times := rows.count(row_id)) > 1:
        notes.append(f"{times} rows have this id: the first is explained")
    if part == "test":
        return NamedRow(f"test row {row_id}", competition.test.row(row), notes=tuple(notes))
    if fold[row] < 0:
        notes.append("no fold holds this row out: the model was trained on it")
    return NamedRow(
        f"training row {row_id}", competition.train.row(row), max(int(fold[row]), 0), row,
        int(competition.labels[row]), notes=tuple(notes),
    )  # fmt: skip


def name_text(competition: Competition, text: str, data: DataConfig) -> NamedRow:
    """A text, cut as the rows were; where these are lists of ids, the ids in it."""
    view = competition.view
    cut = _cut(text, view, data) or [EMPTY]
    further = list(dict.fromkeys(token for token in cut if not _is_known(view, token)))
    places = {token: len(view.lexicon) + i for i, token in enumerate(further)}
    tokens = [places.get(token, bisect_left(view.lexicon, token)) for token in cut]
    notes = ()
    if further:
        named = listing([token or "(empty)" for token in further], 8)
        notes = (f"in none of the competition's rows, read as unknown: {named}",)
    return NamedRow("your text", np.int32(tokens), further=tuple(further), notes=notes)


def _cut(text: str, view: View, data: DataConfig) -> list[str]:
    """Its tokens; ids are separated by `|`, `;` or `,` where there is one, else by spaces."""
    if view.name == "words":
        return cut_text(text, data)
    if view.name == "chars":
        return list(text.strip())
    separator = next((mark for mark in "|;," if mark in text), None)
    parts = [part.strip(" []()\"'") for part in text.split(separator)]
    return [part if _is_known(view, part) else plain_number(part) for part in parts if part]


def _is_known(view: View, token: str) -> bool:
    """Whether the lexicon, which is sorted, has it."""
    place = bisect_left(view.lexicon, token)
    return place < len(view.lexicon) and view.lexicon[place] == token
