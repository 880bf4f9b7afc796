"""Blocks of a table: the rows that read_table reads, so many at a time."""

import gzip
import zipfile
from dataclasses import replace

import pytest

from seqblend.core.errors import InputError
from seqblend.reading.block_reader import BlockReader, reading_cost
from seqblend.reading.tables import read_table

QUOTED = 'id,text\n1,"a, ""b"" c"\n2,"two\nlines"\n3,NA\n4,\n5,05.0\n'


def write(tmp_path, name, text):
    path = tmp_path / name
    raw = text.encode()
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


@pytest.mark.parametrize("rows", [1, 2, 100])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", QUOTED),
        ("a.csv.gz", QUOTED),
        (
            "a.tsv",
            QUOTED.replace('"a, ""b"" c"', 'a "b" c')
            .replace('"two\nlines"', '"open')
            .replace(",", "\t"),
        ),
        ("a.csv", "\ufeff id ;text\r\n1;x\r\n\r\n2;ü\r\n"),
        ("a.csv", QUOTED + "6,the last line has no end"),
    ],
)
def test_blocks_together_are_the_table(tmp_path, name, text, rows):
    path = write(tmp_path, name, text)
    blocks = list(replace(BlockReader.open(path, 1e9), rows=rows).blocks())
    whole = read_table(path)
    assert {len(block) for block in blocks[:-1]} <= {rows}
    assert list(blocks[0].columns) == list(whole.columns)
    for column, cells in whole.columns.items():
        assert [cell for block in blocks for cell in block.columns[column]] == cells


def test_a_head_that_ends_inside_a_field_is_cut_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr("seqblend.reading.block_reader._HEAD", 45)
    path = write(tmp_path, "a.csv", QUOTED.replace("two\nlines", "two\n\n\nthree\nlines"))
    blocks = list(BlockReader.open(path, 1e9).blocks())
    assert blocks[0].columns == read_table(path).columns


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '[{"id": 1}]'),
        ("a.csv", 'id,text\n1, "a\\"b, c"\n2,x\n'),  # escapes
        ("a.csv", "id,text\n"),
        ("a.csv", "id,text"),
        ("a.csv", "id,text,text\n1,x,y\n"),
        ("a.csv", "id,,\n1,x,y\n"),
        ("a.txt", '{"id": 1, "text": "a"}\n{"id": 2, "text": "b"}\n'),
        ("a.csv", "id,text\r1,x\r2,y\r"),
    ],
)
def test_what_the_csv_module_reads_otherwise_is_not_read_in_blocks(tmp_path, name, text):
    assert BlockReader.open(write(tmp_path, name, text), 1e9) is None


def test_columns_without_their_cells_leave_the_others(tmp_path):
    path = write(tmp_path, "a.csv", QUOTED)
    table = replace(BlockReader.open(path, 1e9), rows=2).without(["Text"])
    assert table.columns == {"id": list("12345"), "Text": [""] * 5}


def test_rows_of_a_block_follow_the_memory(tmp_path):
    path = write(tmp_path, "a.csv", "id,text\n" + f"1,{'x' * 996}\n" * 50)
    assert BlockReader.open(path, 1e6).rows == pytest.approx(100, abs=5)
    assert BlockReader.open(path, 1).rows == 1
    assert BlockReader.open(path, 1e12).rows == 50_000


LATE = "id\ttext\n" + "1\tx\n" * 100  # what comes behind differs from it


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.tsv", 'id\ttext\n0\t"open\n' + "1\tx\n" * 100 + '2\t"closed"\n3\t"\n4\t" a\n'),
        ("a.txt", "text\n" + "x\n" * 100 + '""\ny\n'),
    ],
)
def test_what_stands_behind_the_head_is_read_as_in_the_whole(tmp_path, monkeypatch, name, text):
    monkeypatch.setattr("seqblend.reading.block_reader._HEAD", 60)
    path = write(tmp_path, name, text)
    (block,) = BlockReader.open(path, 1e9).blocks()
    assert block.columns == read_table(path).columns


@pytest.mark.parametrize(
    "text",
    [
        LATE + '2\t"open\n3\tfoo"\n',
        LATE.replace("\t", ",") + "2,a\rb\n",
        LATE.replace("\t", ",") + '2,"a\\"b, c"\n',
        LATE.replace("\t", ",") + "2,\udcff\n",
    ],
)
def test_what_would_be_read_otherwise_is_refused(tmp_path, monkeypatch, text):
    monkeypatch.setattr("seqblend.reading.block_reader._HEAD", 60)
    path = tmp_path / "a.tsv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    reader = BlockReader.open(path, 1e9)
    if reader is not None:  # else the csv module's reader has read too far ahead
        with pytest.raises(InputError):
            list(reader.blocks())


@pytest.mark.parametrize(
    ("bad", "what"),
    [("2,y,z\n", "3 fields where"), ("2\n", "1 fields where"), ('2,"y\n', "unexpected end")],
)
def test_a_file_that_breaks_later_is_one_line(tmp_path, bad, what):
    path = write(tmp_path, "a.csv", "id,text\n" + "1,x\n" * 300_000 + bad)
    with pytest.raises(InputError, match=rf"a\.csv, line 300002: {what}"):
        list(BlockReader.open(path, 1e9).blocks())


def test_the_cost_counts_what_a_compressed_file_unpacks_to(tmp_path):
    plain, packed = write(tmp_path, "a.csv", QUOTED), write(tmp_path, "b.csv.gz", QUOTED)
    assert reading_cost(plain) == 10 * len(QUOTED)
    assert reading_cost(packed) == 50 * packed.stat().st_size
    assert reading_cost(tmp_path / "none.csv") == 0
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(plain, "plain.csv")
    size = (tmp_path / "all.zip").stat().st_size
    assert reading_cost(tmp_path / "all.zip" / "plain.csv") == 50 * size
