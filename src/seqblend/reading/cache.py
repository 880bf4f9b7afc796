"""Caches a competition on disk: it is read once and memory-mapped by every process after that."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqblend.core import fault_injection
from seqblend.core.config import DataConfig, digest
from seqblend.core.errors import InputError, MachineError
from seqblend.core.findings import Finding
from seqblend.core.knobs import override
from seqblend.core.provenance import code_digest
from seqblend.core.storage import (
    MANIFEST,
    commit_folder,
    file_digest,
    find_damage,
    read_array,
    read_finished,
    read_json,
    write_array,
    write_json,
)
from seqblend.data.sequences import Competition, CsvStyle, SequenceSet, SubmissionForm, View
from seqblend.reading.discovery import CompetitionFiles
from seqblend.reading.formats import read_bytes
from seqblend.reading.reader import read_competition
from seqblend.reading.text_folders import text_files
from seqblend.tasks.task import task_for

# The sources that change what is read.
READING = ("reading/", "tasks/", "data/sequences", "core/processes", "core/seeds")


def data_digest(files: CompetitionFiles, config: DataConfig, metric: str) -> str:
    """Digest of what was read: the files' contents, the options and the reading code.

    It follows the contents, not size or time, of a file.
    """
    paths = [path for path in files.all() if path != files.solution]
    contents = {str(path): source_digest(path) for path in paths}
    roles = [path and path.name for path in (files.train, files.test, files.sample, files.labels)]
    return digest(list(contents.values()), roles, config, metric, code_digest(READING))


def source_digest(path: Path) -> str:
    """SHA-256 of a file, of a file in an archive, or of the texts of a folder."""
    if path.is_dir():
        return digest([[file.name, file_digest(file)] for file in text_files(path)])
    return file_digest(path) if path.is_file() else hashlib.sha256(read_bytes(path)[0]).hexdigest()


def load_or_read(
    folder: Path,
    files: CompetitionFiles,
    config: DataConfig,
    metric: str,
    name: str,
    note: Callable[[str], None],
    *,
    refusal: MachineError | None = None,
) -> tuple[Competition, str]:
    """The competition and its content digest: from `folder`, or read from the files into it.

    refusal: raised where the files have to be read but the folder may not be written; None: it may
    """
    key = data_digest(files, config, metric)
    manifest = read_finished(folder, note, sets_aside=refusal is None)
    if manifest is None or manifest["digest"] != key:
        if refusal is not None:
            raise refusal
        competition = read_competition(files, config, metric=metric, name=name)
        fault_injection.visit("data.read")
        settings = {"data": dataclasses.asdict(config), "metric": metric}
        save_competition(folder, competition, key, settings)
    return load_competition(folder), content_digest(folder)


def content_digest(folder: Path) -> str:
    """Digest of sequences, targets and their columns: all that training reads of them.

    Another metric, sample submission or group column does not change it, nor finished units.
    """
    others = ("competition.json", "groups.npy", "given_folds.npy")
    hashes = read_json(folder / MANIFEST)["files"]
    kept = {name: text for name, text in hashes.items() if name not in others}
    return digest(kept, read_json(folder / "competition.json")["columns"])


def contents_digest(files: CompetitionFiles) -> str:
    """Digest (16 hex digits) of the bytes of the training and test files, wherever they lie."""
    return digest(source_digest(files.train), source_digest(files.test))


def save_competition(
    folder: Path, competition: Competition, key: str, settings: dict[str, Any] | None = None
) -> None:
    """Write tokens, offsets and targets as arrays, everything else as JSON; the manifest last.

    settings: with which it was read, for read_settings
    """
    (folder / MANIFEST).unlink(missing_ok=True)
    hashes = {}
    arrays = {"targets": competition.targets}
    if competition.groups is not None:
        arrays["groups"] = competition.groups
    if competition.folds is not None:
        arrays["given_folds"] = competition.folds
    for view in competition.views.values():
        tokens, offsets = view.sequences.flat()
        arrays |= {f"{view.name}/tokens": tokens, f"{view.name}/offsets": offsets}
        if view.sequences.steps is not None:
            values, begins = view.sequences.steps.flat()
            arrays |= {f"{view.name}/steps": values, f"{view.name}/step_offsets": begins}
        name = f"{view.name}/lexicon.json"
        hashes[name] = write_json(folder / name, view.lexicon)
    for name, array in arrays.items():
        hashes[f"{name}.npy"] = write_array(folder / f"{name}.npy", array, "cache")
    facts = {f.name: getattr(competition, f.name) for f in dataclasses.fields(competition)}
    for name in ("targets", "groups", "folds", "views"):
        del facts[name]
    facts |= {"task": competition.task.name, "columns": competition.task.columns}
    facts["form"] = dataclasses.asdict(competition.form)
    facts["findings"] = [dataclasses.asdict(finding) for finding in competition.findings]
    facts["views"] = list(competition.views)
    hashes["competition.json"] = write_json(folder / "competition.json", facts)
    commit_folder(folder, {"digest": key, "settings": settings or {}}, hashes)


def read_settings(folder: Path) -> tuple[DataConfig, str]:
    """(options, metric) with which the competition in a data folder was read."""
    settings = read_json(folder / MANIFEST)["settings"]
    return override(DataConfig(), settings["data"]), settings["metric"]


def load_competition(folder: Path) -> Competition:
    """The competition in a data folder, its tokens memory-mapped."""
    facts = read_json(folder / "competition.json")
    written = read_json(folder / MANIFEST)["files"]
    views = {}
    for name in facts.pop("views"):
        has_steps = f"{name}/steps.npy" in written
        views[name] = _load_view(folder / name, name, has_steps=has_steps)
    form = facts["form"]
    form["style"]["quoted"] = tuple(form["style"]["quoted"])
    form |= {name: tuple(form[name]) for name in ("columns", "classes", "header")}
    facts["form"] = SubmissionForm(**form | {"style": CsvStyle(**form["style"])})
    facts["findings"] = [Finding(**finding) for finding in facts["findings"]]
    facts["task"] = task_for(facts["task"], facts.pop("columns"))
    for name, file in (("groups", "groups.npy"), ("folds", "given_folds.npy")):
        facts[name] = read_array(folder / file) if file in written else None
    return Competition(**facts, targets=read_array(folder / "targets.npy"), views=views)


def load_checked(folder: Path, key: str) -> Competition:
    """The competition in a data folder, where what it holds has this content digest.

    A worker maps the rows some time after its parent read them. Without this check it could fit
    other rows and store the result under the digest of the expected ones. The hashes
    are taken after the files are mapped: a file that is replaced later leaves the mapped one alone.
    raises: InputError where a file has another hash, or the rows have another digest
    """
    competition = load_competition(folder)
    damaged = find_damage(folder)
    if not damaged and content_digest(folder) == key:
        return competition
    what = f"{', '.join(damaged)} damaged" if damaged else "rows with another digest"
    raise InputError(
        f"{folder}: expected the rows that this run began with, found {what}. Run the same "
        "command again: the files are then read anew"
    )


def _load_view(folder: Path, name: str, *, has_steps: bool) -> View:
    """One view; its tokens are mapped copy-on-write, so that processes share the pages."""
    steps = _load_sequences(folder, "steps", "step_offsets") if has_steps else None
    sequences = _load_sequences(folder, "tokens", "offsets", steps)
    return View(name, sequences, read_json(folder / "lexicon.json"))


def _load_sequences(
    folder: Path, tokens: str, offsets: str, steps: SequenceSet | None = None
) -> SequenceSet:
    mapped = read_array(folder / f"{tokens}.npy", is_mapped=True)
    return SequenceSet.from_offsets(mapped, read_array(folder / f"{offsets}.npy"), steps)
