"""Finds the train, test, sample submission, unlabelled and solution files of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from seqblend.core.errors import InputError, listing
from seqblend.reading.formats import COMPRESSED, DELIMITED_SUFFIXES, JSON_SUFFIXES, data_name
from seqblend.reading.tables import read_table

_RENAME = (
    "Name them train.csv, test.csv and sample_submission.csv "
    "(or .tsv, .json, .jsonl; also .gz, .zip, .bz2, .xz)"
)


@dataclass(frozen=True)
class CompetitionFiles:
    """The files of one competition."""

    train: Path
    test: Path
    sample: Path | None = None
    unlabelled: tuple[Path, ...] = ()
    solution: Path | None = None

    def all(self) -> list[Path]:
        """Every file of the competition."""
        given = (self.train, self.test, self.sample, *self.unlabelled, self.solution)
        return [path for path in given if path is not None]


def is_competition(folder: Path) -> bool:
    """Whether a folder directly holds a train and a test file, judged by their names."""
    if not folder.is_dir():
        return False
    roles = {_role(path) for path in _data_files(folder)}
    return {"train", "test"} <= roles


def find_files(folder: Path) -> CompetitionFiles:
    """The competition's files, found by name, or by their columns where names are ambiguous.

    raises: InputError that lists what was found and how to rename it
    """
    if not folder.is_dir():
        problem = (
            "is a file; expected the folder around it" if folder.exists() else "does not exist"
        )
        raise InputError(f"{folder} {problem}. Give a folder with --data")
    files = _data_files(folder)
    by_role: dict[str, list[Path]] = {}
    for path in files:
        by_role.setdefault(_role(path), []).append(path)
    sample = _choose_one(by_role.get("sample", []), "sample submission", folder)
    train = _choose_one(by_role.get("train", []), "train", folder)
    test = _choose_one(by_role.get("test", []), "test", folder)
    if train is None or test is None:
        train, test, sample = _find_by_columns(folder, train, test, sample, by_role.get("", []))
    return CompetitionFiles(
        train,
        test,
        sample,
        tuple(_prefer_unpacked(by_role.get("unlabelled", []))),
        _choose_one(by_role.get("solution", []), "solution", folder),
    )


def _data_files(folder: Path) -> list[Path]:
    """Files that may be tables, in name order."""
    known = (*DELIMITED_SUFFIXES, *JSON_SUFFIXES)
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and not path.name.startswith(".")
        and (Path(data_name(path)).suffix.lower() in known or _is_bare_archive(path))
    )


def _is_bare_archive(path: Path) -> bool:
    """`train.zip`, whose member has the table's suffix."""
    return path.suffix.lower() in COMPRESSED and not Path(path.stem).suffix


def _role(path: Path) -> str:
    """train, test, sample, unlabelled, solution, or "" where the name says none of them."""
    name = re.sub(r"([a-z])([A-Z])", r"\1 \2", _stem(path)).lower()
    words = re.findall(r"[a-z]+", name)
    has = {role: any(w.startswith(role) for w in words) for role in ("train", "test", "unlabel")}
    if has["unlabel"] or "unsup" in words:
        return "unlabelled"
    if "submission" in name or "sample solution" in name or words in (["sample"], ["example"]):
        return "sample"
    if {"solution", "answers"} & set(words) or (has["test"] and {"labels", "truth"} & set(words)):
        return "solution"
    if has["train"] != has["test"]:
        return "train" if has["train"] else "test"
    return ""


def _stem(path: Path) -> str:
    return Path(data_name(path)).stem


def _prefer_unpacked(paths: Iterable[Path]) -> list[Path]:
    """One path per table: the unpacked file where there is a packed one of the same name too."""
    chosen: list[Path] = []
    for path in sorted(paths, key=lambda p: (p.suffix.lower() in COMPRESSED, p.name)):
        is_packed = path.suffix.lower() in COMPRESSED
        if not (is_packed and _stem(path) in {_stem(other) for other in chosen}):
            chosen.append(path)
    return chosen


def _choose_one(paths: list[Path], role: str, folder: Path) -> Path | None:
    """The file of a role, or None; among several, the one that is named exactly like it."""
    chosen = _prefer_unpacked(paths)
    plain = [p for p in chosen if _stem(p).lower() in (role, "sample_submission")]
    if role == "sample submission" and not plain:
        plain = [p for p in chosen if re.search("sample|format|example", _stem(p).lower())]
    if len(chosen) > 1 and len(plain) == 1:
        return plain[0]
    if len(chosen) > 1:
        raise InputError(
            f"{folder} has {len(chosen)} files that could be the {role} file: "
            f"{listing(p.name for p in chosen)}. Keep one, or rename the others"
        )
    return chosen[0] if chosen else None


def _find_by_columns(
    folder: Path, train: Path | None, test: Path | None, sample: Path | None, others: list[Path]
) -> tuple[Path, Path, Path | None]:
    """Train has columns that test lacks; the smallest of three files is the sample submission."""
    candidates = _prefer_unpacked([*others, *(p for p in (train, test) if p)])
    columns = {path: set(names) for path in candidates if (names := _columns(path))}
    if sample is None and len(columns) == 3:
        sample = min((p for p in columns if p not in (train, test)), key=lambda p: p.stat().st_size)
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
            f"{folder}: no {missing} file found; it contains {found or 'nothing'}. {_RENAME}"
        )
    return *pairs[0], sample


def _columns(path: Path) -> list[str]:
    """The column names; none where the file is no table."""
    try:
        return list(read_table(path).columns)
    except InputError:
        return []
