"""Finds the files of a competition in a folder: which are train, test, sample submission, ..."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from seqblend.core.config import DataConfig
from seqblend.core.errors import FlagError, InputError, listing
from seqblend.reading.file_roles import (
    name_without_role,
    other_formats,
    prefer_unpacked,
    role_of,
    stem_of,
)
from seqblend.reading.formats import data_name
from seqblend.reading.json_tables import Cell
from seqblend.reading.survey import survey
from seqblend.reading.tables import read_table

_RENAME = (
    "Name them train.csv, test.csv and sample_submission.csv "
    "(or .tsv, .json, .jsonl, .parquet; also .gz, .zip, .bz2, .xz), or name each with "
    "--set data.train=FILE and --set data.test=FILE"
)
_LARGEST_TABLE = 100_000_000  # bytes of a further table; vector files are larger


@dataclass(frozen=True)
class CompetitionFiles:
    """The files of one competition; a folder of texts may take the place of a table.

    train, test: one or several parts with the same columns
    labels: labels in a file of their own; texts: folders with a text for each row's id
    tables: further tables, joined where they share a key; extra: further training rows
    unused: files without a role
    """

    train: Path
    test: Path
    sample: Path | None = None
    unlabelled: tuple[Path, ...] = ()
    solution: Path | None = None
    train_parts: tuple[Path, ...] = ()
    test_parts: tuple[Path, ...] = ()
    labels: Path | None = None
    texts: tuple[Path, ...] = ()
    tables: tuple[Path, ...] = ()
    extra: tuple[Path, ...] = ()
    unused: tuple[str, ...] = ()

    def all(self) -> list[Path]:
        """Every file of the competition that is read."""
        given = (
            *(self.train, *self.train_parts, self.test, *self.test_parts, self.sample),
            *(self.labels, *self.texts, *self.tables, *self.extra),
            *(*self.unlabelled, self.solution),
        )
        return [path for path in given if path is not None]


def find_files(folder: Path, given: DataConfig | None = None) -> CompetitionFiles:
    """The competition's files, found by name, or by their columns where names are ambiguous.

    given: files that the user named (data.train, data.test, data.sample, data.labels, data.extra)
    raises: InputError that lists what was found and how to rename it; FlagError for a missing file
    """
    if not folder.is_dir():
        problem = (
            "is a file; expected the folder around it" if folder.exists() else "does not exist"
        )
        raise InputError(f"{folder} {problem}. Give a folder with --data")
    given = given or DataConfig()
    named = {
        role: _given_files(folder, role, getattr(given, role))
        for role in ("train", "test", "sample", "labels", "extra")
    }
    taken = [path for paths in named.values() for path in paths]
    by_role: dict[str, list[Path]] = {}
    for path in survey(folder):
        if path not in taken:
            by_role.setdefault(role_of(path), []).append(path)
    return _assign(folder, named, by_role, is_sample_refused=given.sample == "none")


def _assign(
    folder: Path,
    named: dict[str, list[Path]],
    by_role: dict[str, list[Path]],
    *,
    is_sample_refused: bool,
) -> CompetitionFiles:
    """Roles to files; the files that the user named go first."""
    sample = next(iter(named["sample"]), None)
    if sample is None and not is_sample_refused:
        sample = _choose_sample(by_role, named["test"], folder)
    labels = list(named["labels"]) or prefer_unpacked(by_role.get("labels", []))
    if not by_role.get("train") and not named["train"]:
        by_role["train"], labels = labels, []
    train, test, texts = _choose_rows(folder, named, by_role, sample)
    if not train or not test:
        one, other, sample = _find_by_columns(
            folder, next(iter(train), None), next(iter(test), None), sample, by_role.get("", [])
        )
        train, test = train or [one], test or [other]
    chosen = [each for each in (_choose_one(labels, "labels", folder),) if each is not None]
    used = {*train, *test, sample, *chosen, *texts, *named["extra"]}
    rest = [path for role in ("train", "test", "") for path in by_role.get(role, [])]
    left = [path for path in prefer_unpacked(rest) if path not in used]
    tables = tuple(path for path in left if _may_be_joined(path))
    others = [*by_role.get("validation", []), *by_role.get("sample", []), *left]
    unused = [path for path in others if path not in used and path not in tables]
    return CompetitionFiles(
        train[0],
        test[0],
        sample,
        tuple(prefer_unpacked(by_role.get("unlabelled", []))),
        _choose_one(by_role.get("solution", []), "solution", folder),
        tuple(train[1:]),
        tuple(test[1:]),
        next(iter(chosen), None),
        tuple(texts),
        tables,
        tuple(named["extra"]),
        tuple(_shown(path, folder) for path in unused),
    )


def _choose_rows(
    folder: Path,
    named: dict[str, list[Path]],
    by_role: dict[str, list[Path]],
    sample: Path | None,
) -> tuple[list[Path], list[Path], list[Path]]:
    """(parts of train, parts of test, folders of texts beside them)."""
    found = {role: prefer_unpacked(by_role.get(role, [])) for role in ("train", "test")}
    texts = [path for paths in found.values() for path in paths if path.is_dir()]
    trains, tests = ([p for p in paths if p not in texts] for paths in found.values())
    if len(trains) > 1 and len(tests) > 1 and sample is not None:
        trains, tests = _choose_pair(trains, tests, sample)
    train = named["train"] or _choose_parts(trains, tests, "train", folder)
    test = named["test"] or _choose_parts(tests, trains, "test", folder)
    return _take_text_folders(train, test, texts)


def _may_be_joined(path: Path) -> bool:
    """Whether a file without a role may be a further table: neither prose nor token vectors."""
    suffix = Path(data_name(path)).suffix.lower()
    return suffix not in (".txt", ".tab") and not path.is_dir() and _size(path) <= _LARGEST_TABLE


def _shown(path: Path, folder: Path) -> str:
    name = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
    return f"{name}/" if path.is_dir() else name


def _given_files(folder: Path, role: str, text: str) -> list[Path]:
    """The paths of a setting such as data.train=a.csv,b.csv, below the folder or anywhere."""
    paths = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        if (role, name) == ("sample", "none"):
            continue
        path = next((p for p in (folder / name, Path(name)) if p.exists()), None)
        if path is None:
            raise FlagError(f"data.{role}: no file {name}, neither in {folder} nor as a path")
        paths.append(path)
    return paths


def _choose_one(paths: list[Path], role: str, folder: Path) -> Path | None:
    """The file of a role, or None; among several, the one that is named exactly like it."""
    chosen = prefer_unpacked(paths)
    plain = [p for p in chosen if stem_of(p).lower() in (role, "sample_submission")]
    if role == "sample submission" and not plain:
        plain = [p for p in chosen if re.search("sample|format|example", stem_of(p).lower())]
    if len(chosen) > 1 and len(plain) == 1:
        return plain[0]
    if len(chosen) > 1:
        raise _too_many(folder, chosen, role)
    return chosen[0] if chosen else None


def _choose_sample(by_role: dict[str, list[Path]], tests: list[Path], folder: Path) -> Path | None:
    """The sample submission; of several (one a stage) the one with the ids of the only test."""
    samples = prefer_unpacked(by_role.get("sample", []))
    tests = tests or prefer_unpacked(by_role.get("test", []))
    if len(samples) > 1 and len(tests) == 1 and not tests[0].is_dir():
        held = [set(map(str, cells)) for cells in _cells(tests[0]).values()]
        asking = [p for p in samples if any(set(map(str, c)) in held for c in _cells(p).values())]
        samples = asking if len(asking) == 1 else samples
    return _choose_one(samples, "sample submission", folder)


def _too_many(folder: Path, paths: list[Path], role: str) -> InputError:
    key = {"sample submission": "sample"}.get(role, role)
    flag = f"name one with --set data.{key}=FILE" if key in ("train", "test", "sample") else ""
    return InputError(
        f"{folder} has {len(paths)} files that could be the {role} file: "
        f"{listing(p.name for p in paths)}. Keep one, {flag or 'or rename the others'}"
    )


def _choose_parts(
    paths: list[Path], counterparts: list[Path], role: str, folder: Path
) -> list[Path]:
    """The file of train or test: named exactly so, with a counterpart, or numbered parts of it."""
    if len(paths) < 2:
        return paths
    exact = [path for path in paths if stem_of(path).lower() == role]
    if len(exact) == 1:
        return exact
    if len({re.sub(r"\d+", "0", stem_of(path).lower()) for path in paths}) == 1:
        return sorted(paths, key=lambda path: [int(n) for n in re.findall(r"\d+", stem_of(path))])
    others = {name_without_role(path) for path in counterparts}
    paired = [path for path in paths if name_without_role(path) in others]
    if len(paired) == 1:
        return paired
    raise _too_many(folder, paths, role)


def _choose_pair(
    trains: list[Path], tests: list[Path], sample: Path
) -> tuple[list[Path], list[Path]]:
    """(train, test) where one pair of files holds the sample's ids, else all.

    Several pairs, such as texts and prompts, each have a file for train and one for test.
    """
    pairs = [(a, b) for a in trains for b in tests if name_without_role(a) == name_without_role(b)]
    if len(pairs) < 2:
        return trains, tests
    asked = [set(map(str, cells)) for cells in _cells(sample).values()]
    holding = [
        pair
        for pair in pairs
        if any(set(map(str, cells)) in asked for cells in _cells(pair[1]).values())
    ]
    if len(holding) > 1:  # variants with labels, and their texts
        holding = [pair for pair in holding if set(_cells(pair[0])) > set(_cells(pair[1]))]
    if len(holding) != 1:
        return trains, tests
    train, test = holding[0]
    return [train], [test]


def _cells(path: Path) -> dict[str, list[Cell]]:
    """The columns of a table; none where the file is no table."""
    try:
        return read_table(path).columns
    except InputError:
        return {}


def _take_text_folders(
    train: list[Path], test: list[Path], texts: list[Path]
) -> tuple[list[Path], list[Path], list[Path]]:
    """Train and test, by folders of texts where there are no tables, and the folders left."""
    left = list(texts)
    for folder in texts:
        files = train if role_of(folder) == "train" else test
        if not files:
            files.append(folder)
            left.remove(folder)
    return train, test, left


def _find_by_columns(
    folder: Path, train: Path | None, test: Path | None, sample: Path | None, others: list[Path]
) -> tuple[Path, Path, Path | None]:
    """Train has columns that test lacks; the smallest of three files is the sample submission."""
    candidates = prefer_unpacked([*others, *(p for p in (train, test) if p)])
    columns = {path: set(names) for path in candidates if (names := _cells(path))}
    if sample is None and len(columns) == 3:
        sample = min((p for p in columns if p not in (train, test)), key=_size)
        columns.pop(sample)
    answer = set(read_table(sample).columns) if sample else set()
    pairs = [
        (a, b)
        for a, b in permutations(columns, 2)
        if columns[a] > columns[b]
        and (not answer or not answer & columns[a] or answer & (columns[a] - columns[b]))
        and train in (None, a)
        and test in (None, b)
    ]
    if len(pairs) != 1:
        found = listing(path.name for path in sorted(folder.iterdir()))
        missing = " and ".join(n for n, p in (("train", train), ("test", test)) if p is None)
        raise InputError(
            f"{folder}: no {missing} file found; it contains {found or 'nothing'}. "
            f"{other_formats(folder) or _RENAME}"
        )
    return *pairs[0], sample


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
