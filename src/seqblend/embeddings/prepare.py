"""A competition's table of vectors: its sources chosen, read, joined, and kept on disk."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seqblend.core.config import EmbeddingConfig, digest
from seqblend.core.console import duration
from seqblend.core.errors import FlagError, InputError, listing
from seqblend.core.knobs import override
from seqblend.core.provenance import code_digest
from seqblend.core.storage import (
    MANIFEST,
    commit_folder,
    file_digest,
    read_finished,
    read_json,
    read_record,
    write_array,
    write_json,
    write_record,
)
from seqblend.data.sequences import Competition
from seqblend.embeddings.selfmade import SECONDS_PER_TOKEN, choose_tokens, make_vectors
from seqblend.embeddings.vector_files import find_vector_files, sniff_width
from seqblend.embeddings.vector_sources import (
    VectorSource,
    describe_coverage,
    join_sources,
    match_file,
)
from seqblend.embeddings.vectors import EmbeddingUse, folder_of

SELF, AUTO = "self", "auto"
_FACTS, _WANTED = "coverage.json", "wanted.json"
_USE = ("path", "mode", "scale")  # change no table


@dataclass(frozen=True)
class PreparedVectors:
    """The vectors of a project: their use (None: none), their table's folder, and remarks."""

    use: EmbeddingUse | None = None
    folder: Path | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def coverage(self) -> list[dict[str, Any]]:
        """What each source covers; empty until the table is made."""
        is_made = self.folder is not None and (self.folder / MANIFEST).exists()
        return read_json(self.folder / _FACTS) if is_made else []

    @property
    def scope(self) -> str:
        """One sentence: how the vectors are used, and which rows they know."""
        if not self.use:
            return ""
        return (
            f"Token embeddings begin with these vectors (dimension {self.use.width}, "
            f"{self.use.mode}). A fold's vocabulary is its training rows, and {self.use.scope}."
        )


@dataclass(frozen=True)
class VectorPlaces:
    """Where vectors are looked for and kept.

    key: the content digest of the competition; data: its folder under working/
    folders: searched by embedding.path=auto; besides: files there that belong to the competition
    is_plan: a table that is not there yet is announced instead of made, where its width is known
    """

    key: str
    data: Path
    folders: list[Path]
    besides: list[Path]
    is_plan: bool = False


def prepare_embedding(
    config: EmbeddingConfig,
    competition: Competition,
    places: VectorPlaces,
    note: Callable[[str], None],
) -> PreparedVectors:
    """Make the table, or find it made.

    One of the rows' own vectors alone is made by the first fit that reads it (make_wanted): linear
    members need not wait for it.
    raises: FlagError for a file that is not there; InputError for one that cannot be read, covers
        none of the training rows' tokens
    """
    paths, notes = _choose_sources(config, competition, places)
    if not paths:
        return PreparedVectors(notes=notes)
    names = [str(path or SELF) for path in paths]
    folder = folder_of(places.data, _name_of(paths, config, places.key))
    use = EmbeddingUse(folder.name, 0, config.mode, config.scale, is_self_made=None in paths)
    manifest = read_finished(folder, note)
    if manifest is None:
        what = f"token vectors of {' and '.join(names)}"
        is_own = paths == [None]
        if (places.is_plan or is_own) and (width := _foresee_width(paths, competition, config)):
            seconds = SECONDS_PER_TOKEN * len(competition.view.sequences.tokens)
            how_long = f", made in about {duration(seconds)}" if None in paths else ""
            when = "come before the first network" if is_own else "come first"
            if is_own and not places.is_plan:
                write_record(folder / _WANTED, dataclasses.asdict(config))
            use = dataclasses.replace(use, width=width)
            return PreparedVectors(use, folder, [*notes, f"{what} {when}{how_long}"])
        note(f"making {what} for {len(competition.view.sequences.tokens):,} tokens")
        manifest = _make_table(folder, paths, competition, config)
    coverage = read_json(folder / _FACTS)
    lacking = [_describe_lack(facts) for facts in coverage if not facts["types_covered"]]
    if lacking and config.path == AUTO:
        again = dataclasses.replace(config, path=SELF if SELF in names else "none")
        rest = prepare_embedding(again, competition, places, note)
        return dataclasses.replace(rest, notes=[f"{lacking[0]}: not used", *rest.notes])
    if lacking:
        raise InputError(
            f"embedding.path: {lacking[0]}. Take vectors of this language and kind of token, or "
            "embedding.path=self"
        )
    use = dataclasses.replace(use, width=manifest["width"])
    return PreparedVectors(use, folder, notes)


def make_wanted(folder: Path, competition: Competition, report: Callable[[dict], None]) -> None:
    """Make the rows' own vectors that prepare_embedding left to the first fit; one process does.

    report: called with what there is to show meanwhile
    """
    if (folder / MANIFEST).exists():
        return
    wanted = read_record(folder / _WANTED)
    if wanted is None:
        return
    report({"stage": "token vectors"})
    with open(folder / ".lock", "w", encoding="ascii") as lock:
        with contextlib.suppress(OSError):  # without locks two may make it: the same bytes
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / MANIFEST).exists():
            config = override(EmbeddingConfig(), wanted)
            _make_table(folder, [None], competition, config)


def _choose_sources(
    config: EmbeddingConfig, competition: Competition, places: VectorPlaces
) -> tuple[list[Path | None], list[str]]:
    """(files, None for vectors made here; remarks).

    raises: FlagError where a file that is named is not there
    """
    if config.path != AUTO:
        names = [name.strip() for name in config.path.split(",")]
        named = [
            None if n == SELF else Path(n).expanduser() for n in names if n not in ("", "none")
        ]
        for path in filter(None, named):
            if not (path.is_file() or path.parent.is_file()):
                expected = "a vector file, self, auto or none"
                raise FlagError(f"embedding.path expects {expected}, got {path}")
        return named, []
    is_text = competition.view.name == "words"
    found = find_vector_files(places.folders, places.besides) if is_text else []
    paths: list[Path | None] = [*found[:1]]
    notes = []
    if found:
        also = f"; also found: {listing(p.name for p in found[1:])}" if found[1:] else ""
        notes = [
            f"vectors of {found[0].name} are used (found beside the data{also}). Others, or none: "
            "--set embedding.path=FILE,FILE or none"
        ]
    counts = np.bincount(competition.view.sequences.flat()[0])
    if np.count_nonzero(counts >= config.min_count) >= config.least:
        paths.append(None)
    return paths, notes


def _name_of(paths: list[Path | None], config: EmbeddingConfig, key: str) -> str:
    """A table's digest: the files' content and names, the options, the competition, the code."""
    contents = [p and file_digest(p if p.is_file() else p.parent) for p in paths]
    options = {k: v for k, v in dataclasses.asdict(config).items() if k not in _USE}
    names, code = [p and p.name for p in paths], code_digest(("embeddings/",))
    return digest(contents, names, options, key, code)


def _foresee_width(
    paths: list[Path | None], competition: Competition, config: EmbeddingConfig
) -> int:
    """The dimension of the joined vectors; 0 where it is unknown before they are made."""
    view = competition.view
    widths = [
        sniff_width(path) if path else choose_tokens(view.sequences, len(view.lexicon), config)[1]
        for path in paths
    ]
    return sum(widths) if all(widths) else 0


def _describe_lack(facts: dict[str, Any]) -> str:
    words = listing((repr(token) for token, _ in facts["missing"]), 5)
    return (
        f"none of the {facts['lines']:,} vectors of {facts['name']} is of a token of the training "
        f"rows, whose most frequent are {words}"
    )


def _make_table(
    folder: Path, paths: list[Path | None], competition: Competition, config: EmbeddingConfig
) -> dict[str, Any]:
    """Read or make the vectors, write index, vectors and coverage; returns the manifest."""
    view, lexicon = competition.view, competition.view.lexicon
    counts = np.bincount(view.sequences.flat()[0], minlength=len(lexicon))
    frequent = np.argsort(-counts, kind="stable")[: config.most]
    tokens = np.sort(frequent[counts[frequent] > 0])
    sources = []
    for path in paths:
        if path is None:
            ids, vectors = make_vectors(view.sequences, len(lexicon), config)
            sources.append(VectorSource(SELF, ids, vectors, len(ids)))
        else:
            sources.append(match_file(path, lexicon, tokens))
    counts = np.bincount(competition.train.flat()[0], minlength=len(lexicon))
    coverage = [describe_coverage(source, lexicon, counts) for source in sources]
    index, vectors = join_sources(sources, len(lexicon))
    hashes = {
        "index.npy": write_array(folder / "index.npy", index, "cache"),
        "vectors.npy": write_array(folder / "vectors.npy", vectors, "cache"),
        _FACTS: write_json(folder / _FACTS, coverage),
    }
    manifest = {"width": vectors.shape[1]}
    commit_folder(folder, manifest, hashes)
    return manifest
