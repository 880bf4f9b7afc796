"""Reads a folder of texts as a table: a file a row, or several files in a folder a row."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from seqblend.core.errors import InputError, listing
from seqblend.reading.formats import read_content
from seqblend.reading.json_tables import Cell
from seqblend.reading.tables import RawTable

TEXT_SUFFIXES = (".txt", ".text", "")
ID, TEXT, LABEL = "id", "text", "label"  # the columns of such a table
_FEWEST_FILES = 2  # per class folder, in the mean; fewer: the folders are rows


def text_files(folder: Path) -> list[Path]:
    """The text files in a folder and one level of folders in it, in name order; else none.

    A folder that holds any other visible file is no folder of texts.
    """
    if not folder.is_dir():
        return []
    found: list[Path] = []
    for top, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        depth = len(Path(top).relative_to(folder).parts)
        if depth == 1:
            names.clear()
        for name in sorted(name for name in files if not name.startswith(".")):
            if Path(name).suffix.lower() not in TEXT_SUFFIXES:
                return []
            found.append(Path(top) / name)
    return found


def read_text_folder(folder: Path) -> RawTable:
    """The table of a folder's texts.

    `ID.txt` gives the columns id and text; `CLASS/ID.txt` label besides; where folders hold the
    same few names (`ID/file_1.txt, ID/file_2.txt`) they are rows, and each name is a column.
    raises: InputError where the folder holds no texts, or its layout is none of these
    """
    files = text_files(folder)
    if not files:
        raise InputError(f"{folder} holds no text files; expected one text per row (ID.txt)")
    form = f"folder of {len(files):,} texts"
    if all(file.parent == folder for file in files):
        ids: list[Cell] = [file.stem for file in files]
        return RawTable(folder, {ID: ids, TEXT: [_read(file) for file in files]}, None, form)
    inner = [file for file in files if file.parent != folder]
    folders = sorted({file.parent for file in inner})
    names = {where: sorted(f.stem for f in inner if f.parent == where) for where in folders}
    same = names[folders[0]]
    if len(folders) > 1 and len(same) >= _FEWEST_FILES and all(n == same for n in names.values()):
        by_place = {(file.parent, file.stem): file for file in inner}
        texts = {name: [_read(by_place[where, name]) for where in folders] for name in same}
        return RawTable(folder, {ID: [where.name for where in folders]} | texts, None, form)
    classes = [where.name for where in folders if where.name.lower() not in ("unsup", "unlabeled")]
    if len(files) != len(inner) or len(inner) < _FEWEST_FILES * len(folders):
        raise InputError(
            f"{folder} holds {len(files)} texts in {len(folders)} folders "
            f"({listing(where.name for where in folders)}); expected ID.txt, CLASS/ID.txt, or "
            "folders with the same names of files. Write a table instead"
        )
    labelled = [file for file in inner if file.parent.name in classes]
    return RawTable(
        folder,
        {
            ID: [file.stem for file in labelled],
            TEXT: [_read(file) for file in labelled],
            LABEL: [file.parent.name for file in labelled],
        },
        None,
        form,
    )


def read_named_texts(table: RawTable) -> RawTable:
    """The table with texts in place of the paths of their files, below the table's own folder.

    raises: InputError where a column names files that hold no text
    """
    texts: dict[str, list[Cell]] = {}
    for name, cells in table.columns.items():
        files = _named_files(table.path.parent, cells)
        other = next((file for file in files if file.suffix.lower() not in TEXT_SUFFIXES), None)
        if other is not None:
            raise InputError(
                f"{table.path.name}: column '{name}' names files such as {other.name}, which hold "
                "no text. Write what they hold into the table, or leave the column out with "
                f"--set data.ignore={name}"
            )
        if files:
            texts[name] = [_read(file) for file in files]
    return replace(table, columns=table.columns | texts) if texts else table


def _named_files(folder: Path, cells: list[Cell]) -> list[Path]:
    """The file of each cell, below one folder; none where a cell names no file."""
    first = cells[0]
    if not isinstance(first, str) or not re.fullmatch(r"\S{1,200}\.\w{1,5}", first):
        return []
    below = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    for top in (folder, *below):
        if (top / first).is_file():
            files = [top / str(cell) for cell in cells]
            return files if all(file.is_file() for file in files) else []
    return []


def _read(file: Path) -> str:
    return read_content(file).text if file.stat().st_size else ""
