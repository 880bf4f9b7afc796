"""Tells a file's role in a competition by its name: train, test, sample submission, ..."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from seqblend.reading.formats import (
    COLUMNAR_SUFFIXES,
    COMPRESSED,
    DELIMITED_SUFFIXES,
    JSON_SUFFIXES,
    data_members,
    data_name,
)

_TABLE_SUFFIXES = (*DELIMITED_SUFFIXES, *JSON_SUFFIXES, *COLUMNAR_SUFFIXES)
_WORKBOOK, _ARCHIVE = "a workbook: save its sheet as CSV", "an archive: unpack it into the folder"
_ARRAY = "an array: write a table with a row per sequence (CSV, JSON or Parquet)"
_FASTA = "in FASTA: write a table with the columns id and sequence"
_OTHER_FORMATS = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _WORKBOOK),
    **dict.fromkeys((".tar", ".tgz", ".7z", ".rar"), _ARCHIVE),
    **dict.fromkeys((".npy", ".npz", ".pkl", ".pickle", ".h5", ".hdf5", ".mat"), _ARRAY),
    **dict.fromkeys((".fasta", ".fa", ".fastq"), _FASTA),
}
_LABEL_WORDS = {"label", "labels", "target", "targets", "score", "scores", "truth", "answers", "y"}
_OTHER_PARTS = {"val", "valid", "validation", "dev", "eval"}


def role_of(path: Path) -> str:
    """train, test, sample, labels, unlabelled, solution, validation; "" where no name says it."""
    words = _words(path)
    has = {role: any(w.startswith(role) for w in words) for role in ("train", "test", "unlabel")}
    if has["unlabel"] or "unsup" in words:
        return "unlabelled"
    if any(word.startswith("submi") or "submission" in word for word in words) or (
        words and words <= {"sample", "example"}
    ):
        return "sample"
    if "sample" in words and not has["train"] and not has["test"]:
        return "sample"
    if {"solution", "solutions", "answers"} & words or (has["test"] and words & {*_LABEL_WORDS}):
        return "solution"
    if words & _LABEL_WORDS and (has["train"] or words <= _LABEL_WORDS):
        return "labels"
    if has["train"] != has["test"]:
        return "train" if has["train"] else "test"
    if words & _OTHER_PARTS:
        return "validation"
    return ""


def is_table(path: Path) -> bool:
    return Path(data_name(path)).suffix.lower() in _TABLE_SUFFIXES


def other_formats(folder: Path) -> str:
    """What to do with the first file of a format that is not read, such as an Excel workbook."""
    for path in sorted(folder.iterdir()):
        advice = _OTHER_FORMATS.get(Path(data_name(path)).suffix.lower())
        if advice:
            return f"{path.name} is {advice}"
        texts = [name for name in data_members(path) if name.endswith(".txt")]
        if path.suffix.lower() == ".zip" and len(texts) > 1:
            return f"{path.name} holds {len(texts)} texts: unpack it into the folder"
    return ""


def stem_of(path: Path) -> str:
    return path.name if path.is_dir() else Path(data_name(path)).stem


def _words(path: Path) -> set[str]:
    """The lower-case words of a file's name."""
    name = re.sub(r"([a-z])([A-Z])", r"\1 \2", stem_of(path)).lower()
    return set(re.findall(r"[a-z]+", name))


def prefer_unpacked(paths: Iterable[Path]) -> list[Path]:
    """One path per table: the unpacked file where there is a packed one of the same name too."""
    chosen: list[Path] = []
    for path in sorted(paths, key=lambda p: (p.suffix.lower() in COMPRESSED, p.name)):
        is_packed = path.suffix.lower() in COMPRESSED
        if not (is_packed and stem_of(path) in {stem_of(other) for other in chosen}):
            chosen.append(path)
    return chosen


def name_without_role(path: Path) -> str:
    """What a name says besides train or test: `train_essays` and `test_essays` have `_essays`."""
    return re.sub("train(ing)?|test(ing)?", "", stem_of(path).lower())


def pair_tables(paths: Iterable[Path]) -> list[list[Path]]:
    """Tables with their counterparts, such as `train_people.csv` with `test_people.csv`."""
    by_name: dict[str, list[Path]] = {}
    for path in sorted(paths, key=lambda path: role_of(path) != "train"):
        by_name.setdefault(name_without_role(path), []).append(path)
    return list(by_name.values())
