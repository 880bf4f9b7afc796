"""The row to explain: by its id, or a given text, tokenised as the competition's rows."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from seqblend.core.config import DataConfig
from seqblend.core.errors import FlagError, listing, suggest
from seqblend.data.sequences import Competition, View
from seqblend.reading.kinds import plain_number
from seqblend.reading.lexicon import EMPTY
from seqblend.reading.words import split_text


@dataclass(frozen=True)
class SelectedRow:
    """A row to be explained.

    title: for people; tokens: int32 [t]
    fold: whose member explains it: one that was not trained on it, where it is a training row
    row: its position among the training rows, -1 where it is none of them
    new_tokens: the texts of tokens from len(lexicon) on
    """

    title: str
    tokens: np.ndarray
    fold: int = 0
    row: int = -1
    new_tokens: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_row(competition: Competition, fold: np.ndarray, row_id: str) -> SelectedRow:
    """The training row with this id, else the test row.

    fold: int64 [n]; raises: FlagError that names the nearest id where there is none
    """
    train_ids, test_ids = competition.train_ids, competition.test_ids
    if row_id not in train_ids and row_id not in test_ids:
        known = [*train_ids, *test_ids]
        raise FlagError(f"--row: no row has the id '{row_id}'{suggest(row_id, known, 'Ids', 5)}")
    count = train_ids.count(row_id) + test_ids.count(row_id)
    notes = [f"{count} rows have this id: the first is explained"] if count > 1 else []
    if row_id not in train_ids:
        tokens = competition.test.row(test_ids.index(row_id))
        return SelectedRow(f"test row {row_id}", tokens, notes=tuple(notes))
    row = train_ids.index(row_id)
    if fold[row] < 0:
        notes.append("no fold holds this row out: the model was trained on it")
    title, own_fold = f"training row {row_id}", max(int(fold[row]), 0)
    return SelectedRow(title, competition.train.row(row), own_fold, row, notes=tuple(notes))


def read_text(competition: Competition, text: str, data: DataConfig) -> SelectedRow:
    """A text tokenised as the rows were; where these are lists of ids, the ids in it."""
    view = competition.view
    texts = _tokenise(text, view, data) or [EMPTY]
    new = list(dict.fromkeys(token for token in texts if not _is_known(view, token)))
    ids = {token: len(view.lexicon) + i for i, token in enumerate(new)}
    tokens = np.int32([ids.get(token, bisect_left(view.lexicon, token)) for token in texts])
    named = listing([token or "(empty)" for token in new], 8)
    notes = (f"in none of the competition's rows, read as unknown: {named}",) if new else ()
    return SelectedRow("your text", tokens, new_tokens=tuple(new), notes=notes)


def _tokenise(text: str, view: View, data: DataConfig) -> list[str]:
    """Its tokens; ids are separated by `|`, `;` or `,` where there is one, else by spaces."""
    if view.name == "words":
        return split_text(text, data)
    if view.name == "chars":
        return list(text.strip())
    separator = next((mark for mark in "|;," if mark in text), None)
    parts = [part.strip(" []()\"'") for part in text.split(separator)]
    return [part if _is_known(view, part) else plain_number(part) for part in parts if part]


def _is_known(view: View, token: str) -> bool:
    """Whether the lexicon, which is sorted, has it."""
    place = bisect_left(view.lexicon, token)
    return place < len(view.lexicon) and view.lexicon[place] == token
