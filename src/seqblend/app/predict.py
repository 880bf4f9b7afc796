"""New test rows through the stored members of a blend: a submission without training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from seqblend.blending.submission import Submission, write_submission
from seqblend.blending.submission_log import log_submission
from seqblend.core.console import Console, Status, say, shorten
from seqblend.core.errors import FlagError, InputError
from seqblend.data.sequences import Competition
from seqblend.reading.cache import read_settings
from seqblend.reading.discovery import find_files
from seqblend.reading.reader import read_with_tokenizer
from seqblend.reading.row_tokenizer import RowTokenizer
from seqblend.running.executors import cores
from seqblend.running.inputs import Places, choose_competition
from seqblend.running.trained_blend import EncodedRows, Note, TrainedBlend, find_trained
from seqblend.training.devices import find_devices


@dataclass(frozen=True)
class NewRows:
    """A competition's test rows, the trained blend that reads them, and what reads further ones."""

    trained: TrainedBlend
    competition: Competition
    encoded: EncodedRows
    tokenizer: RowTokenizer


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
    for line in describe_unknown(rows):
        note(f"note: {line}")
    with _Progress(console) as progress:
        machine = find_devices(workers, cores())
        array = trained.predict(rows.encoded, machine.devices, progress.count)
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
            rows, tokenizer = read_with_tokenizer(
                files, config, metric=metric, name=folder.name, again=again
            )
        except InputError:  # with the settings of another competition
            continue
        encoded = trained.encode(rows)
        if encoded is not None:
            return NewRows(trained, rows, encoded, tokenizer)
    return None


def describe_unknown(rows: NewRows) -> list[str]:
    """What the members do not know of these rows, a line each."""
    new, lines = len(rows.encoded.new_tokens), []
    if new:
        lines.append(f"{new:,} different tokens of these rows are new: read as unknown")
    vectors = [member[0].unit.run.embedding for member in rows.trained.fits()[0]]
    if any(use is not None and use.is_self_made for use in vectors):
        lines.append("token vectors were made from the earlier rows, and stay as they are")
    return lines


def folders_of(places: Places) -> list[Path]:
    """Where working folders may lie: this process's own, and in a kernel all that is attached."""
    return [places.working, *places.inputs[1:]]
