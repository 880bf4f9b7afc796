"""New test rows through the stored members of a blend: a submission without training."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seqblend.app.machine_checks import free_memory
from seqblend.blending.submission import Submission, write_submission
from seqblend.blending.submission_log import log_submission
from seqblend.core.console import Console, Status, say, shorten
from seqblend.core.errors import FlagError, InputError
from seqblend.core.processes import cores
from seqblend.data.sequences import Competition
from seqblend.reading.block_reader import BlockReader, reading_cost
from seqblend.reading.cache import read_settings
from seqblend.reading.discovery import CompetitionFiles, find_files
from seqblend.reading.reader import read_with_tokenizer
from seqblend.reading.row_tokenizer import RowTokenizer
from seqblend.reading.tables import RawTable
from seqblend.running.inputs import Places, choose_competition
from seqblend.running.trained_blend import EncodedRows, Note, TrainedBlend, find_trained
from seqblend.training.devices import find_devices

_SHARE = 0.5  # of the free memory that a table may take as a whole; in blocks a quarter of that

Reading = tuple[Competition, RowTokenizer]


@dataclass(frozen=True)
class NewRows:
    """A competition's test rows, the trained blend that reads them, and what reads further ones.

    reader: of a test table too large for memory, whose rows in `competition` are empty
    """

    trained: TrainedBlend
    competition: Competition
    encoded: EncodedRows
    tokenizer: RowTokenizer
    reader: BlockReader | None = None

    def blocks(self) -> Iterator[EncodedRows]:
        """The rows in the file's order: all at once, or so many that they fit into memory."""
        if self.reader is None:
            yield self.encoded
            return
        for table in self.reader.blocks():
            yield self.encode(self.tokenizer.arrange(table))

    def encode(self, table: RawTable) -> EncodedRows:
        """The rows of an arranged table."""
        places, spell = range(len(table)), self.tokenizer.spelling
        texts = (list(map(spell, row)) for row in self.tokenizer.tokens(table, places))
        return self.trained.encode_texts(texts, self.tokenizer.steps(table, places))


class _Progress(Status):
    """How many fits have predicted the rows."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.done, self.total = 0, 0

    def lines(self) -> list[str]:
        """One line."""
        return [f"predicted by {self.done} of {self.total} fits"]

    def count(self, done: int, total: int) -> None:
        """Show that so many are done."""
        self.done, self.total = done, total
        self.tick()


def predict_new_rows(
    console: Console,
    places: Places,
    folders: Iterable[Path],
    data: Path | None,
    workers: int,
    out: Path | None,
) -> Submission | None:
    """The submission of a competition's test rows by a blend that was trained before.

    folders: where working folders may lie; data: the competition, as choose_competition has it
    returns: None, and nothing is done, where no blend was trained on its training rows
    raises: InputError where the blend's files are missing or damaged
    """
    if workers < 0:
        raise FlagError("--workers expects at least 0")
    note = partial(say, console, style="yellow")
    rows = find_new_rows(data, places, folders, note)
    if rows is None:
        return None
    trained, competition = rows.trained, rows.competition
    say(
        console,
        f"{competition.name}: {len(competition.test_ids):,} test rows, predicted by "
        f"{trained.folder.name} of {trained.workspace.root}; nothing is trained",
        "bold",
    )
    array = _predict_rows(console, rows, workers)
    root, record = trained.workspace.root.name, trained.record
    path = places.submissions / f"{root}-{trained.folder.name}-predicted.csv"
    for place in filter(None, (places.extra_submission, out, path)):
        submission = write_submission(
            place, competition.form, competition.task, competition.test_ids, array
        )
    log = places.submissions / "log.csv"
    log_submission(log, submission, root, record["metric"], record["cross_fitted"])
    say(console, f"submission: {shorten(path)}", "green")
    return submission


def _predict_rows(console: Console, rows: NewRows, workers: int) -> np.ndarray:
    """float32 [n, c]: what the blend predicts, in the order of the rows; block by block."""
    trained, note = rows.trained, partial(say, console, style="yellow")
    if rows.reader is not None:
        name, count = rows.reader.path.name, rows.reader.rows
        note(f"{name} is too large for memory: read {count:,} rows at a time")
    arrays, devices = [], find_devices(workers, cores()).devices
    trained.check_files()
    for line in describe_vectors(trained):
        note(f"note: {line}")
    with _Progress(console) as progress:
        for encoded in rows.blocks():
            new = len(encoded.new_tokens)
            if new:
                text = f"note: {new:,} different tokens of these rows are new: read as unknown"
                progress.say(text, "yellow")
            arrays.append(trained.predict(encoded, devices, progress.count))
    return np.concatenate(arrays)


def find_new_rows(
    data: Path | None, places: Places, folders: Iterable[Path], note: Note
) -> NewRows | None:
    """The test rows of a competition with the newest blend trained on its training rows, if any.

    note: called with each blend that is passed over
    """
    folder = choose_competition(data, places.inputs)
    if folder is None:
        raise InputError("no competition found: name its folder with --data")

    for trained in find_trained(folders, note):
        config, metric = read_settings(trained.workspace.data)
        again = trained.competition.reading
        try:
            files = find_files(folder, config)
            read = partial(
                read_with_tokenizer, files, config, metric=metric, name=folder.name, again=again
            )
            reader, (rows, tokenizer) = _read_blocks(files, read, again) or (None, read())
        except InputError:  # with the settings of another competition
            continue
        encoded = trained.encode(rows)
        if encoded is not None:
            return NewRows(trained, rows, encoded, tokenizer, reader)
    return None


def _read_blocks(
    files: CompetitionFiles, read: Callable[..., Reading], again: dict[str, Any]
) -> tuple[BlockReader, Reading] | None:
    """What reads the test table in blocks, and the competition without its sequences.

    None where the table fits into memory, or is one that has to be read as a whole.
    """
    with contextlib.suppress(InputError):  # reading the whole tells
        reader = _reader_of(files, again)
        if reader is not None:
            found = read(test=reader.without(again["sequence"]))
            if not found[1].is_long:  # else a sequence may be in several blocks
                return reader, found
    return None


def _reader_of(files: CompetitionFiles, again: dict[str, Any]) -> BlockReader | None:
    """What reads the test table in blocks, where the whole would fill half of the free memory.

    None also where its rows are not each a line of one file.
    """
    free = free_memory()
    if free is None or reading_cost(files.test) < _SHARE * free:
        return None
    if again["steps"] or files.test_parts or files.texts or files.tables:
        return None
    return BlockReader.open(files.test, _SHARE / 4 * free)


def describe_vectors(trained: TrainedBlend) -> list[str]:
    """A line where members have token vectors that the new rows do not change."""
    vectors = [member[0].unit.run.embedding for member in trained.fits()[0]]
    if any(use is not None and use.is_self_made for use in vectors):
        return ["token vectors were made from the earlier rows, and stay as they are"]
    return []


def folders_of(places: Places) -> list[Path]:
    """Where working folders may lie: this process's own, and in a kernel all that is attached."""
    return [places.working, *places.inputs[1:]]
