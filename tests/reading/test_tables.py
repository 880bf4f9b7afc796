"""Reading one file as columns of text in any format, and a clear error where it cannot be read."""

import bz2
import gzip
import json
import lzma
import zipfile

import pytest

from seqblend.core.errors import InputError
from seqblend.data.sequences import CsvStyle
from seqblend.reading.formats import data_members
from seqblend.reading.tables import read_table

COLUMNS = {"id": ["007", "8"], "text": ['say "hi", ü', "NA"]}
CSV = 'id,text\n007,"say ""hi"", ü"\n8,NA\n'


def _read(tmp_path, content, name="train.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path)


@pytest.mark.fault("E1")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(tmp_path, encoding):
    assert _read(tmp_path, CSV.encode(encoding)).columns == COLUMNS


@pytest.mark.fault("E1")
def test_latin_1_is_read_with_a_warning_that_names_the_line(tmp_path):
    table = _read(tmp_path, CSV.encode("latin-1"))
    assert table.columns == COLUMNS
    assert "line 2: byte 0xfc is not utf-8" in table.warnings[0]


@pytest.mark.fault("E1")
@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_other_newlines_just_work(tmp_path, newline):
    assert _read(tmp_path, CSV.replace("\n", newline)).columns == COLUMNS


@pytest.mark.fault("E1")
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_detected(tmp_path, separator):
    assert (
        _read(
            tmp_path,
            CSV.replace("d,t", f"d{separator}t")
            .replace("7,", f"7{separator}")
            .replace("8,", f"8{separator}"),
        ).columns
        == COLUMNS
    )


def test_a_header_with_more_commas_than_tabs_is_still_tab_separated(tmp_path):
    table = _read(tmp_path, "id\ta, b, c\n1\tx\n", "train.tsv")
    assert table.columns == {"id": ["1"], "a, b, c": ["x"]}


def test_one_column_may_hold_any_separator(tmp_path):
    assert _read(tmp_path, "text\na, b; c\nd\n").columns == {"text": ["a, b; c", "d"]}


@pytest.mark.fault("E1")
@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_compressed_files_just_work(tmp_path, suffix, pack):
    assert _read(tmp_path, pack(CSV.encode()), f"train.csv{suffix}").columns == COLUMNS


@pytest.mark.fault("E1")
def test_a_zip_with_one_table_is_read_and_macs_shadow_files_ignored(tmp_path):
    path = tmp_path / "train.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.csv", CSV)
        archive.writestr("__MACOSX/train.csv", "x")
    assert read_table(path).columns == COLUMNS


def test_a_zip_with_two_tables_is_refused(tmp_path):
    path = tmp_path / "train.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", CSV)
        archive.writestr("b.csv", CSV)
    with pytest.raises(InputError, match=r"holds 2 files \(a.csv, b.csv\).* Unpack"):
        read_table(path)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, None])
def test_what_unpacks_to_far_more_than_a_table_is_refused(tmp_path, monkeypatch, pack):
    monkeypatch.setattr("seqblend.reading.formats._SMALL", 1_000)
    text = CSV.encode() + b"8,x\n" * 1_000_000
    path = tmp_path / "train.csv.gz"
    if pack is None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("train.csv", text)
    else:
        path.write_bytes(pack(text))
    with pytest.raises(InputError, match=r"train.csv.gz unpacks to more than [\d,]+ bytes, 200"):
        read_table(path)


def test_an_archive_of_several_is_held_to_the_same_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("seqblend.reading.formats._SMALL", 1_000)
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.csv", CSV.encode() + b"8,x\n" * 1_000_000)
    with pytest.raises(InputError, match="unpacks to more than"):
        read_table(tmp_path / "all.zip" / "train.csv")


@pytest.mark.fault("E1")
@pytest.mark.parametrize("change", ["encrypted", "deflate64", "cut"])
def test_a_zip_that_cannot_be_unpacked_is_one_line(tmp_path, change):
    path = tmp_path / "train.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.csv", CSV)
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\x01\x02")
    if change == "encrypted":
        content[6], content[at + 8] = 1, 1
    elif change == "deflate64":
        content[8], content[at + 10] = 9, 9
    else:
        del content[-30:]
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"train.zip cannot be unpacked .* Unpack it by hand"):
        read_table(path)
    assert change != "cut" or data_members(path) == []


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_of_thousands_of_levels_is_one_line(tmp_path, name):
    with pytest.raises(InputError, match="nested too deeply"):
        _read(tmp_path, '{"a":' * 5_000 + "1" + "}" * 5_000, name)


@pytest.mark.fault("E1")
def test_a_truncated_archive_is_named_as_damaged(tmp_path):
    with pytest.raises(InputError, match=r"train.csv.gz is damaged"):
        _read(tmp_path, gzip.compress(CSV.encode())[:-12], "train.csv.gz")


RECORDS = [{"id": "007", "text": COLUMNS["text"][0]}, {"id": 8, "text": "NA"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps(RECORDS)),
        ("a.json", json.dumps({"data": RECORDS})),
        ("a.json", json.dumps(COLUMNS)),
        ("a.json", json.dumps({k: dict(enumerate(v)) for k, v in COLUMNS.items()})),
        ("a.json", "\n".join(map(json.dumps, RECORDS))),
        ("a.jsonl", "\r\n".join(map(json.dumps, RECORDS)) + "\n\n"),
    ],
    ids=["records", "data", "columns", "indexed", "lines in .json", "lines"],
)
def test_every_json_form_gives_the_same_columns(tmp_path, name, content):
    assert _read(tmp_path, content, name).columns == COLUMNS


def test_json_numbers_keep_their_text_and_null_is_empty(tmp_path):
    text = '[{"id": 12345678901234567890, "x": 0.10, "s": [1, 20], "y": null, "b": true}]'
    assert _read(tmp_path, text, "a.json").columns == {
        "id": ["12345678901234567890"],
        "x": ["0.10"],
        "s": [["1", "20"]],
        "y": [""],
        "b": ["true"],
    }


@pytest.mark.fault("I3")
def test_literal_texts_that_pandas_takes_for_missing_stay_text(tmp_path):
    words = ["NA", "null", "None", "nan", "N/A", ""]
    table = _read(tmp_path, "id,text\n" + "".join(f"{i},{w}\n" for i, w in enumerate(words)))
    assert table.columns["text"] == words


@pytest.mark.fault("S2")
def test_ids_come_back_byte_for_byte(tmp_path):
    ids = ["007", "12345678901234567890", "a,b", 'q"q', "two\nlines", "ü", "=1+1", " x "]
    body = "".join('"' + i.replace('"', '""') + '",t\n' for i in ids)
    assert _read(tmp_path, "id,text\n" + body).columns["id"] == ids


@pytest.mark.parametrize(
    "inner", [r"he said \"hi\" twice", 'he said "hi" twice'], ids=["backslash", "unescaped"]
)
def test_the_tutorials_odd_quotes_are_survived(tmp_path, inner):
    table = _read(tmp_path, f'"id"\t"review"\n"1_7"\t"{inner}"\n"2"\t"fine"\n', "train.tsv")
    assert table.columns == {"id": ["1_7", "2"], "review": ['he said "hi" twice', "fine"]}
    assert table.style == CsvStyle("\t", "\n", True, (True, True))


def test_a_stray_quote_does_not_swallow_the_rows_after_it(tmp_path):
    table = _read(tmp_path, 'id\ttext\n1\t"abc\n2\tx\n3\tdef"\n', "train.tsv")
    assert table.columns["text"] == ['"abc', "x", 'def"']
    assert "line 2: a quote is opened and never closed" in table.warnings[0]


def test_a_cell_of_a_million_tokens_is_read(tmp_path):
    long = "7 " * 1_000_000
    assert _read(tmp_path, f"id,s\n1,{long}\n").columns["s"] == [long]


def test_the_place_of_a_row_counts_the_lines_inside_quotes(tmp_path):
    table = _read(tmp_path, 'id,text\n1,"two\nlines"\n\n2,x\n')
    assert table.place(0).endswith("line 2")
    assert table.place(1).endswith("line 5")


@pytest.mark.fault("E1", "E2")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"train.csv is empty \(0 bytes\)"),
        (b"id,text\n", r"train.csv has no rows, only a header"),
        (b"id,text\n1,a\n2,\0\n", r"train.csv, line 3: contains a NUL"),
        ("id,text\n1,ü\n2,ä".encode() + b"\xe4\n", r"line 3: byte 0xe4 is not utf-8.* Save"),
        (b"id,text\n1,a\xff\n", r"line 2: byte 0xff is not utf-8"),
        (b'id,text\n1,a\n2,"b\n3,c\n', r"line 3: a quote is opened and never closed"),
        (b"id,text\n1,a\n2,b,c\n", r"line 3: 3 fields where the header has 2.* in quotes"),
        (b"id,a,a\n1,x,y\n", r"line 1: two columns are named 'a'"),
    ],
    ids=["0 bytes", "header", "NUL", "broken byte", "0xff", "open quote", "ragged", "duplicate"],
)
def test_a_broken_file_is_named_with_line_and_remedy(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        _read(tmp_path, content)
    assert "\n" not in str(caught.value)


@pytest.mark.fault("E1")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"id": 1},\n {"id": 2]', r"line 2, column 10: not valid JSON"),
        ('[{"id": 1}, [2]]', r"record 2: expected an object"),
        ('[{"id": 1, "id": 2}]', r"two columns are named 'id'"),
        ('[{"s": [[[1]]]}]', r"record 1: column 's' has nested values"),
        ("[]", r"no rows"),
        ("[" * 100_000, r"nested too deeply"),
    ],
)
def test_broken_json_is_named_with_its_place(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        _read(tmp_path, content, "a.json")


@pytest.mark.fault("E1")
def test_a_folder_and_a_missing_file_are_told_apart(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        read_table(tmp_path / "train.csv")


@pytest.mark.parametrize(
    "content",
    [
        'sep=;\nid;text\n1;"a, b"\n2;c\n',
        'id, text\n1, "a, b"\n2, c\n',
        'id,text,\n1,"a, b",\n2,c,\n',
        'id,text\n1,"a, b",\n2,c,\n',
        'id,text\n1,"a, b"\n2,c\n,\n,\n',
        'id,text,,\n1,"a, b",,\n2,c,,\n',
    ],
    ids=["sep", "blanks", "empty column", "trailing commas", "empty rows", "unnamed columns"],
)
def test_what_spreadsheets_add_is_left_out(tmp_path, content):
    columns = _read(tmp_path, content).columns
    assert {name: [cell.strip() for cell in cells] for name, cells in columns.items()} == {
        "id": ["1", "2"],
        "text": ["a, b", "c"],
    }


def test_unnamed_columns_with_values_get_a_name_and_an_index_keeps_its_own(tmp_path):
    table = _read(tmp_path, ",text,,\n0,a,,x\n1,b,y,\n")
    assert list(table.columns) == ["", "text", "Unnamed: 2", "Unnamed: 3"]
    table = _read(tmp_path, "v1,v2,,\nham,a,,\nspam,b,,\n")
    assert list(table.columns) == ["v1", "v2"]
    assert "2 columns without name and values are left out" in table.warnings[0]


def test_a_carriage_return_within_a_field_stays_there(tmp_path):
    table = _read(tmp_path, 'id,text\n1,a\rb\n2,"c\rd"\n')
    assert table.columns["text"] == ["a\rb", "c\rd"]
    assert table.place(1) == "train.csv, line 3"


def test_escaped_quote_marks_are_undone(tmp_path):
    table = _read(tmp_path, 'id,text\n1,"she said \\"so\\", and left"\n2,"a \\"b\\" c"\n')
    assert table.columns["text"] == ['she said "so", and left', 'a "b" c']


def test_names_of_columns_are_stripped_and_written_as_they_were(tmp_path):
    table = _read(tmp_path, "id , text\n1,a\n")
    assert list(table.columns) == ["id", "text"]
    assert table.written_name("id") == "id "
